#include "sim/ops/ops.h"

#include <string.h>
#include <time.h>

#include "sim/ops/metrics.h"
#include "sim/ops/status.h"
#include "transport/host/listen.h"

void ops_init(struct ops *ops, const struct ops_source *source)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	ops->source = *source;
	ops->started_ns = uv_hrtime();
	ops->started_wall_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void ops_see(struct ops *ops, const struct sy_trace *trace)
{
	ops_counts_see(&ops->counts, trace);
}

bool ops_is_namespace(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:0123456789";

	return strlen(text) < OPS_NAMESPACE_MAX && strspn(text, letters) == strlen(text) && !(*text >= '0' && *text <= '9');
}

/* ------------------------------------------------------------------ the paths */

static unsigned health(struct ops *ops, struct ops_text *body)
{
	ops_health(ops, body);
	return 200;
}

static unsigned ready(struct ops *ops, struct ops_text *body)
{
	return ops_ready(ops, body) ? 200 : 503;
}

static unsigned peers(struct ops *ops, struct ops_text *body)
{
	ops_peers(ops, body);
	return 200;
}

static unsigned net_info(struct ops *ops, struct ops_text *body)
{
	ops_net_info(ops, body);
	return 200;
}

static unsigned metrics(struct ops *ops, struct ops_text *body)
{
	ops_metrics(ops, body);
	return 200;
}

#define JSON "application/json"
static const struct path {
	const char *path, *type, *what;
	unsigned (*answer)(struct ops *ops, struct ops_text *body);
} paths[] = {
    {"/metrics", PROM_CONTENT_TYPE, "metrics for Prometheus", metrics},
    {"/healthz", JSON, "does it live? 200", health},
    {"/readyz", JSON, "is it of use to others? 200, or 503 with the reasons", ready},
    {"/peers", JSON, "who is connected", peers},
    {"/net_info", JSON, "the same in the shape of CometBFT's RPC", net_info},
};
#define PATHS (sizeof paths / sizeof paths[0])

static unsigned overview(const char *path, struct ops_text *body)
{
	bool root = strcmp(path, "/") == 0;

	if (!root)
		ops_text_print(body, "there is no such page; there are:\n");
	for (size_t i = 0; i < PATHS; i++)
		ops_text_print(body, "%-10s %s\n", paths[i].path, paths[i].what);
	return root ? 200 : 404;
}

unsigned ops_answer(void *ctx, const char *path, struct ops_text *body, const char **type)
{
	struct ops *ops = ctx;

	for (size_t i = 0; i < PATHS; i++) {
		if (strcmp(path, paths[i].path) != 0)
			continue;
		*type = paths[i].type;
		return paths[i].answer(ops, body);
	}
	return overview(path, body);
}

/* ------------------------------------------------------------------ life */

bool ops_serve(struct ops *ops, uv_loop_t *loop, const char *address, uint32_t connections, struct sy_netaddr *bound,
               char error[OPS_ERROR_TEXT])
{
	struct sy_netaddr at;
	enum sy_err err = ops_http_address(address, &at);

	if (err != SY_OK) {
		snprintf(error, OPS_ERROR_TEXT, "\"%.200s\" is no HOST:PORT: %s", address, sy_err_text(err));
		return false;
	}
	ops->http.posts = "/net_info"; /* CometBFT's own clients ask that way */
	err = ops_http_start(&ops->http, loop, &at, connections, ops_answer, ops, bound);
	if (err != SY_OK)
		snprintf(error, OPS_ERROR_TEXT, "cannot listen on %.200s: %s", address, tp_listen_fault(err));
	return err == SY_OK;
}

void ops_stop(struct ops *ops)
{
	ops_http_stop(&ops->http);
	ops_infos_fini(&ops->infos);
}
