/* What happens at one end when its event is due: arrivals become unread bytes, and the reader gets what its window takes. */
#include "sim/net/internal.h"

enum { SITE_DOWN, HOST_DOWN, DOWNLINKS };

/* A line towards the receiver, shared by all that comes over it. Returns false when the chunk is still on it. */
static bool through_line(struct end *e, struct chunk *c, uint64_t rate, uint64_t *busy_ns, uint64_t now_ns)
{
	*busy_ns = (*busy_ns > now_ns ? *busy_ns : now_ns) + transmit_ns(rate, c->len);
	c->at_ns = *busy_ns;
	e->in.last_ns = e->in.last_ns > c->at_ns ? e->in.last_ns : c->at_ns;
	return c->at_ns <= now_ns;
}

static bool through_downlinks(struct end *e, struct chunk *c, uint64_t now_ns)
{
	struct sim_host *h = e->host;
	struct sim_site *site = h->narrow_in ? site_before(h, peer_of(e)->host) : NULL;
	bool through = true;
	while (h->narrow_in && through && c->downlinks < DOWNLINKS) {
		uint8_t line = c->downlinks++;
		if (line == SITE_DOWN && site && site->line.down_bits) {
			through = through_line(e, c, site->line.down_bits, &site->down_busy_ns, now_ns);
		} else if (line == HOST_DOWN && h->down_bits) {
			through = through_line(e, c, h->down_bits, &h->down_busy_ns, now_ns);
		}
	}
	return through;
}

static void arrive(struct end *e, uint64_t now_ns)
{
	struct stream *s = &e->in;
	while (s->flying && s->flying->at_ns <= now_ns) {
		struct chunk *c = s->flying;
		if (!through_downlinks(e, c, now_ns)) {
			return;
		}
		s->flying = c->next == s->unsent ? NULL : c->next;
		s->flying_bytes -= c->len;
		s->unread_bytes += c->len;
	}
	if (!s->flying && s->last_ns <= now_ns) {
		s->flags |= s->flags & S_FIN_SENT ? S_FIN_ARRIVED : 0;
		s->flags |= s->flags & S_RST_SENT ? S_RST_ARRIVED : 0;
	}
}

static struct chunk *take_head(struct stream *s)
{
	struct chunk *c = s->head;
	SY_ASSERT(c); /* of bytes that are unread there is a chunk */
	s->head = c->next;
	if (!s->head) {
		s->tail = NULL;
	}
	s->chunks--;
	return c;
}

static void put_back(struct stream *s, struct chunk *c)
{
	c->next = s->head;
	s->head = c;
	if (!s->tail) {
		s->tail = c;
	}
	s->chunks++;
}

/*
 * Gives the reader a chunk, or the part that it takes. The chunk is out of the list meanwhile: the reader may close the
 * connection, or write to it, while it looks at the bytes.
 */
static void give(struct end *e)
{
	struct sim_net *net = net_of(e);
	struct chunk *c = take_head(&e->in);
	uint32_t n = c->len - c->off;
	n = n < e->window ? n : (uint32_t)e->window;
	struct sy_span bytes = {c->bytes + c->off, n};
	c->off += n;
	e->window -= n;
	e->in.unread_bytes -= n;
	net->stats.bytes_delivered += n;
	e->host->events.bytes(e->host->events.ctx, e->cookie, bytes);
	if (c->off < c->len && e->state == END_OPEN) {
		put_back(&e->in, c);
	} else {
		chunk_give(net, c);
	}
}

/* The only chunk under way, taken whole: what give does, without making it unread first. */
static void express(struct end *e, struct chunk *c)
{
	struct sim_net *net = net_of(e);
	struct stream *s = &e->in;
	struct sy_span bytes = {c->bytes, c->len};
	s->head = s->flying = s->tail = NULL;
	s->chunks = 0;
	s->flying_bytes = 0;
	e->window -= c->len;
	net->stats.bytes_delivered += c->len;
	e->host->events.bytes(e->host->events.ctx, e->cookie, bytes);
	chunk_give(net, c);
}

static void feed(struct end *e)
{
	struct stream *s = &e->in;
	bool any = false;
	while (e->state == END_OPEN && s->unread_bytes && e->window) {
		give(e);
		any = true;
	}
	if (any) {
		end_tell_window(e);
	}
	if (e->state == END_OPEN && !s->unread_bytes && (s->flags & S_FIN_ARRIVED) && !(s->flags & S_FIN_TOLD)) {
		s->flags |= S_FIN_TOLD;
		e->host->events.eof(e->host->events.ctx, e->cookie);
	}
}

/* Nobody reads here any more: bytes vanish, and who still sends hears of it once our own last byte is on its way. */
static void discard(struct end *e)
{
	struct stream *s = &e->in;
	struct end *to = peer_of(e);
	if (!s->unread_bytes) {
		return;
	}
	stream_drop_unread(e);
	end_tell_window(e);
	if (e->state == END_CLOSED && (to->in.flags & S_FIN_SENT)) {
		end_abort(e);
	} else if (e->state == END_GONE && !e->host->off && !(to->in.flags & (S_RST_SENT | S_RST_PENDING))) {
		to->in.flags &= (uint16_t)~S_DEAD; /* what a host that lost its memory says to strangers */
		stream_reset(to);
	}
}

static void reset_arrived(struct end *e)
{
	struct sim_net *net = net_of(e);
	net->stats.resets++;
	if (e->state == END_OPEN) {
		end_fail(e, SY_PEER_RESET);
	} else if (e->state != END_FAILED) {
		end_abort(e);
	}
}

/* The notice of an established end: the window towards the peer is open again, or there is room for a writer. */
static void local_notice(struct end *e)
{
	struct end *to = peer_of(e);
	e->notice_ns = SIM_NEVER;
	if (to->in.flags & S_BLOCKED) {
		to->in.flags &= (uint16_t)~S_BLOCKED;
		stream_pump(to);
	}
	uint32_t limit = e->lowat && e->lowat < SEND_BUFFER ? e->lowat : SEND_BUFFER;
	if (e->want_write && e->state == END_OPEN && to->in.unsent_bytes <= limit / 2) {
		e->want_write = false;
		e->host->events.writable(e->host->events.ctx, e->cookie);
	}
}

static void established(struct end *e, uint64_t now_ns)
{
	struct chunk *c = e->in.head;
	if (c && c == e->in.flying && !c->next && c->at_ns <= now_ns && c->len <= e->window && e->state == END_OPEN && !e->host->narrow_in &&
	    !(e->in.flags & S_BLOCKED)) {
		express(e, c);
		if (!e->in.flying && !(e->in.flags & (S_FIN_SENT | S_RST_SENT)) && e->notice_ns > now_ns) {
			return;
		}
	}
	arrive(e, now_ns);
	if (e->state == END_OPEN) {
		feed(e);
	} else {
		discard(e);
	}
	uint16_t flags = e->in.flags;
	if ((flags & S_RST_ARRIVED) && e->state != END_GONE) {
		reset_arrived(e);
	}
	if (e->notice_ns <= now_ns) {
		local_notice(e);
	}
}

void end_event(struct sim_event *event, uint64_t now_ns)
{
	struct end *e = (struct end *)event;
	struct conn *c = conn_of(e);
	c->pins++;
	switch ((enum end_state)e->state) {
	case END_DIALLING:
		dial_client(e, now_ns);
		break;
	case END_SYN:
		dial_server(e, now_ns);
		break;
	case END_BACKLOG:
		arrive(e, now_ns);
		if (e->in.flags & S_RST_ARRIVED) {
			reset_arrived(e);
		} else if (e->notice_ns <= now_ns) {
			dial_accept(e);
		}
		break;
	case END_OPEN:
	case END_FAILED:
	case END_CLOSED:
	case END_GONE:
		established(e, now_ns);
		break;
	}
	c->pins--;
	if (e->state == END_OPEN || !conn_settle(c)) {
		end_arm(e);
	}
}
