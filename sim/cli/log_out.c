#include "sim/cli/log_out.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A second open file of the same pipe or terminal, which alone does not block. -1: there can be none. */
static int open_again(int fd)
{
	char path[32];
	struct stat st;

	if (fstat(fd, &st) != 0 || !(S_ISFIFO(st.st_mode) || isatty(fd)))
		return -1;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void log_out_open(struct log_out *out, int fd)
{
	struct stat st;
	int again = open_again(fd);

	*out = (struct log_out){.open = true, .own = again >= 0, .fd = again >= 0 ? again : fd};
	out->socket = !out->own && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* True within wait_ms: the reader takes something, or is gone, which a write will tell. */
static bool writable(const struct log_out *out, int wait_ms)
{
	struct pollfd at = {.fd = out->fd, .events = POLLOUT};

	return poll(&at, 1, wait_ms) == 1;
}

/* How many bytes were taken; -1: none, and those that are left will not be either: nobody reads there any more. */
static ssize_t put(struct log_out *out, const char *bytes, size_t len)
{
	if (!out->own && !out->socket && !writable(out, 0))
		return 0;
	ssize_t n = out->socket ? send(out->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL) : write(out->fd, bytes, len);

	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
}

/* False: there is a rest, and it is not taken now. */
static bool put_rest(struct log_out *out)
{
	ssize_t n = out->len == 0 ? 0 : put(out, out->rest + out->from, out->len);

	if (n < 0)
		n = (ssize_t)out->len;
	out->from += (size_t)n;
	out->len -= (size_t)n;
	return out->len == 0;
}

bool log_out_ready(struct log_out *out)
{
	return put_rest(out) && writable(out, 0);
}

bool log_out_line(struct log_out *out, const char *line, size_t len)
{
	ssize_t n = put_rest(out) ? put(out, line, len) : 0;

	if (n <= 0)
		return false;
	out->from = 0;
	out->len = len - (size_t)n;
	memcpy(out->rest, line + n, out->len);
	return true;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void log_out_wait(struct log_out *out)
{
	for (int64_t end = now_ms() + LOG_OUT_PATIENCE_MS, left = LOG_OUT_PATIENCE_MS; left > 0; left = end - now_ms())
		if (writable(out, (int)left) && put_rest(out) && writable(out, 0))
			return;
}

void log_out_close(struct log_out *out)
{
	if (out->own)
		close(out->fd);
	*out = (struct log_out){0};
}
