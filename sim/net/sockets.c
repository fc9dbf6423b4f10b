/* The transport interface of a simulated host. No operation delivers an event: what is due is put into the queue. */
#include <string.h>

#include "sim/net/segment.h"

#define EPOCH_NS 1767225600000000000ull /* 2026-01-01T00:00:00Z: every run begins then */
#define RETRY_NS 10000000u              /* after a write for which there was no memory */
enum { FIRST_FREE_PORT = 49152 };

static struct sim_host *host_of(struct tp_transport *tp)
{
	return (struct sim_host *)tp;
}

/* Null: stale, or no longer the user's. */
static inline struct end *end_find(const struct sim_host *h, tp_sock sock)
{
	uint32_t slot = (sock & 0xffff) - 1;
	if (slot >= h->num_slots || h->slots[slot].gen != sock >> 16) {
		return NULL;
	}
	struct end *e = h->slots[slot].end;
	return e && (e->state == END_OPEN || e->state == END_FAILED) ? e : NULL;
}

static uint64_t op_now(struct tp_transport *tp)
{
	return host_of(tp)->net->engine->now_ns;
}

static uint64_t op_wall(struct tp_transport *tp)
{
	return EPOCH_NS + op_now(tp);
}

static void op_attach(struct tp_transport *tp, const struct tp_events *events)
{
	struct sim_host *h = host_of(tp);
	h->events = *events;
	h->attached = true;
}

/* --- listening --- */

static bool own_address(const struct sim_host *h, const uint8_t ip[16])
{
	static const uint8_t any6[16];
	static const uint8_t any4[16] = {[10] = 0xff, [11] = 0xff};
	return memcmp(ip, h->ip, 16) == 0 || memcmp(ip, any6, 16) == 0 || memcmp(ip, any4, 16) == 0;
}

static bool listening_at(const struct sim_host *h, uint32_t port)
{
	for (int i = 0; i < MAX_LISTENERS; i++) {
		if (h->listeners[i] == port) {
			return true;
		}
	}
	return false;
}

static enum sy_err op_listen(struct tp_transport *tp, const struct sy_netaddr *at, struct sy_netaddr *bound)
{
	struct sim_host *h = host_of(tp);
	uint32_t port = at->port ? at->port : FIRST_FREE_PORT;
	if (h->off || !own_address(h, at->ip)) {
		return SY_UNREACHABLE;
	}
	while (!at->port && listening_at(h, port)) {
		port++;
	}
	if (listening_at(h, port)) {
		return SY_IN_USE;
	}
	for (int i = 0; i < MAX_LISTENERS; i++) {
		if (!h->listeners[i]) {
			h->listeners[i] = (uint16_t)port;
			if (bound) {
				*bound = *at;
				bound->port = (uint16_t)port;
			}
			return SY_OK;
		}
	}
	return SY_IO;
}

static void op_accept_window(struct tp_transport *tp, uint32_t n)
{
	struct sim_host *h = host_of(tp);
	h->accept_window = n;
	backlog_kick(h);
}

/* --- dialling --- */

static enum sy_err op_dial(struct tp_transport *tp, uint64_t cookie, const struct sy_netaddr *to, uint64_t timeout_ns)
{
	return dial_start(host_of(tp), cookie, to, timeout_ns);
}

static void op_dial_cancel(struct tp_transport *tp, uint64_t cookie)
{
	struct sim_host *h = host_of(tp);
	for (uint32_t slot = 0; slot < h->num_slots; slot++) {
		struct end *e = h->slots[slot].end;
		if (e && e->state == END_DIALLING && e->cookie == cookie) {
			end_abort(e);
			conn_settle(conn_of(e));
			return;
		}
	}
}

/* --- bytes --- */

static void op_unsent_lowat(struct tp_transport *tp, tp_sock sock, uint32_t bytes)
{
	struct end *e = end_find(host_of(tp), sock);
	if (e && is_segment(e)) {
		segment_lowat(e, bytes);
	} else if (e) {
		e->lowat = bytes;
	}
}

static size_t op_room(struct tp_transport *tp, tp_sock sock)
{
	struct end *e = end_find(host_of(tp), sock);
	if (!e || e->state != END_OPEN) {
		return 0;
	}
	if (is_segment(e)) {
		return segment_room(e);
	}
	uint32_t limit = e->lowat && e->lowat < SEND_BUFFER ? e->lowat : SEND_BUFFER;
	uint32_t unsent = peer_of(e)->in.unsent_bytes;
	if (unsent >= limit) {
		e->want_write = true;
		return 0;
	}
	return limit - unsent;
}

/* As a kernel does, a write takes what the buffer holds, whatever the low-water mark says. */
static size_t op_write(struct tp_transport *tp, tp_sock sock, const uint8_t *bytes, size_t n)
{
	struct end *e = end_find(host_of(tp), sock);
	if (!e || e->state != END_OPEN) {
		return 0;
	}
	if (is_segment(e)) {
		return segment_write(e, bytes, n);
	}
	struct end *to = peer_of(e);
	if (stream_express(to, bytes, n)) {
		return n;
	}
	uint32_t room = SEND_BUFFER > to->in.unsent_bytes ? SEND_BUFFER - to->in.unsent_bytes : 0;
	size_t part = n < room ? n : room;
	size_t taken = part;
	if (to->in.flags & S_DEAD) {
		to->in.unsent_bytes += (uint32_t)part; /* never acknowledged, so they fill the buffer for good */
	} else {
		taken = stream_append(to, bytes, part);
	}
	net_of(e)->stats.bytes_sent += taken;
	e->want_write |= taken < n;
	stream_pump(to);
	if (taken < part) {
		end_notice(e, op_now(tp) + RETRY_NS);
	}
	return taken;
}

static void op_read_window(struct tp_transport *tp, tp_sock sock, size_t n)
{
	struct end *e = end_find(host_of(tp), sock);
	if (e) {
		e->window = n;
		if (is_segment(e)) {
			if (n && e->state == END_OPEN) {
				segment_touch(e);
			}
		} else if (n && e->in.unread_bytes && e->state == END_OPEN) {
			end_notice(e, op_now(tp));
		}
	}
}

static void op_close(struct tp_transport *tp, tp_sock sock, enum tp_close how)
{
	struct end *e = end_find(host_of(tp), sock);
	if (e) {
		end_close(e, how);
		conn_settle(conn_of(e));
	}
}

/* --- time and names --- */

static void op_wake_at(struct tp_transport *tp, uint64_t at_ns)
{
	struct sim_host *h = host_of(tp);
	struct sim_engine *engine = h->net->engine;
	if (at_ns == SIM_NEVER) {
		sim_engine_cancel(engine, &h->wake);
		return;
	}
	at_ns = at_ns > engine->now_ns ? at_ns : engine->now_ns;
	if (!sim_event_queued(&h->wake) || h->wake.at_ns != at_ns) {
		/* Without memory the wake-up before stays; the driver sets it again after its next event. */
		(void)sim_engine_schedule(engine, &h->source, &h->wake, SIM_TIMER, at_ns);
	}
}

static enum sy_err op_resolve(struct tp_transport *tp, uint64_t token, const char *name)
{
	return dns_start(host_of(tp), token, name);
}

static void op_fini(struct tp_transport *tp)
{
	struct sim_host *h = host_of(tp);
	if (h->attached) {
		host_stop(h, false);
	}
}

const struct tp_ops *sim_tp_ops(void)
{
	static const struct tp_ops ops = {
	    .name = "sim",
	    .now_ns = op_now,
	    .wall_ns = op_wall,
	    .attach = op_attach,
	    .listen = op_listen,
	    .accept_window = op_accept_window,
	    .dial = op_dial,
	    .dial_cancel = op_dial_cancel,
	    .unsent_lowat = op_unsent_lowat,
	    .room = op_room,
	    .write = op_write,
	    .read_window = op_read_window,
	    .close = op_close,
	    .wake_at = op_wake_at,
	    .resolve = op_resolve,
	    .fini = op_fini,
	};
	return &ops;
}
