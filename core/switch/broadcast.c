/* One message for all peers that have the channel: one copy, counted. Source: protocol.md 4.10. */
#include "core/switch/switch.h"

uint32_t sy_switch_broadcast(struct sy_switch *sw, uint8_t channel, struct sy_span bytes)
{
	struct sy_mconn_shared *shared = &sw->conns.mconn;
	struct sy_payload *payload = sw->num_peers ? sy_payload_new(&shared->payloads, sw->env, bytes) : NULL;
	if (!payload)
		return 0;
	uint32_t took = 0;
	sw->last_message_ns = sw->now_ns;
	for (uint32_t i = 0; i < sw->num_peers; i++) {
		struct sy_slot *s = sy_table_at(&sw->table, sw->peers[i]);
		if (sy_switch_may_send(sw, s, channel) || sy_mconn_try_send(s->conn.mconn, shared, channel, payload, sw->now_ns))
			continue;
		took++;
		sy_switch_touch(sw, s);
	}
	sy_tracer_mix(&sw->tracer, (uint64_t)channel << 40 | took);
	sy_tracer_mix_bytes(&sw->tracer, bytes.ptr, bytes.len);
	sy_payload_unref(&shared->payloads, sw->env, payload);
	return took;
}
