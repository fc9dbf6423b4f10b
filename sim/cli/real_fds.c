/* File descriptors: what a configuration may need against what the process may have. */
#include <inttypes.h>
#include <sys/resource.h>

#include "sim/cli/real_node.h"

#define FDS_OWN 20u /* standard streams, loop, lock, listeners, service manager, files while they are read or written */

struct fds {
	uint64_t peers; /* what the configured peers alone take, with FDS_OWN */
	uint64_t most;  /* and with everything else at its bound */
	uint64_t soft, hard;
};

static uint64_t http_connections(const struct settings *s)
{
	uint64_t n = s->max_open_connections;

	if (!s->prometheus)
		return 0;
	return 1 + (n == 0 || n > OPS_HTTP_CONNECTIONS_MAX ? OPS_HTTP_CONNECTIONS_MAX : n);
}

static bool count(const struct real_node *n, struct fds *f)
{
	const struct settings *s = n->settings;
	struct rlimit limit;

	f->peers = FDS_OWN + (uint64_t)s->max_num_inbound_peers + s->max_num_outbound_peers + n->persistent.n + n->unconditional.n;
	f->most = f->peers + SY_LIMIT_HANDSHAKES + SY_LIMIT_DIALS + http_connections(s);
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return false;
	f->soft = limit.rlim_cur;
	f->hard = limit.rlim_max;
	return true;
}

static void raise_soft(struct fds *f)
{
	const struct rlimit limit = {.rlim_cur = f->hard, .rlim_max = f->hard};

	if (f->soft < f->most && f->soft < f->hard && setrlimit(RLIMIT_NOFILE, &limit) == 0)
		f->soft = f->hard;
}

bool real_node_descriptors(struct real_node *n, char error[CLI_ERROR_TEXT])
{
	struct fds f;

	if (!count(n, &f)) /* nobody says what the limit is: the system will */
		return true;
	if (n->checking)
		f.soft = f.hard; /* as a start would raise it */
	else
		raise_soft(&f);
	if (f.soft < f.peers) {
		snprintf(error, CLI_ERROR_TEXT,
		         "file descriptors: the configured peers need %" PRIu64 ", the limit is %" PRIu64
		         "; raise it (ulimit -n, LimitNOFILE) or lower p2p.max_num_inbound_peers",
		         f.peers, f.soft);
		return false;
	}
	if (n->checking)
		printf("# file descriptors: %" PRIu64 " at most are needed, %" PRIu64 " may be had\n", f.most, f.soft);
	else if (f.soft < f.most)
		node_log(&n->log, NODE_LOG_WARN,
		         "file descriptors: up to %" PRIu64 " are needed, the limit is %" PRIu64
		         "; connections beyond it fail; raise it (ulimit -n %" PRIu64 ", LimitNOFILE=%" PRIu64 ")",
		         f.most, f.soft, f.most, f.most);
	return true;
}
