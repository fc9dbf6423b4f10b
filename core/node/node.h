/* The door: one node as its owner sees it. It takes inputs, hands each to the room it belongs to, and collects what is ready. */
#ifndef SY_NODE_NODE_H
#define SY_NODE_NODE_H

#include "core/pex/pex.h"
#include "core/switch/switch.h"

struct sy_node {
	struct sy_switch sw;
	struct sy_pex *pex; /* null without PEX */
	struct sy_env env;  /* a copy: rooms below keep its address */
};

/* Time never runs backwards inside a node, whatever its owner says. */
static inline void sy_node_set_now(struct sy_node *node, uint64_t now_ns)
{
	if (now_ns > node->sw.now_ns)
		node->sw.now_ns = now_ns;
}

/* hash.c: what goes in and comes out, into the rolling hash */
void sy_node_hash_input(struct sy_node *node, const struct sy_input *in);
void sy_node_hash_output(struct sy_node *node, const struct sy_output *out);

#endif
