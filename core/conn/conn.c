/* Life of a connection: its states, its deadlines, what it holds. */
#include "core/conn/conn.h"

#include "core/base/assert.h"
#include "core/base/timers.h"
#include "core/conn/upgrade.h"

#include <string.h>

#define BIT(state) (1u << SY_CONN_##state)

/* Blocks kept by a node without connections: few, since design.md 9 gives it 8 KiB in all. */
enum { KEEP_FRAMES = 2, KEEP_UPGRADES = 1 };
#define UPSTREAM_TIMEOUT_NS 3000000000ull       /* protocol.md 2.3 */
#define HANDSHAKE_TIMEOUT_MAX_NS 20000000000ull /* what is gained by more is a slot that an idle stranger holds */
#define HANDSHAKE_WINDOW 4u                     /* frames: an honest peer sends two or three */
#define RUNNING_WINDOW (SY_FILL_MAX / SY_FRAME_SEALED)

static const uint16_t allowed[SY_CONN_STATES] = {
    [SY_CONN_DIALLING] = BIT(FILTERING) | BIT(CLOSED),
    [SY_CONN_FILTERING] = BIT(EPHEMERAL) | BIT(CLOSED),
    [SY_CONN_EPHEMERAL] = BIT(AUTH) | BIT(CLOSED),
    [SY_CONN_AUTH] = BIT(NODE_INFO) | BIT(CLOSED),
    [SY_CONN_NODE_INFO] = BIT(RESOLVING) | BIT(JUDGING) | BIT(CLOSED),
    [SY_CONN_RESOLVING] = BIT(NODE_INFO) | BIT(CLOSED),
    [SY_CONN_JUDGING] = BIT(RUNNING) | BIT(CLOSED),
    [SY_CONN_RUNNING] = BIT(FLUSHING) | BIT(CLOSED),
    [SY_CONN_FLUSHING] = BIT(CLOSED),
    [SY_CONN_CLOSED] = 0,
};

const char *sy_conn_state_name(enum sy_conn_state state)
{
	static const char *const names[SY_CONN_STATES] = {"dialling",  "filtering", "ephemeral", "auth",     "node_info",
	                                                  "resolving", "judging",   "running",   "flushing", "closed"};
	return (unsigned)state < SY_CONN_STATES ? names[state] : "unknown";
}

/* Who watches compares states before and after: the switch traces each change with its reason. */
void sy_conn_set_state(struct sy_conn *c, enum sy_conn_state state)
{
	SY_ASSERT((unsigned)state < SY_CONN_STATES);
	SY_ASSERT(allowed[c->state] >> state & 1);
	c->state = state;
}

static uint64_t phase_timeout(const struct sy_policy *policy, const struct sy_config *config)
{
	if (!policy->honour_timeouts)
		return UPSTREAM_TIMEOUT_NS;
	uint64_t wanted = config->handshake_timeout_ns;
	return wanted && wanted < HANDSHAKE_TIMEOUT_MAX_NS ? wanted : HANDSHAKE_TIMEOUT_MAX_NS;
}

enum sy_err sy_conn_shared_init(struct sy_conn_shared *shared, const struct sy_env *env, const struct sy_policy *policy,
                                const struct sy_channel_set *channels, const struct sy_config *config, struct sy_node_info *our_info,
                                const struct sy_id *our_id)
{
	memset(shared, 0, sizeof *shared);
	shared->opened = sy_mem_new(env, SY_FRAME_PLAIN);
	if (!shared->opened)
		return SY_NO_MEMORY;
	shared->env = env;
	shared->policy = policy;
	shared->our_info = our_info;
	shared->learn = config->block_version_auto ? SY_CONN_LEARN_ANY : SY_CONN_LEARN_NOTHING;
	shared->our_id = our_id;
	memcpy(shared->our_pubkey, config->pubkey, sizeof shared->our_pubkey);
	shared->handshake_timeout_ns = phase_timeout(policy, config);
	sy_mconn_shared_init(&shared->mconn, env, policy, channels, config);
	sy_pool_init(&shared->frames, SY_FRAME_SEALED, KEEP_FRAMES);
	sy_pool_init(&shared->upgrades, sizeof(struct sy_upgrade), KEEP_UPGRADES);
	return SY_OK;
}

static void free_info(struct sy_conn_shared *shared)
{
	sy_mem_free(shared->env, shared->info, shared->info_len);
	shared->info = NULL;
	shared->info_len = 0;
}

void sy_conn_shared_trim(struct sy_conn_shared *shared)
{
	sy_pool_trim(&shared->frames, shared->env);
	sy_pool_trim(&shared->upgrades, shared->env);
	if (!shared->upgrades.in_use)
		free_info(shared);
	sy_mconn_shared_trim(&shared->mconn);
}

void sy_conn_shared_fini(struct sy_conn_shared *shared)
{
	if (!shared->env)
		return;
	sy_mconn_shared_fini(&shared->mconn);
	sy_pool_fini(&shared->frames, shared->env);
	sy_pool_fini(&shared->upgrades, shared->env);
	free_info(shared);
	/* It has held plaintext. */
	sy_mem_wipe(shared->opened, SY_FRAME_PLAIN);
	sy_mem_free(shared->env, shared->opened, SY_FRAME_PLAIN);
	memset(shared, 0, sizeof *shared);
}

void sy_conn_init(struct sy_conn *c, bool outbound, uint64_t entity)
{
	memset(c, 0, sizeof *c);
	c->state = outbound ? SY_CONN_DIALLING : SY_CONN_FILTERING;
	c->outbound = outbound;
	c->entity = entity;
	c->deadline_ns = SY_NEVER;
}

void sy_conn_close(struct sy_conn *c, struct sy_conn_shared *shared)
{
	if (c->state == SY_CONN_CLOSED)
		return;
	sy_conn_set_state(c, SY_CONN_CLOSED);
	sy_frames_fini(&c->frames);
	/* Identity and results of Sends can still be read until fini. */
	if (c->upgrade)
		sy_upgrade_wipe(c->upgrade);
	if (c->mconn)
		sy_mconn_cancel(c->mconn, &shared->mconn);
	sy_conn_drop_input(c, shared);
	c->deadline_ns = SY_NEVER;
}

const struct sy_conn_identity *sy_conn_refused(const struct sy_conn *c, enum sy_err reason, enum sy_err *verdict)
{
	if (!c->upgrade || !c->upgrade->valid || c->upgrade->accepted)
		return NULL;
	*verdict = c->verdict ? (enum sy_err)c->verdict : reason;
	return &c->upgrade->identity;
}

void sy_conn_fini(struct sy_conn *c, struct sy_conn_shared *shared)
{
	sy_conn_close(c, shared);
	sy_upgrade_free(c->upgrade, shared);
	c->upgrade = NULL;
	sy_mconn_free(c->mconn, &shared->mconn);
	c->mconn = NULL;
}

void sy_conn_opened(struct sy_conn *c)
{
	if (c->state == SY_CONN_DIALLING)
		sy_conn_set_state(c, SY_CONN_FILTERING);
}

enum sy_err sy_conn_start(struct sy_conn *c, struct sy_conn_shared *shared, uint64_t now_ns, const struct sy_id *dialled_id)
{
	SY_ASSERT(c->state == SY_CONN_FILTERING && !c->upgrade);
	enum sy_err err = sy_upgrade_new(&c->upgrade, shared, c->entity, dialled_id);
	if (err)
		return err;
	sy_conn_set_state(c, SY_CONN_EPHEMERAL);
	c->deadline_ns = now_ns + shared->handshake_timeout_ns;
	return SY_OK;
}

void sy_conn_begin_info(struct sy_conn *c, const struct sy_conn_shared *shared, uint64_t now_ns)
{
	sy_conn_set_state(c, SY_CONN_NODE_INFO);
	c->deadline_ns = now_ns + shared->handshake_timeout_ns;
}

void sy_conn_signed(struct sy_conn *c, struct sy_conn_shared *shared, const uint8_t sig[64], uint64_t now_ns)
{
	if (c->state != SY_CONN_AUTH || c->upgrade->signature_ready)
		return;
	memcpy(c->upgrade->signature, sig, sizeof c->upgrade->signature);
	c->upgrade->signature_ready = true;
	if (c->upgrade->verified)
		sy_conn_begin_info(c, shared, now_ns);
}

enum sy_err sy_conn_turn_away(struct sy_conn *c, const struct sy_conn_shared *shared, uint64_t now_ns, enum sy_err err)
{
	SY_ASSERT(c->state == SY_CONN_JUDGING && err);
	if (c->upgrade->out == SY_UPGRADE_OUT_DONE)
		return err;
	c->verdict = (int16_t)err;
	c->deadline_ns = now_ns + shared->handshake_timeout_ns;
	return SY_OK;
}

enum sy_err sy_conn_run(struct sy_conn *c, struct sy_conn_shared *shared, uint64_t now_ns)
{
	SY_ASSERT(c->state == SY_CONN_JUDGING);
	c->mconn = sy_mconn_new(&shared->mconn, now_ns);
	if (!c->mconn)
		return SY_NO_MEMORY;
	sy_conn_set_state(c, SY_CONN_RUNNING);
	/* Our node info may still wait for room in the socket; until it is out the upgrade stays. */
	if (c->upgrade->out == SY_UPGRADE_OUT_DONE) {
		sy_upgrade_free(c->upgrade, shared);
		c->upgrade = NULL;
	}
	return SY_OK;
}

void sy_conn_flush(struct sy_conn *c, struct sy_conn_shared *shared, uint64_t now_ns)
{
	sy_conn_set_state(c, SY_CONN_FLUSHING);
	sy_mconn_flush_stop(c->mconn, &shared->mconn, now_ns);
	sy_conn_drop_input(c, shared);
	/* Upstream lets a peer that stops reading hold the flush for ever (protocol.md 9.2); ours waits as long as for a pong. */
	if (shared->policy->honour_timeouts)
		c->deadline_ns = now_ns + shared->mconn.pong_timeout_ns;
}

bool sy_conn_flushed(const struct sy_conn *c)
{
	return c->state == SY_CONN_FLUSHING && !c->upgrade && sy_mconn_flushed(c->mconn);
}

static size_t window(const struct sy_conn *c, size_t frames)
{
	return frames * SY_FRAME_SEALED - c->partial_len;
}

/* As many frames as the limiter would take, so that little is held back in memory; at least one, so that it is asked. */
static size_t running_window(const struct sy_conn *c, const struct sy_conn_shared *shared, uint64_t now_ns)
{
	size_t frames = sy_mconn_recv_allowance(c->mconn, &shared->mconn, now_ns) / SY_FRAME_CHUNK;
	frames = frames < 1 ? 1 : frames;
	return window(c, frames < RUNNING_WINDOW ? frames : RUNNING_WINDOW);
}

size_t sy_conn_read_window(const struct sy_conn *c, const struct sy_conn_shared *shared, uint64_t now_ns)
{
	bool held = c->rest_len > 0;
	/* Asked after each input of a running one. */
	if (c->state == SY_CONN_RUNNING)
		return held ? 0 : running_window(c, shared, now_ns);
	switch (c->state) {
	case SY_CONN_EPHEMERAL:
		return SY_FRAME_SEALED;
	case SY_CONN_AUTH:
	case SY_CONN_NODE_INFO:
		return held || c->verdict ? 0 : window(c, HANDSHAKE_WINDOW);
	case SY_CONN_FLUSHING:
		return SY_FILL_MAX;
	case SY_CONN_RUNNING:
	case SY_CONN_DIALLING:
	case SY_CONN_FILTERING:
	case SY_CONN_RESOLVING:
	case SY_CONN_JUDGING:
	case SY_CONN_CLOSED:
	case SY_CONN_STATES:
		break;
	}
	return 0;
}

static bool verdict_due(const struct sy_conn *c, uint64_t now_ns)
{
	return c->verdict && (c->upgrade->out == SY_UPGRADE_OUT_DONE || now_ns >= c->deadline_ns);
}

/* Until there is an mconn. */
static uint64_t upgrade_deadline(const struct sy_conn *c)
{
	if (c->state == SY_CONN_CLOSED)
		return SY_NEVER;
	if (c->verdict && c->upgrade->out == SY_UPGRADE_OUT_DONE)
		return 0;
	/* Plaintext came before our own signature was there: it can be worked off now. */
	if (c->state == SY_CONN_NODE_INFO && c->rest_len && !c->verdict)
		return 0;
	return c->deadline_ns;
}

uint64_t sy_conn_deadline(const struct sy_conn *c, const struct sy_conn_shared *shared)
{
	if (!c->mconn || c->state == SY_CONN_CLOSED)
		return upgrade_deadline(c);
	uint64_t at = sy_mconn_deadline(c->mconn, &shared->mconn);
	at = c->deadline_ns < at ? c->deadline_ns : at;
	uint64_t open = c->gated ? sy_mconn_recv_wake(c->mconn, &shared->mconn) : SY_NEVER;
	return open < at ? open : at;
}

enum sy_err sy_conn_expire(struct sy_conn *c, struct sy_conn_shared *shared, uint64_t now_ns)
{
	if (c->state == SY_CONN_CLOSED)
		return SY_OK;
	if (verdict_due(c, now_ns))
		return (enum sy_err)c->verdict;
	if (now_ns >= c->deadline_ns)
		return c->state == SY_CONN_FLUSHING ? SY_TIMEOUT : SY_PEER_HANDSHAKE_TIMEOUT;
	return c->mconn ? sy_mconn_expire(c->mconn, &shared->mconn, now_ns) : SY_OK;
}
