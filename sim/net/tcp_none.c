/*
 * tcp = "none": one direction of a connection without congestion control (design.md 5). Bytes wait in the sender's buffer
 * while the link is cut, its queue full or the reader's window closed; then they take the link's delay. A lost packet
 * delays itself and all that follows on the connection by max(200 ms, 2 RTT), doubling when it is lost again. Losses are
 * drawn as the number of packets until the next one: one draw a loss, not one a packet.
 */
#include <string.h>

#include "sim/net/internal.h"

#define RTO_MIN_NS 200000000ull
#define RTO_MAX_NS 120000000000ull
enum { MAX_RETRIES = 15 }; /* the kernel's tcp_retries2; a hopeless packet then is hours late */

/* --- draws --- */

static uint64_t entity_of(const struct end *to)
{
	return conn_of(to)->key + to->side;
}

uint64_t stream_delay_ns(struct end *to, enum sim_purpose purpose, uint64_t counter)
{
	const struct kind *k = half_to(to)->kind;
	return sim_dist_draw_ns(&k->latency, net_of(to)->engine->seed, purpose, entity_of(to), counter);
}

static uint64_t delay_ns(struct end *to, const struct kind *k)
{
	return k->latency.kind == SIM_DIST_CONSTANT ? k->base_ns : stream_delay_ns(to, SIM_RAND_LATENCY, to->in.packets++);
}

/* Packets that pass before the next loss: geometric, floor(ln u / ln(1 - p)). */
static uint32_t passing(struct end *to, const struct kind *k)
{
	if (k->loss_ppm >= 1000000) {
		return 0;
	}
	uint64_t u = sim_rand_u64(net_of(to)->engine->seed, SIM_RAND_LOSS, entity_of(to), to->in.losses++);
	int64_t n = sim_log_unit_q32(u) / k->log_keep_q32;
	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static uint64_t first_rto_ns(const struct end *to, const struct kind *k)
{
	uint64_t rtt = k->base_ns + half_to(peer_of(to))->kind->base_ns;
	return 2 * rtt > RTO_MIN_NS ? 2 * rtt : RTO_MIN_NS;
}

/* By how much loss delays the next packet: 0 for most. */
static uint64_t loss_delay_ns(struct end *to, const struct kind *k)
{
	struct stream *s = &to->in;
	struct sim_net *net = net_of(to);
	if (!(s->flags & S_LOSS_DRAWN)) {
		s->until_loss = passing(to, k);
		s->flags |= S_LOSS_DRAWN;
	}
	uint64_t late = 0;
	uint64_t rto = first_rto_ns(to, k);
	for (int tries = 0; s->until_loss == 0 && tries < MAX_RETRIES; tries++) {
		late += rto;
		rto = rto * 2 < RTO_MAX_NS ? rto * 2 : RTO_MAX_NS;
		s->until_loss = passing(to, k);
		net->stats.segments_lost++;
		net_hash(net, entity_of(to));
	}
	s->until_loss -= s->until_loss > 0;
	return late;
}

/* --- the list: unread, flying, unsent --- */

static void append_chunk(struct stream *s, struct chunk *c)
{
	if (s->tail) {
		s->tail->next = c;
	} else {
		s->head = c;
	}
	s->tail = c;
	s->chunks++;
}

static void fill(struct chunk *c, const uint8_t *bytes, uint32_t n)
{
	memcpy(c->bytes + c->len, bytes, n);
	c->len += n;
}

/* The last chunk, when it still takes n bytes: it is unsent, or it went on the link at this very time with the same arrival. */
static struct chunk *open_tail(struct end *to, const struct half *h, size_t n)
{
	struct stream *s = &to->in;
	struct chunk *tail = s->tail;
	if (!tail || tail->len + n > (tail->cap < h->kind->piece ? tail->cap : h->kind->piece)) {
		return NULL;
	}
	if (s->unsent) {
		return tail;
	}
	bool same = h->kind->plain && !h->cut && s->flying && !tail->downlinks && !peer_of(to)->host->narrow_out;
	return same && tail->at_ns == net_of(to)->engine->now_ns + h->kind->base_ns ? tail : NULL;
}

static size_t append_to_tail(struct end *to, struct chunk *tail, const uint8_t *bytes, size_t n)
{
	struct stream *s = &to->in;
	fill(tail, bytes, (uint32_t)n);
	if (s->unsent) {
		s->unsent_bytes += (uint32_t)n;
	} else {
		s->flying_bytes += (uint32_t)n;
	}
	return n;
}

size_t stream_append(struct end *to, const uint8_t *bytes, size_t n)
{
	struct stream *s = &to->in;
	const struct half *h = half_to(to);
	struct chunk *tail = open_tail(to, h, n);
	if (tail) {
		return append_to_tail(to, tail, bytes, n);
	}
	size_t done = 0;
	while (done < n) {
		bool large = n - done > SMALL_BYTES && h->kind->piece > SMALL_BYTES;
		struct chunk *c = chunk_take(net_of(to), large);
		if (!c) {
			break;
		}
		uint32_t cap = c->cap < h->kind->piece ? c->cap : h->kind->piece;
		uint32_t part = n - done < cap ? (uint32_t)(n - done) : cap;
		fill(c, bytes + done, part);
		append_chunk(s, c);
		s->unsent = s->unsent ? s->unsent : c;
		s->unsent_bytes += part;
		done += part;
	}
	return done;
}

/* What stands in the way of the short way: something else to send first, or nothing that may be sent. */
#define IN_THE_WAY (S_OPEN_PENDING | S_FIN_PENDING | S_FIN_SENT | S_RST_PENDING | S_RST_SENT | S_DEAD | S_BLOCKED | S_WAITS)

/*
 * A frame on a link of constant delay without rate and loss, nothing before it: what most writes of a large simulation are.
 * Does what stream_append and stream_pump would do.
 */
bool stream_express(struct end *to, const uint8_t *bytes, size_t n)
{
	struct stream *s = &to->in;
	const struct half *h = half_to(to);
	const struct kind *k = h->kind;
	if (!k->plain || h->cut || s->head || (s->flags & IN_THE_WAY) || n > SMALL_BYTES || !n || peer_of(to)->host->narrow_out) {
		return false;
	}
	struct sim_net *net = net_of(to);
	struct chunk *c = chunk_take(net, false);
	if (!c) {
		return false;
	}
	uint64_t at_ns = net->engine->now_ns + k->base_ns;
	at_ns = at_ns > s->last_ns ? at_ns : s->last_ns;
	memcpy(c->bytes, bytes, n);
	c->len = (uint32_t)n;
	c->at_ns = at_ns;
	s->last_ns = at_ns;
	s->head = s->flying = s->tail = c;
	s->chunks = 1;
	s->flying_bytes = (uint32_t)n;
	net->stats.bytes_sent += n;
	net_hash(net, entity_of(to) ^ at_ns);
	end_arm_first(to, at_ns);
	return true;
}

static void free_from(struct end *to, struct chunk *c)
{
	while (c) {
		struct chunk *next = c->next;
		chunk_give(net_of(to), c);
		to->in.chunks--;
		c = next;
	}
}

/* Drops the list from a chunk on; null: nothing. */
static void drop_from(struct end *to, struct chunk *first)
{
	struct stream *s = &to->in;
	if (!first) {
		return;
	}
	if (s->head == first) {
		s->head = s->tail = NULL;
	} else {
		s->tail = s->head;
		while (s->tail->next != first) {
			s->tail = s->tail->next;
		}
		s->tail->next = NULL;
	}
	free_from(to, first);
}

static void drop_unsent(struct end *to)
{
	struct stream *s = &to->in;
	pipes_leave(to);
	s->flags &= (uint16_t)~S_BLOCKED;
	drop_from(to, s->unsent);
	s->unsent = NULL;
}

void stream_drop_unread(struct end *to)
{
	struct stream *s = &to->in;
	while (s->head && s->head != s->flying && s->head != s->unsent) {
		struct chunk *c = s->head;
		s->head = c->next;
		s->chunks--;
		chunk_give(net_of(to), c);
	}
	s->tail = s->head ? s->tail : NULL;
	s->unread_bytes = 0;
}

void stream_kill(struct end *to)
{
	drop_unsent(to);
	to->in.flags |= S_DEAD;
}

void stream_lose(struct end *to)
{
	struct stream *s = &to->in;
	stream_kill(to);
	drop_from(to, s->flying);
	s->flying = NULL;
	s->flying_bytes = 0;
	if (!(s->flags & (S_FIN_ARRIVED | S_RST_ARRIVED))) {
		s->flags &= (uint16_t) ~(S_FIN_SENT | S_RST_SENT);
	}
}

void stream_purge(struct end *to)
{
	struct stream *s = &to->in;
	pipes_leave(to);
	free_from(to, s->head);
	s->head = s->flying = s->unsent = s->tail = NULL;
	s->unread_bytes = s->flying_bytes = s->unsent_bytes = 0;
	s->flags &= (uint16_t)~S_BLOCKED;
}

/* --- onto the link --- */

/* The arrival of what has been serialised at sent_ns: never before what went ahead of it. */
static uint64_t arrival(struct end *to, const struct kind *k, uint64_t sent_ns)
{
	uint64_t at = sent_ns + delay_ns(to, k);
	to->in.last_ns = at > to->in.last_ns ? at : to->in.last_ns;
	return to->in.last_ns;
}

static void launch(struct end *to, const struct half *h, uint64_t sent_ns)
{
	struct stream *s = &to->in;
	struct chunk *c = s->unsent;
	if (h->kind->loss_ppm) {
		sent_ns += loss_delay_ns(to, h->kind);
	}
	c->at_ns = arrival(to, h->kind, sent_ns);
	s->unsent = c->next;
	s->unsent_bytes -= c->len;
	s->flying_bytes += c->len;
	net_hash(net_of(to), entity_of(to) ^ c->at_ns);
	if (!s->flying) {
		s->flying = c;
		end_arm(to);
	}
}

/* The reader's window bounds what is under way; while the reader keeps up it is as wide as the path, else its buffer. */
static bool window_open(struct end *to, const struct kind *k)
{
	struct stream *s = &to->in;
	uint64_t limit = s->unread_bytes ? RECV_BUFFER : k->window;
	if ((uint64_t)s->flying_bytes + s->unread_bytes < limit && s->chunks < MAX_CHUNKS) {
		return true;
	}
	s->flags |= S_BLOCKED;
	return false;
}

/* Whether the link takes anything; what meets a black hole, or goes to an address of before, is lost for good. */
static bool passable(struct end *to, const struct half *h)
{
	if (h->cut == SIM_CUT_BLACKHOLE || conn_lost(conn_of(to))) {
		stream_kill(to);
		return false;
	}
	return !(to->in.flags & S_DEAD) && h->cut != SIM_CUT_HOLD;
}

/* Tells the sender that there is room again, once half of its limit is free. */
static void tell_writable(struct end *to)
{
	struct end *from = peer_of(to);
	uint32_t limit = from->lowat && from->lowat < SEND_BUFFER ? from->lowat : SEND_BUFFER;
	if (from->want_write && to->in.unsent_bytes <= limit / 2) {
		end_notice(from, net_of(to)->engine->now_ns);
	}
}

static void launch_fin(struct end *to, const struct half *h)
{
	struct stream *s = &to->in;
	s->flags = (uint16_t)((s->flags & ~S_FIN_PENDING) | S_FIN_SENT);
	arrival(to, h->kind, net_of(to)->engine->now_ns);
	end_arm(to);
}

static bool launch_next(struct end *to, struct half *h)
{
	uint64_t sent_ns = net_of(to)->engine->now_ns;
	if (!window_open(to, h->kind)) {
		return false;
	}
	if ((h->pipe || peer_of(to)->host->narrow_out) && !pipes_take(to, to->in.unsent->len, sent_ns, &sent_ns)) {
		return false;
	}
	launch(to, h, sent_ns);
	return true;
}

/* What stands before and behind the bytes: the handshake's last packet, RST, FIN. */
static void pump_control(struct end *to, struct half *h)
{
	struct stream *s = &to->in;
	if (s->flags & S_OPEN_PENDING) {
		s->flags &= (uint16_t)~S_OPEN_PENDING;
		stream_open(to, net_of(to)->engine->now_ns);
	}
	if (s->flags & S_RST_PENDING) {
		s->flags &= (uint16_t)~S_RST_PENDING;
		stream_reset(to);
	}
	if ((s->flags & S_FIN_PENDING) && !s->unsent) {
		launch_fin(to, h);
	}
}

void stream_pump(struct end *to)
{
	struct stream *s = &to->in;
	struct half *h = half_to(to);
	const uint16_t control = S_OPEN_PENDING | S_RST_PENDING | S_FIN_PENDING;
	if (!(s->unsent || (s->flags & control)) || (s->flags & (S_BLOCKED | S_WAITS)) || !passable(to, h)) {
		return;
	}
	if (s->flags & S_OPEN_PENDING) {
		pump_control(to, h);
	}
	while (s->unsent && launch_next(to, h)) {
	}
	if (s->flags & control) {
		pump_control(to, h);
	}
	tell_writable(to);
}

bool stream_pump_one(struct end *to)
{
	struct stream *s = &to->in;
	struct half *h = half_to(to);
	if (!s->unsent || !passable(to, h) || !launch_next(to, h)) {
		return false;
	}
	pump_control(to, h);
	tell_writable(to);
	return s->unsent != NULL;
}

/* --- control --- */

void stream_open(struct end *to, uint64_t now_ns)
{
	struct half *h = half_to(to);
	if (h->cut == SIM_CUT_HOLD) {
		to->in.flags |= S_OPEN_PENDING;
	} else if (passable(to, h)) {
		to->in.flags |= S_OPEN_SENT;
		end_notice(to, arrival(to, h->kind, now_ns));
	}
}

void stream_finish(struct end *to)
{
	to->in.flags |= S_FIN_PENDING;
	stream_pump(to);
}

void stream_reset(struct end *to)
{
	struct stream *s = &to->in;
	struct half *h = half_to(to);
	drop_unsent(to);
	s->unsent_bytes = 0;
	if (s->flags & S_RST_SENT) {
		return;
	}
	if (h->cut == SIM_CUT_HOLD) {
		s->flags |= S_RST_PENDING;
	} else if (passable(to, h)) {
		s->flags = (uint16_t)((s->flags & ~(S_FIN_PENDING | S_OPEN_PENDING)) | S_RST_SENT);
		arrival(to, h->kind, net_of(to)->engine->now_ns);
		end_arm(to);
	}
}
