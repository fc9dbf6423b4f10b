#include "core/node/node.h"

#include <string.h>

/* Texts that the node cannot do without, and numbers that no room can work with. */
static const char *refused_key(const struct sy_config *config)
{
	if (!config->name)
		return "name";
	if (!config->moniker)
		return "moniker";
	if (!config->listen_addr)
		return "listen_addr";
	/* Source: protocol.md 0.4: 0 passes upstream's validation and then never makes progress. */
	if (config->max_packet_msg_payload_size == 0 || config->max_packet_msg_payload_size > SY_LIMIT_PACKET_DATA)
		return "max_packet_msg_payload_size";
	if (config->seed_mode && !config->pex)
		return "seed_mode";
	/* A pong that may take as long as the next ping answers which one? Upstream's connections refuse it, too. 0: no pings. */
	if (config->ping_interval_ns != 0 && (config->pong_timeout_ns == 0 || config->pong_timeout_ns >= config->ping_interval_ns))
		return "pong_timeout";
	return NULL;
}

static enum sy_err fill_node(struct sy_node *node, const struct sy_config *config, const struct sy_reactor *reactors, size_t n,
                             const char **what)
{
	struct sy_switch *sw = &node->sw;
	enum sy_err err = sy_switch_init(sw, &node->env, config, reactors, n, what);
	if (err)
		return err;
	if (config->pex) {
		err = sy_pex_new(&node->pex, &node->env, sw->policy, config, sw->book, what);
		if (err)
			return err;
		*what = "pex";
		if ((err = sy_switch_register(sw, sy_pex_reactor(node->pex))))
			return err;
	}
	return sy_switch_seal(sw, config, what);
}

enum sy_err sy_node_new(struct sy_node **out, const struct sy_env *env, const struct sy_config *config, const struct sy_reactor *reactors,
                        size_t num_reactors, const char **what)
{
	const char *refused = refused_key(config);
	*out = NULL;
	if (what)
		*what = refused;
	if (refused)
		return SY_INVALID;
	struct sy_node *node = sy_mem_new(env, sizeof *node);
	if (!node)
		return SY_NO_MEMORY;
	node->env = *env;
	enum sy_err err = fill_node(node, config, reactors, num_reactors, &refused);
	if (what)
		*what = err == SY_INVALID ? refused : NULL;
	if (err) {
		sy_node_free(node);
		return err;
	}
	*out = node;
	return SY_OK;
}

void sy_node_free(struct sy_node *node)
{
	if (!node)
		return;
	struct sy_env env = node->env;
	/* PEX holds addresses through the book, and the switch owns the book. */
	if (node->pex)
		sy_pex_free(node->pex);
	if (node->sw.env)
		sy_switch_fini(&node->sw);
	sy_mem_wipe(node, sizeof *node);
	sy_mem_free(&env, node, sizeof *node);
}

uint32_t sy_node_unsent_lowat(const struct sy_node *node)
{
	return node->sw.policy->unsent_lowat;
}

uint64_t sy_node_trace_hash(const struct sy_node *node)
{
	return node->sw.tracer.hash;
}

bool sy_node_next_trace(struct sy_node *node, struct sy_trace *trace)
{
	return sy_tracer_next(&node->sw.tracer, &node->env, trace);
}

uint64_t sy_node_traces_dropped(const struct sy_node *node)
{
	return node->sw.tracer.dropped;
}
