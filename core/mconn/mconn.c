/* Life of a connection's messages, and its time. */
#include "core/mconn/mconn.h"

#include "core/mconn/internal.h"

#include <string.h>

/* Blocks kept by a node without connections: few, since design.md 9 gives it 8 KiB in all. */
enum { KEEP_PACKETS = 2, KEEP_BLOCKS = 32, KEEP_BUFFERS = 1, PARTIAL_BLOCK_MAX = 2048, DELIMITER_MAX = 10 };

void sy_mconn_shared_init(struct sy_mconn_shared *shared, const struct sy_env *env, const struct sy_policy *policy,
                          const struct sy_channel_set *channels, const struct sy_config *config)
{
	memset(shared, 0, sizeof *shared);
	shared->env = env;
	shared->policy = policy;
	shared->channels = channels;
	shared->max_payload = config->max_packet_msg_payload_size;
	shared->packet_limit = (uint32_t)sy_packet_limit(shared->max_payload);
	shared->send_rate = config->send_rate;
	shared->recv_rate = config->recv_rate;
	shared->ping_interval_ns = config->ping_interval_ns;
	shared->pong_timeout_ns = config->pong_timeout_ns;
	shared->flush_throttle_ns = config->flush_throttle_ns;
	uint32_t packet = shared->packet_limit + 2;
	uint64_t recv_rate = config->recv_rate + (policy->receive_slack ? config->recv_rate / 20 : 0);
	sy_rate_init(&shared->send_limit, policy, config->send_rate, packet);
	sy_rate_init(&shared->recv_limit, policy, recv_rate, packet);
	sy_payload_heap_init(&shared->payloads);
	uint32_t partial = shared->packet_limit + DELIMITER_MAX;
	sy_pool_init(&shared->packets, partial < PARTIAL_BLOCK_MAX ? partial : PARTIAL_BLOCK_MAX, KEEP_PACKETS);
	sy_pool_init(&shared->blocks, SY_BLOCK_BYTES, KEEP_BLOCKS);
	sy_pool_init(&shared->write_buffers, policy->write_buffer, KEEP_BUFFERS);
}

void sy_mconn_shared_trim(struct sy_mconn_shared *shared)
{
	sy_pool_trim(&shared->packets, shared->env);
	sy_pool_trim(&shared->blocks, shared->env);
	sy_pool_trim(&shared->write_buffers, shared->env);
	sy_pool_trim(&shared->payloads.small, shared->env);
}

void sy_mconn_shared_fini(struct sy_mconn_shared *shared)
{
	if (!shared->env)
		return;
	sy_pool_fini(&shared->packets, shared->env);
	sy_pool_fini(&shared->blocks, shared->env);
	sy_pool_fini(&shared->write_buffers, shared->env);
	sy_payload_heap_fini(&shared->payloads, shared->env);
	sy_totals_fini(shared);
	shared->env = NULL;
}

static size_t task_offset(const struct sy_mconn_shared *shared)
{
	return sizeof(struct sy_mconn) + shared->channels->count * sizeof(struct sy_chan *);
}

static size_t mconn_size(const struct sy_mconn_shared *shared)
{
	return task_offset(shared) + (shared->policy->seal_late ? 0 : sizeof(struct sy_task));
}

struct sy_mconn *sy_mconn_new(struct sy_mconn_shared *shared, uint64_t now_ns)
{
	struct sy_mconn *m = sy_mem_new(shared->env, mconn_size(shared));
	if (!m)
		return NULL;
	m->num_channels = (uint8_t)shared->channels->count;
	m->born_ns = now_ns;
	m->next_ping_ns = shared->ping_interval_ns ? now_ns + shared->ping_interval_ns : SY_NEVER;
	m->pong_deadline_ns = SY_NEVER;
	m->next_decay_ns = now_ns + 2 * SY_NS_PER_S;
	sy_monitor_init(&m->send.mon, now_ns);
	sy_monitor_init(&m->recv.mon, now_ns);
	if (!shared->policy->seal_late) {
		m->task = (struct sy_task *)((uint8_t *)m + task_offset(shared));
		sy_task_init(m->task);
	}
	return m;
}

void sy_mconn_free(struct sy_mconn *m, struct sy_mconn_shared *shared)
{
	if (!m)
		return;
	sy_totals_end(m, shared);
	sy_waits_free(m, shared);
	sy_recv_free(m, shared);
	for (uint32_t i = 0; i < m->num_channels; i++) {
		sy_sendq_free(sy_chan_queue(m, i), shared);
		sy_mem_free(shared->env, m->channel[i], sizeof *m->channel[i]);
	}
	if (m->task)
		sy_task_fini(m->task, shared);
	sy_mem_free(shared->env, m, mconn_size(shared));
}

uint64_t sy_mconn_deadline(const struct sy_mconn *m, const struct sy_mconn_shared *shared)
{
	uint64_t at = m->waits ? m->waits->next_deadline_ns : SY_NEVER, other;
	if (m->task) {
		other = sy_task_deadline(m, shared);
		return other < at ? other : at;
	}
	at = m->next_ping_ns < at ? m->next_ping_ns : at;
	at = m->pong_deadline_ns < at ? m->pong_deadline_ns : at;
	if (!m->send_gated)
		return at;
	other = sy_flow_wake(&m->send, &shared->send_limit);
	return other < at ? other : at;
}

enum sy_err sy_mconn_expire(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns)
{
	sy_waits_expire(m, shared, now_ns);
	/* Whoever was told when the limiter opens is not told again: its next feed asks it anyway. */
	if (m->recv_gated && now_ns >= sy_flow_wake(&m->recv, &shared->recv_limit))
		m->recv_gated = false;
	if (m->task)
		return sy_task_expire(m, shared, now_ns);
	if (m->send_gated)
		m->send_gated = !sy_flow_gate(&m->send, &shared->send_limit, true, now_ns);
	return sy_ping_expire(m, shared, now_ns);
}

void sy_mconn_flush_stop(struct sy_mconn *m, struct sy_mconn_shared *shared, uint64_t now_ns)
{
	m->stopping = true;
	m->control = 0;
	m->next_ping_ns = m->pong_deadline_ns = SY_NEVER;
	m->mailbox = SY_MAILBOX_EMPTY;
	sy_mconn_cancel(m, shared);
	if (m->task)
		sy_task_wake(m->task, now_ns);
}

bool sy_mconn_flushed(const struct sy_mconn *m)
{
	bool empty = m->stopping && !m->active && m->cut.kind == SY_PACKET_NONE;
	return empty && (!m->task || (!m->task->in_batch && m->task->len == 0));
}
