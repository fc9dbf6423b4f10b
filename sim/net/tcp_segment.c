/*
 * tcp = "segment" and "flow": packets between two endpoints of sim/tcp. Each end of a connection has one; what an endpoint sends goes
 * through its host's uplink, the pair's link and the other host's downlink, and reaches the other end, or nobody, or a
 * host that answers with a reset. A cut drops packets: what TCP does about it is TCP's business.
 */
#include <string.h>

#include "sim/net/segment.h"

#define SECOND_NS 1000000000ull
#define LINGER_NS (5 * SECOND_NS)    /* transport/tcp keeps a flushed socket as long to hear the peer's end */
#define FIN_WAIT_NS (60 * SECOND_NS) /* the kernel keeps an orphan as long that waits for the peer's end */
#define DIAL_NS (127 * SECOND_NS)    /* the kernel's patience */
#define LOSSY (UINT64_MAX / 10)      /* a link that loses more may lose nine probes of keepalive in a row */
#define READ_BYTES 16384u            /* handed to the reader at a time */

static uint64_t now_of(const struct end *e)
{
	return net_of(e)->engine->now_ns;
}

/* --- the end's own event --- */

static void seg_notice(struct end *e, uint64_t at_ns)
{
	if (at_ns < e->notice_ns) {
		e->notice_ns = at_ns;
		/* Out of memory: the end stays silent until its next packet. */
		(void)sim_engine_schedule(net_of(e)->engine, &e->host->source, &e->event, SIM_DELIVERY, at_ns);
	}
}

void segment_touch(struct end *e)
{
	seg_notice(e, now_of(e));
}

static void deadline(struct end *e, uint64_t at_ns)
{
	e->seg.deadline_ns = at_ns;
	seg_notice(e, at_ns);
}

static void keepalive_check(struct end *e);

/* The kernel has no more to do with it. The endpoint may be at work: it is freed by the end's event. */
static void gone(struct end *e)
{
	end_let_go(e, END_GONE);
	e->seg.deadline_ns = SIM_NEVER;
	segment_touch(e);
	keepalive_check(peer_of(e));
}

/* Without a word to anybody. */
static void vanish(struct end *e)
{
	e->seg.flags |= SEG_MUTE;
	if (e->seg.tcp) {
		sim_tcp_abort(e->seg.tcp);
	}
	gone(e);
}

static void abort_end(struct end *e)
{
	if (e->state == END_DIALLING) {
		vanish(e);
		return;
	}
	if (e->seg.tcp) {
		sim_tcp_abort(e->seg.tcp);
	}
	gone(e);
}

/* --- keepalive --- */

static bool half_whole(const struct end *to)
{
	const struct half *h = half_to(to);
	bool open = h->cut == SIM_CUT_NONE || h->cut == SIM_CUT_REFUSE || h->cut == SIM_CUT_SYN;
	const struct sim_link_stages *s = &h->kind->stages;
	bool sure = h->kind->wire.loss < LOSSY && !s->to_bad && !s->trace_len;
	return open && sure && !(to->seg.flags & SEG_DEAD) && !conn_lost(conn_of(to));
}

/*
 * Probes that would be answered are not sent: keepalive begins when something stands in the way, or nobody is left at the
 * other end.
 */
static void keepalive_check(struct end *e)
{
	const struct end *peer = peer_of(e);
	if (e->state == END_OPEN || e->state == END_BACKLOG) {
		bool there = peer->seg.tcp && peer->state != END_GONE;
		sim_tcp_keepalive(e->seg.tcp, !there || !half_whole(e) || !half_whole(peer));
	}
}

void segment_path(struct conn *c)
{
	keepalive_check(&c->end[0]);
	keepalive_check(&c->end[1]);
}

/* --- packets --- */

/* Whether the way is open; what meets a black hole is lost, and so is all that its connection sends later on. */
static bool passes(struct end *to, const struct half *h, const struct sim_tcp_packet *p)
{
	switch ((enum sim_cut)h->cut) {
	case SIM_CUT_NONE:
	case SIM_CUT_REFUSE:
	case SIM_CUT_SYN:
		break;
	case SIM_CUT_HOLD:
		return false;
	case SIM_CUT_BLACKHOLE:
		to->seg.flags |= p->flags & SIM_TCP_SYN ? 0 : SEG_DEAD;
		return false;
	}
	return !(to->seg.flags & SEG_DEAD) && !conn_lost(conn_of(to));
}

/* Over a line that many connections share: it has a rate and a queue, and draws nothing. */
static struct sim_tcp_fate onto_line(struct sim_tcp_link *line, struct end *to, const struct sim_tcp_packet *p, uint64_t at_ns)
{
	struct sim_tcp_lane lane = {.to = to};
	return sim_tcp_link_send(line, &lane, p, at_ns);
}

/* Behind the sender's own line: its site's, where it leaves one; else the pair's link. */
static struct sim_tcp_fate leave_site(struct end *to, const struct sim_tcp_packet *p, uint64_t at_ns)
{
	const struct sim_site *site = site_before(peer_of(to)->host, to->host);
	if (site && site->up) {
		return onto_line(site->up, to, p, at_ns);
	}
	return sim_tcp_link_send(half_to(to)->link, &to->seg.lane, p, at_ns);
}

static struct sim_tcp_fate launch(struct end *to, const struct sim_tcp_packet *p)
{
	uint64_t at_ns = now_of(peer_of(to));
	struct sim_host *from = peer_of(to)->host;
	if (from->up_link) {
		return onto_line(from->up_link, to, p, at_ns);
	}
	struct sim_tcp_packet part = *p;
	uint32_t n = sim_tcp_wire_take(&from->up, at_ns, &part, &at_ns);
	struct sim_tcp_fate fate = {0};
	if (n) {
		fate = leave_site(to, &part, at_ns);
	}
	fate.dropped += sim_tcp_segments(p) - n;
	return fate;
}

static void send_to(struct end *to, const struct sim_tcp_packet *p)
{
	struct sim_net *net = net_of(peer_of(to));
	uint64_t entity = to->seg.lane.entity;
	if (!to->host) {
		return;
	}
	struct half *h = half_to(to);
	if (!passes(to, h, p)) {
		net_hash(net, entity);
		return;
	}
	struct sim_tcp_fate fate = launch(to, p);
	to->seg.flying += fate.carried + fate.doubled;
	net->stats.segments_lost += fate.lost;
	net->stats.segments_dropped += fate.dropped;
	if (fate.doubled) {
		net_hash(net, entity + 4);
	}
	if (fate.carried) {
		net_hash(net, entity ^ fate.arrival_ns);
	}
	if (fate.lost) {
		net_hash(net, entity + 1);
	}
	if (fate.dropped) {
		net_hash(net, entity + 2);
	}
}

static void transmit(void *user, const struct sim_tcp_packet *p)
{
	struct end *e = user;
	if (!(e->seg.flags & SEG_MUTE)) {
		send_to(peer_of(e), p);
	}
}

/* --- what the endpoint tells --- */

/* Hands over what the reader takes. It may close the connection, or write to it, while it looks at the bytes. */
static void feed(struct end *e)
{
	uint8_t buf[READ_BYTES];
	struct sim_net *net = net_of(e);
	while (e->state == END_OPEN && e->window) {
		size_t n = sim_tcp_readable(e->seg.tcp);
		n = n < e->window ? n : e->window;
		n = sim_tcp_stream_take(&e->seg.content, buf, n < sizeof buf ? n : sizeof buf);
		if (!n) {
			break;
		}
		sim_tcp_read(e->seg.tcp, n);
		e->window -= n;
		net->stats.bytes_delivered += n;
		e->host->events.bytes(e->host->events.ctx, e->cookie, (struct sy_span){buf, n});
	}
	const uint16_t over = SEG_PEER_DONE | SEG_EOF_TOLD;
	if (e->state == END_OPEN && (e->seg.flags & over) == SEG_PEER_DONE && !sim_tcp_readable(e->seg.tcp)) {
		e->seg.flags |= SEG_EOF_TOLD;
		e->host->events.eof(e->host->events.ctx, e->cookie);
	}
}

/* Nobody reads any more. A socket that lingers throws bytes away; an orphan answers them with a reset once its own are through. */
static void discard(struct end *e)
{
	struct sim_tcp_info info;
	size_t n = sim_tcp_read(e->seg.tcp, sim_tcp_readable(e->seg.tcp));
	sim_tcp_stream_take(&e->seg.content, NULL, n);
	sim_tcp_info(e->seg.tcp, &info);
	if (n && (e->seg.flags & SEG_ORPHAN) && info.fin_acked) {
		abort_end(e);
	}
}

static void readable(struct end *e)
{
	if (e->state == END_OPEN) {
		feed(e);
	} else if (e->state == END_CLOSED) {
		discard(e);
	}
}

static void connected(struct end *e)
{
	struct sim_net *net = net_of(e);
	if (e->state == END_DIALLING) {
		net->stats.connects++;
		net_hash(net, conn_of(e)->key ^ now_of(e));
		e->state = END_OPEN;
		e->seg.deadline_ns = SIM_NEVER;
		e->host->events.dialled(e->host->events.ctx, e->cookie, end_sock(e));
	} else if (e->state == END_SYN) {
		backlog_add(e);
	}
	keepalive_check(e);
}

static void dial_over(struct end *e, enum sy_err err)
{
	struct sim_host *h = e->host;
	uint64_t cookie = e->cookie;
	h->net->stats.connects_failed++;
	net_hash(h->net, conn_of(e)->key ^ (uint64_t)-err);
	vanish(e);
	h->events.dial_failed(h->events.ctx, cookie, err);
}

/* The endpoint is dead: a reset, or nobody has answered for too long. */
static void broken(struct end *e, enum sy_err dial_err, enum sy_err err)
{
	net_of(e)->stats.resets++;
	switch ((enum end_state)e->state) {
	case END_DIALLING:
		dial_over(e, dial_err);
		break;
	case END_OPEN:
		e->state = END_FAILED;
		e->want_write = false;
		e->host->events.failed(e->host->events.ctx, e->cookie, err);
		break;
	case END_SYN:
	case END_BACKLOG:
	case END_CLOSED:
		gone(e);
		break;
	case END_FAILED:
	case END_GONE:
		break;
	}
}

static bool writer_busy(struct end *e)
{
	if (now_of(e) >= e->host->at_work_ns) {
		return false;
	}
	seg_notice(e, e->host->at_work_ns);
	return true;
}

static void writable(struct end *e)
{
	if (e->want_write && e->state == END_OPEN && !writer_busy(e)) {
		e->want_write = false;
		e->host->events.writable(e->host->events.ctx, e->cookie);
	}
}

static void told(void *user, enum sim_tcp_event what)
{
	struct end *e = user;
	conn_of(e)->pins++;
	switch (what) {
	case SIM_TCP_CONNECTED:
		connected(e);
		break;
	case SIM_TCP_READABLE:
		readable(e);
		break;
	case SIM_TCP_WRITABLE:
		writable(e);
		break;
	case SIM_TCP_PEER_DONE:
		e->seg.flags |= SEG_PEER_DONE;
		readable(e);
		break;
	case SIM_TCP_CLOSED:
		if (e->state == END_CLOSED) {
			gone(e);
		}
		break;
	case SIM_TCP_RESET:
		broken(e, SY_DIAL_REFUSED, SY_PEER_RESET);
		break;
	case SIM_TCP_TIMEOUT:
		broken(e, SY_DIAL_TIMEOUT, SY_PEER_RESET); /* ETIMEDOUT: transport/tcp says the same */
		break;
	}
	conn_of(e)->pins--;
}

static struct sim_tcp *endpoint(struct end *e)
{
	static const struct sim_tcp_ops ops = {.transmit = transmit, .event = told};
	const struct sim_net *net = net_of(e);
	struct sim_tcp_config config;
	sim_tcp_defaults(&config);
	config.cc = e->host->cc;
	config.sndbuf = net->sndbuf;
	config.notsent_lowat = net->notsent_lowat;
	config.rcvbuf = net->rcvbuf;
	config.keepalive_ns = config.keepalive_interval_ns = 15 * SECOND_NS; /* as transport/tcp asks for */
	config.keepalive_asleep = true;
	config.trains = net->tcp == SIM_TCP_FLOW;
	if (e->host && peer_of(e)->host) {
		uint32_t out = half_to(peer_of(e))->kind->mss, in = half_to(e)->kind->mss;
		config.mss = out < in ? out : in;
	}
	return sim_tcp_new(net->engine, &e->host->source, conn_of(e)->key + e->side, &config, &ops, e);
}

/* --- arrivals --- */

static void refuse(struct end *e, const struct sim_tcp_packet *p)
{
	struct sim_tcp_packet rst;
	if (sim_tcp_refuse(p, &rst)) {
		send_to(peer_of(e), &rst);
	}
}

static void syn_arrived(struct end *e, const struct sim_tcp_packet *p)
{
	struct sim_host *h = e->host;
	if (syn_vanishes(e)) {
		return;
	}
	if (!host_listens(h, conn_of(e)->to_port) || half_to(e)->cut == SIM_CUT_REFUSE) {
		refuse(e, p);
		return;
	}
	if (h->backlog_len >= MAX_BACKLOG) {
		return;
	}
	e->seg.tcp = endpoint(e);
	if (!e->seg.tcp || !end_slot_take(e)) {
		sim_tcp_free(e->seg.tcp);
		e->seg.tcp = NULL;
		return;
	}
	h->backlog_len++;
	sim_tcp_accept(e->seg.tcp, p);
}

/* What has come through the link, and the downlink where there is one. */
static void deliver(void *to, const struct sim_tcp_packet *p)
{
	struct end *e = to;
	struct conn *c = conn_of(e);
	c->pins++;
	e->seg.flying--;
	if (e->host->off || end_away(e)) {
		net_hash(net_of(e), e->seg.lane.entity);
	} else if (e->seg.tcp && e->state != END_GONE) {
		sim_tcp_input(e->seg.tcp, p);
	} else if (e->state == END_SYN && p->flags == SIM_TCP_SYN) {
		syn_arrived(e, p);
	} else {
		refuse(e, p);
	}
	c->pins--;
	conn_settle(c);
}

/* What became of a packet further on the way: it may be lost yet, or be several now. */
static void went_on(struct end *e, struct sim_tcp_fate fate)
{
	struct sim_net *net = net_of(e);
	net->stats.segments_lost += fate.lost;
	net->stats.segments_dropped += fate.dropped;
	if (fate.dropped) {
		net_hash(net, e->seg.lane.entity + 3);
	}
	if (fate.lost) {
		net_hash(net, e->seg.lane.entity + 1);
	}
	e->seg.flying += fate.carried + fate.doubled;
	e->seg.flying--;
	if (!fate.carried) {
		conn_settle(conn_of(e));
	}
}

static void after_uplink(void *to, const struct sim_tcp_packet *p)
{
	went_on(to, leave_site(to, p, now_of(to)));
}

static void after_site_up(void *to, const struct sim_tcp_packet *p)
{
	struct end *e = to;
	went_on(e, sim_tcp_link_send(half_to(e)->link, &e->seg.lane, p, now_of(e)));
}

static void at_downlink(void *to, const struct sim_tcp_packet *p)
{
	struct end *e = to;
	if (e->host->down) {
		went_on(e, onto_line(e->host->down, e, p, now_of(e)));
	} else {
		deliver(to, p);
	}
}

static void at_site(void *to, const struct sim_tcp_packet *p)
{
	struct end *e = to;
	const struct sim_site *site = site_before(e->host, peer_of(e)->host);
	if (site && site->down) {
		went_on(e, onto_line(site->down, e, p, now_of(e)));
	} else {
		at_downlink(to, p);
	}
}

struct sim_tcp_link *segment_link(struct sim_net *net, struct sim_host *to, const struct kind *k)
{
	return sim_tcp_link_new(net->engine, &to->source, &k->wire, at_site);
}

struct sim_tcp_link *segment_uplink(struct sim_net *net, struct sim_host *from, uint64_t rate_bits, uint64_t queue_bytes)
{
	struct sim_tcp_link_config config = {.rate_bits = rate_bits, .queue_bytes = queue_bytes};
	return sim_tcp_link_new(net->engine, &from->source, &config, after_uplink);
}

static struct sim_tcp_link *site_link(struct sim_site *site, uint64_t rate_bits, sim_tcp_deliver *deliver_to)
{
	struct sim_tcp_link_config config = {.rate_bits = rate_bits, .queue_bytes = line_queue_bytes(rate_bits, site->line.queue_bytes)};
	return sim_tcp_link_new(site->net->engine, &site->source, &config, deliver_to);
}

struct sim_tcp_link *segment_site_up(struct sim_site *site)
{
	return site_link(site, site->line.up_bits, after_site_up);
}

struct sim_tcp_link *segment_site_down(struct sim_site *site)
{
	return site_link(site, site->line.down_bits, at_downlink);
}

struct sim_tcp_link *segment_downlink(struct sim_net *net, struct sim_host *to, uint64_t rate_bits, uint64_t queue_bytes)
{
	struct sim_tcp_link_config config = {.rate_bits = rate_bits, .queue_bytes = queue_bytes};
	return sim_tcp_link_new(net->engine, &to->source, &config, deliver);
}

/* --- due --- */

/* A deadline of an end has come: of a dial, of a socket that lingers, of an orphan. */
static void expired(struct end *e, uint64_t now_ns)
{
	struct sim_tcp_info info;
	e->seg.deadline_ns = SIM_NEVER;
	if (e->state == END_DIALLING) {
		dial_over(e, SY_DIAL_TIMEOUT);
	} else if (e->state == END_CLOSED) {
		sim_tcp_info(e->seg.tcp, &info);
		if ((e->seg.flags & SEG_ORPHAN) && info.fin_acked && !info.fin_received) {
			vanish(e);
			return;
		}
		e->seg.flags |= SEG_ORPHAN;
		deadline(e, now_ns + FIN_WAIT_NS);
	}
}

static void reset_now(struct end *e)
{
	const struct sim_tcp_packet rst = {.flags = SIM_TCP_RST};
	e->seg.flags &= (uint16_t)~SEG_RESET_DUE;
	if (e->seg.tcp) {
		sim_tcp_input(e->seg.tcp, &rst);
	}
}

static void due(struct end *e, uint64_t now_ns)
{
	if (e->seg.flags & SEG_RESET_DUE) {
		reset_now(e);
	}
	if (e->seg.deadline_ns <= now_ns) {
		expired(e, now_ns);
	}
	if (e->state == END_BACKLOG) {
		dial_accept(e);
	}
	if (e->state == END_OPEN) {
		feed(e);
	}
	if (e->want_write && e->state == END_OPEN && sim_tcp_write_space(e->seg.tcp)) {
		writable(e);
	}
	if (e->state == END_GONE) {
		segment_fini(e);
	} else if (e->seg.deadline_ns != SIM_NEVER) {
		seg_notice(e, e->seg.deadline_ns);
	}
}

void segment_event(struct sim_event *event, uint64_t now_ns)
{
	struct end *e = (struct end *)event;
	struct conn *c = conn_of(e);
	c->pins++;
	e->notice_ns = SIM_NEVER;
	due(e, now_ns);
	c->pins--;
	conn_settle(c);
}

/* --- the life of an end --- */

void segment_init(struct end *e, uint64_t key)
{
	e->event.handler = segment_event;
	e->seg.lane = (struct sim_tcp_lane){.to = e, .entity = key + e->side};
	e->seg.deadline_ns = SIM_NEVER;
}

void segment_fini(struct end *e)
{
	sim_tcp_free(e->seg.tcp);
	e->seg.tcp = NULL;
	sim_tcp_stream_fini(&e->seg.content);
}

static bool end_over(const struct end *e)
{
	bool over = !e->host || e->state == END_GONE || e->state == END_SYN;
	return over && !e->seg.tcp && !e->seg.flying;
}

bool segment_settled(const struct conn *c)
{
	return end_over(&c->end[0]) && end_over(&c->end[1]);
}

enum sy_err segment_dial(struct end *e, uint64_t timeout_ns)
{
	e->seg.tcp = endpoint(e);
	if (!e->seg.tcp) {
		vanish(e);
		return SY_NO_MEMORY;
	}
	deadline(e, now_of(e) + (timeout_ns && timeout_ns < DIAL_NS ? timeout_ns : DIAL_NS));
	sim_tcp_connect(e->seg.tcp);
	return SY_OK;
}

/* While a writer waits there is no room, though a little may be free already: as a kernel's poll says it. */
size_t segment_room(struct end *e)
{
	size_t room = e->want_write || writer_busy(e) ? 0 : sim_tcp_write_space(e->seg.tcp);
	if (!room) {
		e->want_write = true;
		sim_tcp_want_room(e->seg.tcp);
	}
	return room;
}

size_t segment_write(struct end *e, const uint8_t *bytes, size_t n)
{
	size_t taken = sim_tcp_write(e->seg.tcp, n);
	if (taken && !sim_tcp_stream_append(&peer_of(e)->seg.content, bytes, taken)) {
		segment_reset(e); /* no memory: as if the kernel had given up */
		return taken;
	}
	net_of(e)->stats.bytes_sent += taken;
	e->want_write |= taken < n;
	if (net_of(e)->frame_ns) {
		e->host->at_work_ns = now_of(e) + taken * net_of(e)->frame_ns / SY_FRAME_SEALED;
	}
	return taken;
}

void segment_lowat(struct end *e, uint32_t bytes)
{
	if (e->state == END_OPEN) {
		sim_tcp_set_lowat(e->seg.tcp, bytes ? bytes : net_of(e)->notsent_lowat);
		segment_touch(e);
	}
}

void segment_close(struct end *e, enum tp_close how)
{
	if (how == TP_CLOSE_ABORT || e->state != END_OPEN) {
		abort_end(e);
		return;
	}
	end_let_go(e, END_CLOSED);
	discard(e);
	sim_tcp_shutdown(e->seg.tcp);
	if (e->state == END_CLOSED) {
		deadline(e, now_of(e) + LINGER_NS);
	}
}

void segment_ended(struct end *e)
{
	switch ((enum end_state)e->state) {
	case END_DIALLING:
	case END_SYN:
	case END_BACKLOG:
	case END_FAILED:
		abort_end(e);
		break;
	case END_OPEN:
		e->seg.flags |= SEG_ORPHAN;
		segment_close(e, sim_tcp_readable(e->seg.tcp) ? TP_CLOSE_ABORT : TP_CLOSE_FLUSH);
		break;
	case END_CLOSED:
		e->seg.flags |= SEG_ORPHAN;
		break;
	case END_GONE:
		break;
	}
}

void segment_power_lost(struct end *e)
{
	if (e->state != END_GONE) {
		vanish(e);
	}
}

void segment_reset(struct end *e)
{
	if (e->host && e->seg.tcp) {
		e->seg.flags |= SEG_RESET_DUE;
		segment_touch(e);
	}
}
