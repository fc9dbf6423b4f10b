/*
 * What a callback may do. It looks, queues messages, sets timers, and asks for dials and stops: none of this calls a
 * reactor. Stops wait until the callback has returned (sy_switch_finish).
 */
#include "core/switch/switch.h"

#include <string.h>

uint64_t sy_ctx_now_ns(const struct sy_ctx *ctx)
{
	return ctx->sw->now_ns;
}

uint64_t sy_ctx_wall_s(const struct sy_ctx *ctx)
{
	return sy_switch_wall_s(ctx->sw);
}

struct sy_counts sy_ctx_counts(const struct sy_ctx *ctx)
{
	return sy_switch_counts(ctx->sw);
}

enum sy_err sy_ctx_peer_at(const struct sy_ctx *ctx, uint32_t n, struct sy_peer *peer)
{
	if (n >= ctx->sw->num_peers)
		return SY_NO_PEER;
	sy_switch_view(ctx->sw, sy_table_at(&ctx->sw->table, ctx->sw->peers[n]), peer);
	return SY_OK;
}

enum sy_err sy_ctx_peer(const struct sy_ctx *ctx, struct sy_ref ref, struct sy_peer *peer)
{
	const struct sy_slot *s = sy_switch_peer(ctx->sw, ref);
	if (!s)
		return SY_NO_PEER;
	sy_switch_view(ctx->sw, s, peer);
	return SY_OK;
}

bool sy_ctx_is_dialling_or_connected(const struct sy_ctx *ctx, const struct sy_netaddr *addr)
{
	return sy_switch_is_busy(ctx->sw, addr);
}

bool sy_ctx_is_persistent(const struct sy_ctx *ctx, const struct sy_netaddr *addr)
{
	return sy_switch_persistent(ctx->sw, addr) != NULL;
}

enum sy_err sy_ctx_try_send(struct sy_ctx *ctx, struct sy_ref peer, uint8_t channel, struct sy_span bytes)
{
	return sy_switch_try_send(ctx->sw, peer, channel, bytes);
}

enum sy_err sy_ctx_send(struct sy_ctx *ctx, struct sy_ref peer, uint8_t channel, struct sy_span bytes, uint64_t timeout_ns, uint64_t token)
{
	return sy_switch_send(ctx->sw, peer, channel, bytes, timeout_ns, ctx->reactor, token);
}

uint32_t sy_ctx_broadcast(struct sy_ctx *ctx, uint8_t channel, struct sy_span bytes)
{
	return sy_switch_broadcast(ctx->sw, channel, bytes);
}

static void ask_stop(struct sy_ctx *ctx, struct sy_ref peer, enum sy_err reason, bool flush)
{
	struct sy_slot *s = sy_switch_peer(ctx->sw, peer);
	if (s)
		sy_switch_ask_stop(ctx->sw, s, reason, flush);
}

void sy_ctx_stop_peer(struct sy_ctx *ctx, struct sy_ref peer, enum sy_err reason)
{
	ask_stop(ctx, peer, reason, false);
}

void sy_ctx_flush_stop_peer(struct sy_ctx *ctx, struct sy_ref peer, enum sy_err reason)
{
	ask_stop(ctx, peer, reason, true);
}

enum sy_err sy_ctx_dial(struct sy_ctx *ctx, const struct sy_netaddr *addr)
{
	return sy_switch_dial(ctx->sw, addr, ctx->reactor, NULL);
}

enum sy_err sy_ctx_swap(struct sy_ctx *ctx, const struct sy_netaddr *addr)
{
	return sy_switch_swap(ctx->sw, addr, ctx->reactor);
}

enum sy_err sy_ctx_set_timer(struct sy_ctx *ctx, uint64_t token, uint64_t at_ns)
{
	return sy_switch_set_timer(ctx->sw, ctx->reactor, token, at_ns);
}

enum sy_err sy_ctx_resolve(struct sy_ctx *ctx, const char *host, uint64_t token)
{
	struct sy_lookup what = {.who = SY_LOOKUP_REACTOR, .reactor = ctx->reactor, .token = token};
	return sy_switch_lookup(ctx->sw, &what, host);
}

void sy_ctx_save_book(struct sy_ctx *ctx)
{
	ctx->sw->save_book = ctx->sw->news = true;
}

void sy_ctx_started(struct sy_ctx *ctx, enum sy_err err)
{
	sy_switch_reactor_decided(ctx->sw, ctx->reactor, err);
}

void sy_ctx_rand(struct sy_ctx *ctx, void *buf, size_t n)
{
	sy_rng_bytes(&ctx->sw->reactor_rng[ctx->reactor], ctx->sw->env, buf, n);
}
