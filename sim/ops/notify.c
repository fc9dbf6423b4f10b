#include "sim/ops/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* An absolute path, or an abstract name, which begins with @ here and with a zero byte in the address. */
static enum sy_err address(const char *path, struct sockaddr_un *at, socklen_t *len)
{
	size_t n = strlen(path);

	*at = (struct sockaddr_un){.sun_family = AF_UNIX};
	if ((path[0] != '/' && path[0] != '@') || n < 2 || n >= sizeof at->sun_path)
		return SY_INVALID;
	memcpy(at->sun_path, path, n);
	if (path[0] == '@')
		at->sun_path[0] = '\0';
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	return SY_OK;
}

/* Half of the time after which the manager thinks that we hang; 0: it does not watch, or watches another process. */
static uint64_t watchdog_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (usec == NULL || (pid != NULL && strtoll(pid, NULL, 10) != (long long)getpid()))
		return 0;
	uint64_t half = strtoull(usec, NULL, 10) / 2000u;
	return half == 0 && strtoull(usec, NULL, 10) != 0 ? 1 : half;
}

enum sy_err ops_notify_open(struct ops_notify *n)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un at;
	socklen_t len;

	if (path == NULL || *path == '\0')
		return SY_OK;
	enum sy_err err = address(path, &at, &len);
	if (err != SY_OK)
		return err;
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->fd < 0)
		return SY_IO;
	if (connect(n->fd, (const struct sockaddr *)&at, len) != 0) {
		close(n->fd);
		return SY_IO;
	}
	n->open = true;
	n->period_ms = watchdog_ms();
	return SY_OK;
}

void ops_notify_say(const struct ops_notify *n, const char *state)
{
	if (n->open)
		(void)send(n->fd, state, strlen(state), MSG_NOSIGNAL);
}

static void on_timer(uv_timer_t *timer)
{
	ops_notify_say(timer->data, "WATCHDOG=1");
}

void ops_notify_ready(struct ops_notify *n, uv_loop_t *loop)
{
	ops_notify_say(n, "READY=1");
	if (!n->open || n->period_ms == 0)
		return;
	uv_timer_init(loop, &n->timer);
	n->timer.data = n;
	uv_timer_start(&n->timer, on_timer, n->period_ms, n->period_ms);
	n->ticking = true;
}

void ops_notify_close(struct ops_notify *n)
{
	if (n->ticking)
		uv_close((uv_handle_t *)&n->timer, NULL);
	n->ticking = false;
	if (n->open)
		close(n->fd);
	n->open = false;
}
