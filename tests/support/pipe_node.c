/* Driving one node: its sockets, its outputs, its log. */
#include "tests/support/pipe_inner.h"

#include <stdlib.h>
#include <string.h>

/* ---- sockets ---- */

struct pn_sock *pn_sock_new(struct pn_node *n, struct sy_ref ref)
{
	struct pn_sock *s = calloc(1, sizeof *s);
	s->node = n;
	s->ref = ref;
	s->next = n->socks;
	n->socks = s;
	return s;
}

static struct pn_sock *sock_find(struct pn_node *n, struct sy_ref ref)
{
	for (struct pn_sock *s = n->socks; s; s = s->next)
		if (!s->closed && sy_ref_equal(s->ref, ref))
			return s;
	return NULL;
}

void pn_sweep(struct pn_node *n)
{
	for (struct pn_sock **at = &n->socks; *at;) {
		struct pn_sock *s = *at;
		if (!s->closed || s->events) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		free(s->rx);
		free(s);
	}
}

void pn_sock_close(struct pn_sock *s, bool flush)
{
	struct pn_sock *o = s->other;
	s->closed = true;
	s->other = NULL;
	if (!o)
		return;
	o->other = NULL;
	pn_post(s->node->net, s->node->net->latency, flush ? EV_EOF : EV_RESET, o->node, o)->err = SY_PEER_RESET;
}
/* ---- driving a node ---- */

static void log_step(struct pn_node *n, enum sy_record_kind kind, const struct sy_input *in)
{
	if (!n->record)
		return;
	struct sy_record r = {.kind = kind, .in = *in};
	size_t need = sy_record_encode(&r, NULL, 0);
	if (n->log_len + need > n->log_cap) {
		n->log_cap = 2 * (n->log_len + need);
		n->log = realloc(n->log, n->log_cap);
	}
	n->log_len += sy_record_encode(&r, n->log + n->log_len, n->log_cap - n->log_len);
}

static void log_conn(struct pn_node *n, enum sy_record_kind kind, struct sy_ref ref, uint64_t token)
{
	struct sy_input in = {.now_ns = n->net->now, .conn = ref, .token = token};
	log_step(n, kind, &in);
}

struct sy_answer pn_give(struct pn_node *n, struct sy_input *in)
{
	in->now_ns = n->net->now;
	log_step(n, SY_RECORD_INPUT, in);
	return sy_node_input(n->core, in);
}

static struct pn_node *node_at(struct pn_net *net, const struct sy_netaddr *addr)
{
	for (uint32_t i = 0; i < net->num_nodes; i++) {
		struct pn_node *n = &net->nodes[i];
		if ((n->core || n->unreachable) && n->addr.port == addr->port && memcmp(n->addr.ip, addr->ip, 16) == 0)
			return n;
	}
	return NULL;
}

static void out_dial(struct pn_node *n, const struct sy_output *out)
{
	struct pn_net *net = n->net;
	struct pn_node *to = node_at(net, &out->addr);
	if (n->dials < sizeof n->dial_times / sizeof *n->dial_times)
		n->dial_times[n->dials] = net->now;
	n->dials++;
	if (!to || to->unreachable) {
		struct pn_event *e = pn_post(net, to ? out->timeout_ns : 2 * net->latency, EV_DIAL_FAILED, n, NULL);
		e->ref = out->conn;
		e->err = to ? SY_DIAL_TIMEOUT : SY_DIAL_REFUSED;
		return;
	}
	struct pn_sock *ours = pn_sock_new(n, out->conn);
	struct pn_event *e = pn_post(net, net->latency, EV_ACCEPT, to, ours);
	e->addr = n->addr;
	memset(&e->addr.id, 0, sizeof e->addr.id);
	e->addr.flags = 0;
	e->addr.port = (uint16_t)(40000 + n->ephemeral_port++ % 20000);
	pn_post(net, 2 * net->latency, EV_DIALLED, n, ours);
}

static void out_sign(struct pn_node *n, const struct sy_output *out)
{
	uint8_t sig[64];
	if (n->hold_signatures)
		return;
	pn_crypto()->sign(sig, n->secret, out->bytes);
	struct sy_input in = {.kind = SY_IN_SIGNED, .conn = out->conn, .bytes = {sig, sizeof sig}};
	pn_give(n, &in);
}

static void out_filter(struct pn_node *n, const struct sy_output *out)
{
	n->last_filter = out->conn;
	if (n->hold_verdicts)
		return;
	struct sy_input in = {.kind = SY_IN_VERDICT, .conn = out->conn, .err = n->verdict};
	pn_give(n, &in);
}

static void out_resolve(struct pn_node *n, const struct sy_output *out)
{
	struct pn_event *e = pn_post(n->net, n->net->latency, EV_RESOLVED, n, NULL);
	n->resolves++;
	e->token = out->token;
	e->err = SY_DNS;
	for (uint32_t i = 0; i < n->net->num_dns; i++)
		if (strcmp(n->net->dns[i].name, out->text) == 0) {
			memcpy(e->ips + e->len, n->net->dns[i].ip, 16);
			e->len += 16;
			e->err = SY_OK;
		}
}

static void out_close(struct pn_node *n, const struct sy_output *out)
{
	struct pn_sock *s = sock_find(n, out->conn);
	n->closes++;
	n->last_close = out->err;
	n->last_close_flush = out->value;
	if (s)
		pn_sock_close(s, out->value);
}

static void out_deliver(struct pn_node *n, const struct sy_output *out)
{
	n->deliveries++;
	if (n->hold_work) {
		if (n->num_work < sizeof n->work / sizeof *n->work)
			n->work[n->num_work++] = out->token;
		return;
	}
	struct sy_input in = {.kind = SY_IN_WORK_DONE, .token = out->token};
	pn_give(n, &in);
}

static void handle(struct pn_node *n, const struct sy_output *out)
{
	switch (out->kind) {
	case SY_OUT_NONE:
	case SY_OUT_RESERVED_KINDS:
		pn_die("an output of no kind");
		break;
	case SY_OUT_DIAL:
		out_dial(n, out);
		break;
	case SY_OUT_CLOSE:
		out_close(n, out);
		break;
	case SY_OUT_SIGN:
		out_sign(n, out);
		break;
	case SY_OUT_RESOLVE:
		out_resolve(n, out);
		break;
	case SY_OUT_FILTER_CONN:
	case SY_OUT_FILTER_PEER:
		out_filter(n, out);
		break;
	case SY_OUT_SAVE_BOOK:
		n->saves++;
		break;
	case SY_OUT_DELIVER:
		out_deliver(n, out);
		break;
	case SY_OUT_SEND_DONE:
		n->sends_done++;
		n->last_send = out->err;
		break;
	case SY_OUT_ACCEPT:
		n->accept_window = (uint32_t)out->value;
		break;
	case SY_OUT_PEER_UP:
		n->ups++;
		break;
	case SY_OUT_PEER_DOWN:
		n->downs++;
		n->last_down = out->err;
		break;
	case SY_OUT_STARTED:
		n->started = true;
		n->started_err = out->err;
		break;
	case SY_OUT_STOPPED:
		n->stopped = true;
		break;
	}
	if (n->on_output)
		n->on_output(n, out);
}

static void drain_traces(struct pn_node *n)
{
	struct sy_trace t;
	while (sy_node_next_trace(n->core, &t)) {
		if (t.kind == SY_TRACE_REFUSED) {
			n->refused++;
			n->last_refused = t.err;
		}
		if (t.kind == SY_TRACE_DIAL_DONE) {
			n->dials_over++;
			n->last_dial = t.err;
		}
		if (n->on_trace)
			n->on_trace(n, &t);
	}
}

/* Outputs are handled one by one, inputs in between; the log says where polls happened. */
static bool poll_all(struct pn_node *n)
{
	static struct sy_output out;
	bool any = false;
	struct sy_output copy;
	while (sy_node_poll(n->core, &out)) {
		any = true;
		log_conn(n, SY_RECORD_POLL, out.conn, 0);
		copy = out;
		handle(n, &copy);
	}
	return any;
}

static bool deliver(struct pn_node *n, struct pn_sock *s)
{
	bool any = false;
	while (!s->closed && s->rx_len && !n->frozen) {
		size_t window = sy_node_read_window(n->core, s->ref);
		size_t take = s->rx_len < window ? s->rx_len : window;
		if (!take)
			break;
		uint8_t *chunk = malloc(take);
		memcpy(chunk, s->rx, take);
		memmove(s->rx, s->rx + take, s->rx_len - take);
		s->rx_len -= take;
		struct sy_input in = {.kind = SY_IN_BYTES, .conn = s->ref, .bytes = {chunk, take}};
		pn_give(n, &in);
		free(chunk);
		any = true;
		if (s->other) {
			s->other->in_flight -= take < s->other->in_flight ? take : s->other->in_flight;
			if (s->other->blocked && s->other->in_flight < n->net->pipe_bytes) {
				s->other->blocked = false;
				n->net->unblocked = true;
				log_conn(s->other->node, SY_RECORD_UNBLOCKED, s->other->ref, 0);
				sy_node_unblocked(s->other->node->core, s->other->ref);
			}
		}
		poll_all(n);
	}
	if (!s->closed && s->eof && !s->rx_len) {
		s->eof = false;
		struct sy_input in = {.kind = SY_IN_EOF, .conn = s->ref};
		pn_give(n, &in);
		any = true;
	}
	return any;
}

static bool write_all(struct pn_node *n)
{
	static uint8_t buf[SY_FILL_MAX];
	bool any = false;
	struct sy_ref ref;
	while (!sy_ref_is_null(ref = sy_node_writable(n->core))) {
		struct pn_sock *s = sock_find(n, ref);
		if (!s)
			pn_die("a writable connection without a socket");
		if (s->raw || s->in_flight + SY_FRAME_SEALED > n->net->pipe_bytes) {
			s->blocked = !s->raw;
			log_conn(n, SY_RECORD_BLOCKED, ref, 0);
			sy_node_blocked(n->core, ref);
			continue;
		}
		size_t room = n->net->pipe_bytes - s->in_flight;
		room = room < sizeof buf ? room : sizeof buf;
		log_conn(n, SY_RECORD_FILL, ref, room);
		size_t got = sy_node_fill(n->core, n->net->now, ref, buf, room);
		any = any || got;
		if (got && s->other) {
			struct pn_event *e = pn_post(n->net, n->net->latency, EV_BYTES, s->other->node, s->other);
			e->bytes = malloc(got);
			memcpy(e->bytes, buf, got);
			e->len = got;
			s->in_flight += got;
		}
	}
	return any;
}

void pn_pump(struct pn_node *n)
{
	if (!n->core || n->pumping)
		return;
	n->pumping = true;
	bool more = true;
	for (uint32_t rounds = 0; more; rounds++) {
		if (rounds > 100000)
			pn_die("a node never comes to rest");
		more = poll_all(n);
		struct sy_ref ref;
		while (!sy_ref_is_null(ref = sy_node_readable(n->core)))
			more = true;
		for (struct pn_sock *s = n->socks; s; s = s->next)
			more |= deliver(n, s);
		more |= write_all(n);
	}
	drain_traces(n);
	pn_sweep(n);
	n->pumping = false;
}

void pn_pump_all(struct pn_net *net)
{
	do {
		net->unblocked = false;
		for (uint32_t i = 0; i < net->num_nodes; i++)
			pn_pump(&net->nodes[i]);
	} while (net->unblocked);
}
