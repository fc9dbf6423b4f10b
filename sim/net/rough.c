/* Between a host's sockets and its process: events are held or come late, operations get less than they ask for. */
#include "sim/net/rough_private.h"

#include <stdlib.h>
#include <string.h>

#define MICRO 1000000

/* ------------------------------------------------------------------ sockets */

static struct rough_sock *find(struct rough *r, tp_sock sock)
{
	uint32_t slot = (sock & 0xffff) - 1;
	return slot < r->num_socks && r->socks[slot].sock == sock ? &r->socks[slot] : NULL;
}

static struct rough_sock *find_cookie(struct rough *r, uint64_t cookie)
{
	for (uint32_t i = 0; i < r->num_socks; i++) {
		if (r->socks[i].sock && r->socks[i].cookie == cookie) {
			return &r->socks[i];
		}
	}
	return NULL;
}

/* Null: out of memory; such a socket is left alone. */
static struct rough_sock *add(struct rough *r, tp_sock sock, uint64_t cookie)
{
	uint32_t slot = (sock & 0xffff) - 1;
	if (slot >= r->num_socks) {
		uint32_t n = slot + 16;
		struct rough_sock *socks = realloc(r->socks, n * sizeof *socks);
		if (!socks) {
			return NULL;
		}
		memset(socks + r->num_socks, 0, (n - r->num_socks) * sizeof *socks);
		r->socks = socks;
		r->num_socks = n;
	}
	r->socks[slot] = (struct rough_sock){.sock = sock, .cookie = cookie, .open_ns = SIM_NEVER, .tell_ns = SIM_NEVER};
	return &r->socks[slot];
}

/* ------------------------------------------------------------------ draws */

static uint64_t draw(struct rough *r, uint32_t stream)
{
	return sim_rand_u64(r->host->net->engine->seed, SIM_RAND_ROUGH, r->host->entity + stream, r->draws[stream]++);
}

static uint64_t draw_below(struct rough *r, uint32_t stream, uint64_t bound)
{
	return (uint64_t)((unsigned __int128)draw(r, stream) * bound >> 64);
}

static bool strikes(struct rough *r, enum sim_rare point)
{
	return (r->points >> point & 1) && draw_below(r, (uint32_t)point, MICRO) < r->rate_ppm;
}

/* How many of n bytes a read or write gets; at least one. */
static size_t piece(struct rough *r, size_t n, enum sim_rare point)
{
	size_t most = r->short_io && r->short_io < n ? r->short_io : n;
	bool cut = r->short_io || strikes(r, point);
	return cut ? 1 + (size_t)draw_below(r, DRAW_PIECE, most) : n;
}

/* ------------------------------------------------------------------ time */

static uint64_t now_of(const struct rough *r)
{
	return r->host->net->engine->now_ns;
}

/* What the host's clock shows, and when it will show that. */
uint64_t rough_local(const struct rough *r, uint64_t ns)
{
	__int128 gone = (__int128)(ns - r->base_ns);
	return r->base_local_ns + (uint64_t)(gone + gone * r->drift_ppm / MICRO);
}

static uint64_t global_of(const struct rough *r, uint64_t local_ns)
{
	uint64_t gone = local_ns > r->base_local_ns ? local_ns - r->base_local_ns : 0;
	unsigned __int128 real = ((unsigned __int128)gone * MICRO + (uint64_t)(MICRO + r->drift_ppm) - 1) / (uint64_t)(MICRO + r->drift_ppm);
	return r->base_ns + (uint64_t)real;
}

static bool stalled(const struct rough *r)
{
	return r->paused || now_of(r) < r->busy_ns;
}

static void sooner(uint64_t *at_ns, uint64_t ns)
{
	*at_ns = ns < *at_ns ? ns : *at_ns;
}

/* Arms the timer for whatever is due next. */
static void arm(struct rough *r)
{
	uint64_t at_ns = SIM_NEVER;
	if (r->paused) {
		sim_engine_cancel(r->host->net->engine, &r->timer);
		return;
	}
	if (r->first) {
		sooner(&at_ns, r->first->due_ns);
	}
	if (r->wake_due || r->shut) {
		at_ns = 0;
	}
	for (uint32_t i = 0; i < r->num_socks; i++) {
		if (r->socks[i].sock) {
			sooner(&at_ns, r->socks[i].open_ns);
			sooner(&at_ns, r->socks[i].tell_ns);
		}
	}
	for (uint32_t i = 0; r->dns != DNS_HANG && i < r->num_lookups; i++) {
		sooner(&at_ns, r->lookups[i].due_ns);
	}
	if (at_ns == SIM_NEVER) {
		sim_engine_cancel(r->host->net->engine, &r->timer);
		return;
	}
	at_ns = at_ns < r->busy_ns ? r->busy_ns : at_ns;
	at_ns = at_ns < now_of(r) ? now_of(r) : at_ns;
	/* Without memory the timer before stays; the next operation arms it again. */
	(void)sim_engine_schedule(r->host->net->engine, &r->host->source, &r->timer, SIM_TIMER, at_ns);
}

/* ------------------------------------------------------------------ windows */

/* Lets the network deliver to this socket what may be delivered now. */
static void open_window(struct rough *r, struct rough_sock *s)
{
	if (r->shut || s->open_ns != SIM_NEVER) {
		return;
	}
	size_t n = s->want;
	if (r->read_rate && n > SLOW_PIECE) {
		n = SLOW_PIECE;
	}
	if (n) {
		n = piece(r, n, SIM_RARE_SHORT_READ);
	}
	sim_tp_ops()->read_window(&r->host->tp, s->sock, n);
}

/* From now on the network delivers nothing: what comes waits in the kernel. */
static void shut(struct rough *r)
{
	if (r->shut) {
		return;
	}
	r->shut = true;
	for (uint32_t i = 0; i < r->num_socks; i++) {
		if (r->socks[i].sock) {
			sim_tp_ops()->read_window(&r->host->tp, r->socks[i].sock, 0);
		}
	}
	sim_tp_ops()->accept_window(&r->host->tp, 0);
}

static void reopen(struct rough *r)
{
	if (!r->shut) {
		return;
	}
	r->shut = false;
	for (uint32_t i = 0; i < r->num_socks; i++) {
		struct rough_sock *s = &r->socks[(r->turn + i) % r->num_socks];
		if (s->sock) {
			open_window(r, s);
		}
	}
	sim_tp_ops()->accept_window(&r->host->tp, r->accept);
}

/* ------------------------------------------------------------------ events that wait */

static void drop_events(struct rough *r, uint64_t cookie, bool all)
{
	struct rough_event **at = &r->first;
	while (*at) {
		struct rough_event *e = *at;
		if (all || (e->kind != HELD_RESOLVED && e->key == cookie)) {
			*at = e->next;
			free(e);
		} else {
			at = &e->next;
		}
	}
}

static void tell(struct rough *r, const struct rough_event *e)
{
	const struct tp_events *up = &r->up;
	switch (e->kind) {
	case HELD_DIALLED:
		up->dialled(up->ctx, e->key, e->sock);
		break;
	case HELD_DIAL_FAILED:
		up->dial_failed(up->ctx, e->key, e->err);
		break;
	case HELD_EOF:
		up->eof(up->ctx, e->key);
		break;
	case HELD_FAILED:
		up->failed(up->ctx, e->key, e->err);
		break;
	case HELD_WRITABLE:
		up->writable(up->ctx, e->key);
		break;
	case HELD_RESOLVED:
		up->resolved(up->ctx, e->key, e->addrs, e->n, e->err);
		break;
	}
}

/* Tells it at once, or keeps it: in order, and never before what came earlier. */
static void hear(struct rough *r, const struct rough_event *e)
{
	bool late = strikes(r, SIM_RARE_LATE_EVENT);
	if (!late && !stalled(r) && !r->first) {
		tell(r, e);
		arm(r);
		return;
	}
	struct rough_event *kept = malloc(sizeof *kept);
	if (!kept) {
		tell(r, e); /* early is better than never */
		return;
	}
	*kept = *e;
	kept->next = NULL;
	kept->due_ns = now_of(r) + (late ? draw_below(r, DRAW_LATE, LATE_EVENT_NS) : 0);
	struct rough_event **last = &r->first;
	while (*last) {
		kept->due_ns = kept->due_ns < (*last)->due_ns ? (*last)->due_ns : kept->due_ns;
		last = &(*last)->next;
	}
	*last = kept;
	arm(r);
}

/* ------------------------------------------------------------------ what the network tells */

static uint64_t on_accepted(void *ctx, tp_sock sock, const struct sy_netaddr *remote)
{
	struct rough *r = ctx;
	r->accept -= r->accept > 0;
	(void)add(r, sock, 0);
	uint64_t cookie = r->up.accepted(r->up.ctx, sock, remote);
	struct rough_sock *s = find(r, sock);
	if (s) {
		s->cookie = cookie;
		s->sock = cookie ? sock : 0;
	}
	arm(r);
	return cookie;
}

static void on_dialled(void *ctx, uint64_t cookie, tp_sock sock)
{
	struct rough *r = ctx;
	(void)add(r, sock, cookie);
	hear(r, &(struct rough_event){.kind = HELD_DIALLED, .key = cookie, .sock = sock});
}

static void on_dial_failed(void *ctx, uint64_t cookie, enum sy_err err)
{
	hear(ctx, &(struct rough_event){.kind = HELD_DIAL_FAILED, .key = cookie, .err = err});
}

/* The reader pauses after a piece, if it is slow; another piece may follow at once, if pieces are short. */
static void after_bytes(struct rough *r, struct rough_sock *s, size_t n)
{
	if (r->read_rate) {
		s->open_ns = now_of(r) + (uint64_t)((unsigned __int128)n * 1000000000u / r->read_rate) + 1;
		sim_tp_ops()->read_window(&r->host->tp, s->sock, 0);
	} else if (r->short_io || r->points) {
		open_window(r, s);
	}
	if (s->tell_ns == SIM_NEVER && strikes(r, SIM_RARE_SPURIOUS)) {
		s->tell_ns = now_of(r) + draw_below(r, DRAW_LATE, LATE_EVENT_NS);
	}
}

static void on_bytes(void *ctx, uint64_t cookie, struct sy_span bytes)
{
	struct rough *r = ctx;
	struct rough_sock *s = find_cookie(r, cookie);
	tp_sock sock = s ? s->sock : 0;
	if (s) {
		s->want -= bytes.len < s->want ? bytes.len : s->want;
		r->turn = (uint32_t)(s - r->socks) + 1;
	}
	r->up.bytes(r->up.ctx, cookie, bytes);
	s = sock ? find(r, sock) : NULL;
	if (s) {
		after_bytes(r, s, bytes.len);
	}
	arm(r);
}

static void on_eof(void *ctx, uint64_t cookie)
{
	hear(ctx, &(struct rough_event){.kind = HELD_EOF, .key = cookie});
}

static void on_failed(void *ctx, uint64_t cookie, enum sy_err err)
{
	hear(ctx, &(struct rough_event){.kind = HELD_FAILED, .key = cookie, .err = err});
}

static void on_writable(void *ctx, uint64_t cookie)
{
	hear(ctx, &(struct rough_event){.kind = HELD_WRITABLE, .key = cookie});
}

static void on_wake(void *ctx)
{
	struct rough *r = ctx;
	if (stalled(r)) {
		r->wake_due = true;
	} else {
		r->up.wake(r->up.ctx);
	}
	arm(r);
}

static void on_resolved(void *ctx, uint64_t token, const struct sy_netaddr *addrs, size_t n, enum sy_err err)
{
	struct rough_event e = {.kind = HELD_RESOLVED, .key = token, .n = n, .err = err};
	if (n) {
		memcpy(e.addrs, addrs, n * sizeof *addrs);
	}
	hear(ctx, &e);
}

/* ------------------------------------------------------------------ what is due */

static void tell_held(struct rough *r)
{
	while (r->first && r->first->due_ns <= now_of(r) && !stalled(r)) {
		struct rough_event *e = r->first;
		r->first = e->next;
		tell(r, e);
		free(e);
	}
	if (r->wake_due && !stalled(r)) {
		r->wake_due = false;
		r->up.wake(r->up.ctx);
	}
}

static void tell_sockets(struct rough *r)
{
	for (uint32_t i = 0; i < r->num_socks && !stalled(r); i++) {
		struct rough_sock *s = &r->socks[i];
		if (s->sock && s->open_ns <= now_of(r)) {
			s->open_ns = SIM_NEVER;
			open_window(r, s);
		}
		if (s->sock && s->tell_ns <= now_of(r)) {
			s->tell_ns = SIM_NEVER;
			r->up.writable(r->up.ctx, s->cookie);
		}
	}
}

static void start_lookups(struct rough *r)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < r->num_lookups; i++) {
		struct rough_lookup *l = &r->lookups[i];
		if (r->dns == DNS_HANG || l->due_ns > now_of(r)) {
			r->lookups[kept++] = *l;
		} else if (sim_tp_ops()->resolve(&r->host->tp, l->token, l->name) != SY_OK) {
			r->up.resolved(r->up.ctx, l->token, NULL, 0, SY_DNS);
		}
	}
	r->num_lookups = kept;
}

static void on_timer(struct sim_event *event, uint64_t now_ns)
{
	struct rough *r = (struct rough *)(uintptr_t)((char *)event - offsetof(struct rough, timer));
	if (!r->host->attached) {
		return;
	}
	if (!stalled(r)) {
		tell_held(r);
	}
	if (!stalled(r)) {
		reopen(r);
		tell_sockets(r);
		start_lookups(r);
	}
	arm(r);
}

/* ------------------------------------------------------------------ what the process asks for */

static struct rough *rough_of(struct tp_transport *tp)
{
	return ((struct sim_host *)tp)->rough;
}

static uint64_t op_now(struct tp_transport *tp)
{
	return rough_local(rough_of(tp), now_of(rough_of(tp)));
}

static uint64_t op_wall(struct tp_transport *tp)
{
	const struct rough *r = rough_of(tp);
	return sim_tp_ops()->wall_ns(tp) - now_of(r) + op_now(tp) + (uint64_t)r->step_ns;
}

static void forget(struct rough *r)
{
	drop_events(r, 0, true);
	if (r->socks) {
		memset(r->socks, 0, r->num_socks * sizeof *r->socks);
	}
	r->num_lookups = 0;
	r->wake_due = r->shut = false;
	r->accept = 0;
	sim_engine_cancel(r->host->net->engine, &r->timer);
}

static void interpose(struct rough *r)
{
	struct sim_host *h = r->host;
	r->up = h->events;
	h->events = (struct tp_events){.ctx = r,
	                               .accepted = on_accepted,
	                               .dialled = on_dialled,
	                               .dial_failed = on_dial_failed,
	                               .bytes = on_bytes,
	                               .eof = on_eof,
	                               .failed = on_failed,
	                               .writable = on_writable,
	                               .wake = on_wake,
	                               .resolved = on_resolved};
}

static void op_attach(struct tp_transport *tp, const struct tp_events *events)
{
	struct rough *r = rough_of(tp);
	forget(r);
	r->shut = stalled(r);
	sim_tp_ops()->attach(tp, events);
	interpose(r);
}

static enum sy_err op_listen(struct tp_transport *tp, const struct sy_netaddr *at, struct sy_netaddr *bound)
{
	return sim_tp_ops()->listen(tp, at, bound);
}

static void op_accept_window(struct tp_transport *tp, uint32_t n)
{
	struct rough *r = rough_of(tp);
	r->accept = n;
	if (!r->shut) {
		sim_tp_ops()->accept_window(tp, n);
	}
}

static enum sy_err op_dial(struct tp_transport *tp, uint64_t cookie, const struct sy_netaddr *to, uint64_t timeout_ns)
{
	return sim_tp_ops()->dial(tp, cookie, to, timeout_ns);
}

static void op_dial_cancel(struct tp_transport *tp, uint64_t cookie)
{
	struct rough *r = rough_of(tp);
	struct rough_sock *s = find_cookie(r, cookie);
	drop_events(r, cookie, false);
	if (s) { /* the network has told us already, and nobody will hear it */
		sim_tp_ops()->close(tp, s->sock, TP_CLOSE_ABORT);
		s->sock = 0;
	} else {
		sim_tp_ops()->dial_cancel(tp, cookie);
	}
}

static void op_unsent_lowat(struct tp_transport *tp, tp_sock sock, uint32_t bytes)
{
	sim_tp_ops()->unsent_lowat(tp, sock, bytes);
}

/* A "writable" of our own, soon: the network does not know that it is waited for. */
static void owe(struct rough *r, struct rough_sock *s)
{
	sooner(&s->tell_ns, now_of(r) + 1 + draw_below(r, DRAW_LATE, SHORT_WRITE_NS));
	arm(r);
}

static size_t op_room(struct tp_transport *tp, tp_sock sock)
{
	struct rough *r = rough_of(tp);
	struct rough_sock *s = find(r, sock);
	size_t room = sim_tp_ops()->room(tp, sock);
	if (s && room && strikes(r, SIM_RARE_NO_ROOM)) {
		owe(r, s);
		return 0;
	}
	return room;
}

static size_t op_write(struct tp_transport *tp, tp_sock sock, const uint8_t *bytes, size_t n)
{
	struct rough *r = rough_of(tp);
	struct rough_sock *s = find(r, sock);
	size_t part = s && n ? piece(r, n, SIM_RARE_SHORT_WRITE) : n;
	size_t took = sim_tp_ops()->write(tp, sock, bytes, part);
	if (s && part < n && took == part) {
		owe(r, s);
	}
	return took;
}

static void op_read_window(struct tp_transport *tp, tp_sock sock, size_t n)
{
	struct rough *r = rough_of(tp);
	struct rough_sock *s = find(r, sock);
	if (!s) {
		sim_tp_ops()->read_window(tp, sock, n);
		return;
	}
	s->want = n;
	open_window(r, s);
}

static void op_close(struct tp_transport *tp, tp_sock sock, enum tp_close how)
{
	struct rough *r = rough_of(tp);
	struct rough_sock *s = find(r, sock);
	if (s) {
		drop_events(r, s->cookie, false);
		s->sock = 0;
	}
	sim_tp_ops()->close(tp, sock, how);
}

static void op_wake_at(struct tp_transport *tp, uint64_t at_ns)
{
	struct rough *r = rough_of(tp);
	r->wake_due = false;
	if (at_ns != SIM_NEVER) {
		at_ns = global_of(r, at_ns);
		at_ns += strikes(r, SIM_RARE_LATE_TIMER) ? draw_below(r, DRAW_LATE, LATE_TIMER_NS) : 0;
	}
	sim_tp_ops()->wake_at(tp, at_ns);
}

static enum sy_err op_resolve(struct tp_transport *tp, uint64_t token, const char *name)
{
	struct rough *r = rough_of(tp);
	if (r->dns == DNS_FAIL) {
		return sim_tp_ops()->resolve(tp, token, "");
	}
	if (r->dns == DNS_PLAIN) {
		return sim_tp_ops()->resolve(tp, token, name);
	}
	if (r->num_lookups == MAX_LOOKUPS || strlen(name) >= sizeof r->lookups[0].name) {
		return SY_LIMIT;
	}
	struct rough_lookup *l = &r->lookups[r->num_lookups++];
	*l = (struct rough_lookup){.token = token, .due_ns = now_of(r) + r->dns_ns};
	memcpy(l->name, name, strlen(name) + 1);
	arm(r);
	return SY_OK;
}

static void op_fini(struct tp_transport *tp)
{
	forget(rough_of(tp));
	sim_tp_ops()->fini(tp);
}

static const struct tp_ops *rough_ops(void)
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

/* ------------------------------------------------------------------ life */

/* Takes over from the driver what the network knows of it. */
static void take_over(struct rough *r)
{
	struct sim_host *h = r->host;
	r->accept = h->accept_window;
	for (uint32_t slot = 0; slot < h->num_slots; slot++) {
		const struct end *e = h->slots[slot].end;
		struct rough_sock *s = e && e->state == END_OPEN ? add(r, end_sock(e), e->cookie) : NULL;
		if (s) {
			s->want = e->window;
		}
	}
	if (h->attached) {
		interpose(r);
	}
}

struct rough *rough_take(struct sim_host *h)
{
	struct rough *r = h->rough ? h->rough : calloc(1, sizeof *r);
	if (!r || h->rough) {
		return r;
	}
	r->host = h;
	r->timer.handler = on_timer;
	r->base_ns = r->base_local_ns = now_of(r);
	h->rough = r;
	h->tp.ops = rough_ops();
	take_over(r);
	return r;
}

void rough_stop(struct sim_host *h)
{
	if (h->rough) {
		forget(h->rough);
	}
}

void rough_free(struct sim_host *h)
{
	if (h->rough) {
		forget(h->rough);
		free(h->rough->socks);
		free(h->rough);
		h->rough = NULL;
	}
}

void rough_change(struct rough *r)
{
	if (!r->host->attached) {
		return;
	}
	if (stalled(r)) {
		shut(r);
	}
	for (uint32_t i = 0; i < r->num_socks; i++) {
		if (r->socks[i].sock) {
			r->socks[i].open_ns = r->read_rate ? r->socks[i].open_ns : SIM_NEVER;
			open_window(r, &r->socks[i]);
		}
	}
	arm(r);
}
