/* A real node seen from outside: what it tells sim/ops, and where that answers. */
#include <stdlib.h>
#include <string.h>

#include "sim/cli/real_node.h"

/* As CometBFT reads it: an empty address is none, too. */
static bool wants_http(const struct settings *s)
{
	return s->prometheus && *s->prometheus_listen_addr != '\0';
}

bool real_node_judge_ops(const struct settings *s, char error[CLI_ERROR_TEXT])
{
	struct sy_netaddr at;

	if (!ops_is_namespace(s->name_space)) {
		settings_blame(s, "instrumentation.namespace", error,
		               "instrumentation.namespace: \"%.80s\" is no name for metrics: letters, digits and _, %u at most", s->name_space,
		               OPS_NAMESPACE_MAX - 1);
		return false;
	}
	enum sy_err err = wants_http(s) ? ops_http_address(s->prometheus_listen_addr, &at) : SY_OK;
	if (err != SY_OK)
		settings_blame(s, "instrumentation.prometheus_listen_addr", error,
		               "instrumentation.prometheus_listen_addr: \"%.200s\" is no HOST:PORT: %s", s->prometheus_listen_addr,
		               sy_err_text(err));
	return err == SY_OK;
}

bool real_node_watch(struct real_node *n, char error[CLI_ERROR_TEXT])
{
	const struct settings *s = n->settings;

	if (ops_notify_open(&n->notify) != SY_OK) {
		snprintf(error, CLI_ERROR_TEXT, "NOTIFY_SOCKET: \"%.200s\" is no socket of a service manager", getenv("NOTIFY_SOCKET"));
		return false;
	}
	ops_init(&n->ops, &(struct ops_source){
	                      .node = n->core,
	                      .driver = n->driver,
	                      .id = n->id,
	                      .network = s->network != NULL ? s->network : n->chain_id,
	                      .moniker = s->moniker,
	                      .profile = sy_profile_name(n->profile),
	                      .external_addr = s->external_address,
	                      .name_space = s->name_space,
	                      .log_left_out = &n->log.left_out,
	                      .log_dropped = &n->log.dropped,
	                      .knows_others = n->seeds.n != 0 || n->persistent.n != 0,
	                      .seed_mode = s->seed_mode,
	                  });
	return true;
}

/* A host that is left out means everywhere to CometBFT: whoever relies on that must hear of it. */
static void tell_where(struct real_node *n, const struct sy_netaddr *bound)
{
	const char *text = n->settings->prometheus_listen_addr, *bare = strstr(text, "://");
	char at[SY_ADDR_TEXT];

	sy_netaddr_format_dial(bound, at);
	node_log(&n->log, NODE_LOG_INFO, "metrics on http://%s/metrics%s", at,
	         *(bare == NULL ? text : bare + 3) != ':' ? ""
	                                                  : " (no host was named: for this machine only; 0.0.0.0:PORT serves others, too)");
}

bool real_node_serve(struct real_node *n, char error[CLI_ERROR_TEXT])
{
	const struct settings *s = n->settings;
	struct sy_netaddr bound;
	char why[OPS_ERROR_TEXT];

	if (!wants_http(s))
		return true;
	if (!ops_serve(&n->ops, &n->loop, s->prometheus_listen_addr, s->max_open_connections, &bound, why)) {
		settings_blame(s, "instrumentation.prometheus_listen_addr", error, "instrumentation.prometheus_listen_addr: %.500s", why);
		return false;
	}
	tell_where(n, &bound);
	return true;
}
