/*
 * The rolling hash of a run. Of a chunk of bytes its length and end stand for the whole: they are authenticated
 * ciphertext, and the messages that they bring are hashed whole where they are routed. Refs are deterministic within a
 * node, so they name connections here.
 */
#include "core/node/node.h"

#include <string.h>

static void hash_rare(struct sy_tracer *t, const struct sy_input *in)
{
	sy_tracer_mix(t, in->token);
	sy_tracer_mix(t, in->timeout_ns);
	sy_tracer_mix(t, in->wall_ns);
	sy_tracer_mix_addr(t, &in->addr);
	sy_tracer_mix_bytes(t, in->bytes.ptr, in->bytes.len);
}

void sy_node_hash_input(struct sy_node *node, const struct sy_input *in)
{
	struct sy_tracer *t = &node->sw.tracer;
	sy_tracer_mix(t, (uint64_t)in->kind << 40 | (uint64_t)in->channel << 32 | (uint32_t)in->err);
	sy_tracer_mix(t, in->now_ns);
	sy_tracer_mix_ref(t, in->conn);
	switch (in->kind) {
	case SY_IN_BYTES:
	case SY_IN_TRY_SEND:
	case SY_IN_BROADCAST:
		sy_tracer_mix_tail(t, in->bytes.ptr, in->bytes.len);
		break;
	case SY_IN_TIME:
	case SY_IN_DIALLED:
	case SY_IN_DIAL_FAILED:
	case SY_IN_EOF:
	case SY_IN_CONN_ERROR:
	case SY_IN_VERDICT:
	case SY_IN_STOP:
	case SY_IN_STOP_PEER:
	case SY_IN_FLUSH_STOP_PEER:
	case SY_IN_MARK_GOOD:
	case SY_IN_SAVE_BOOK:
		break;
	case SY_IN_SEND:
		sy_tracer_mix(t, in->token);
		sy_tracer_mix(t, in->timeout_ns);
		sy_tracer_mix_tail(t, in->bytes.ptr, in->bytes.len);
		break;
	case SY_IN_START:
	case SY_IN_WALL:
	case SY_IN_ACCEPT:
	case SY_IN_SIGNED:
	case SY_IN_RESOLVED:
	case SY_IN_BOOK:
	case SY_IN_WORK_DONE:
	case SY_IN_DIAL:
	case SY_IN_LISTS:
	case SY_IN_RESERVED_KINDS:
		hash_rare(t, in);
		break;
	}
}

void sy_node_hash_output(struct sy_node *node, const struct sy_output *out)
{
	struct sy_tracer *t = &node->sw.tracer;
	sy_tracer_mix(t, (uint64_t)out->kind << 48 | (uint64_t)out->reactor << 40 | (uint64_t)out->channel << 32 | (uint32_t)out->err);
	sy_tracer_mix_ref(t, out->conn);
	sy_tracer_mix(t, out->token);
	sy_tracer_mix(t, out->value);
	sy_tracer_mix(t, out->timeout_ns);
	if (out->addr.port || out->addr.flags)
		sy_tracer_mix_addr(t, &out->addr);
	if (out->kind == SY_OUT_SIGN)
		sy_tracer_mix_bytes(t, out->bytes, sizeof out->bytes);
	if (out->kind == SY_OUT_RESOLVE)
		sy_tracer_mix_bytes(t, out->text, strlen(out->text));
	if (out->kind == SY_OUT_DELIVER)
		sy_tracer_mix(t, out->span.len);
}
