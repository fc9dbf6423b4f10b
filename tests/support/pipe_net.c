#include "tests/support/pipe_net.h"

#include "core/base/hash.h"
#include "core/base/sodium.h"
#include "core/node/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES 16

/* One end of a pipe. A raw end has no other: the test is there. */
struct pn_sock {
	struct pn_sock *next;  /* of the node */
	struct pn_node *node;
	struct pn_sock *other; /* null: raw, or the other end is closed */
	struct sy_ref ref;
	struct sy_netaddr remote;
	uint8_t *rx;
	size_t rx_len, rx_cap;
	size_t in_flight;      /* sent and not taken by the other node */
	bool blocked, eof, closed, raw;
	uint32_t events;       /* under way to it: it is freed when closed and none is left */
};

enum kind { EV_BYTES, EV_EOF, EV_RESET, EV_ACCEPT, EV_DIALLED, EV_DIAL_FAILED, EV_RESOLVED };

struct event {
	uint64_t at, seq;
	enum kind kind;
	struct pn_node *node;
	struct pn_sock *sock;
	struct sy_ref ref;
	struct sy_netaddr addr;
	enum sy_err err;
	uint64_t token;
	uint8_t *bytes;
	size_t len;
};

struct pn_net {
	uint64_t seed, now, latency, seq;
	size_t pipe_bytes;
	bool unblocked; /* a node may write again: everybody gets another turn */
	struct pn_node nodes[PN_NODES];
	uint32_t num_nodes;
	struct event *heap;
	size_t num_events, cap_events;
	struct {
		char name[64];
		uint8_t ip[16];
	} dns[NAMES];
	uint32_t num_dns;
	struct sy_env shared; /* of the table of addresses */
	struct sy_addrs *addrs;
};

static void die(const char *why)
{
	fprintf(stderr, "pipe_net: %s\n", why);
	abort();
}

/* ---- the environment ---- */

static void *counted_alloc(void *ctx, void *old, size_t old_size, size_t new_size)
{
	struct pn_memory *m = &((struct pn_node *)ctx)->memory;
	if (new_size == 0) {
		m->bytes -= old ? old_size : 0;
		free(old);
		return NULL;
	}
	m->allocations++;
	if (m->fail_at && --m->fail_at == 0) {
		m->failed++;
		m->fail_at = m->fail_for_ever ? 1 : 0;
		return NULL;
	}
	void *p = realloc(old, new_size);
	m->bytes += new_size - (old ? old_size : 0);
	m->peak = m->bytes > m->peak ? m->bytes : m->peak;
	return p;
}

static void *plain_alloc(void *ctx, void *old, size_t old_size, size_t new_size)
{
	(void)ctx;
	(void)old_size;
	if (new_size == 0) {
		free(old);
		return NULL;
	}
	return realloc(old, new_size);
}

static void keyed_rand(void *ctx, enum sy_purpose purpose, uint64_t entity, uint64_t counter, void *buf, size_t n)
{
	const struct pn_node *node = ctx;
	uint64_t h = sy_mix64(node->net->seed ^ sy_mix64((uint64_t)purpose ^ sy_mix64(entity ^ sy_mix64(counter + 1))));
	uint8_t *p = buf;
	for (size_t i = 0; i < n; i++) {
		if (i % 8 == 0)
			h = sy_mix64(h + 0x9e3779b97f4a7c15ull);
		p[i] = (uint8_t)(h >> (8 * (i % 8)));
	}
}

const struct sy_crypto *pn_crypto(void)
{
	return sy_crypto_real();
}

struct pn_net *pn_new(uint64_t seed)
{
	if (sy_sodium_init())
		die("libsodium does not start");
	struct pn_net *net = calloc(1, sizeof *net);
	net->seed = seed;
	net->now = 1 * PN_S;
	net->latency = 10 * PN_MS;
	net->pipe_bytes = 256 * 1024;
	net->shared.alloc = plain_alloc;
	net->addrs = sy_addrs_new(&net->shared, 1u << 20, false);
	return net;
}

void pn_latency(struct pn_net *net, uint64_t latency_ns)
{
	net->latency = latency_ns;
}

void pn_pipe_bytes(struct pn_net *net, size_t bytes)
{
	net->pipe_bytes = bytes;
}

uint64_t pn_now(const struct pn_net *net)
{
	return net->now;
}

void pn_dns(struct pn_net *net, const char *name, const uint8_t ip[16])
{
	uint32_t i = 0;
	while (i < net->num_dns && strcmp(net->dns[i].name, name) != 0)
		i++;
	if (i == NAMES)
		die("too many names");
	net->num_dns += i == net->num_dns;
	snprintf(net->dns[i].name, sizeof net->dns[i].name, "%s", name);
	memcpy(net->dns[i].ip, ip, 16);
}

/* ---- events ---- */

static bool earlier(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static struct event *post(struct pn_net *net, uint64_t delay, enum kind kind, struct pn_node *node, struct pn_sock *sock)
{
	if (net->num_events == net->cap_events) {
		net->cap_events = net->cap_events ? 2 * net->cap_events : 64;
		net->heap = realloc(net->heap, net->cap_events * sizeof *net->heap);
	}
	struct event e = {.at = net->now + delay, .seq = net->seq++, .kind = kind, .node = node, .sock = sock};
	size_t i = net->num_events++;
	/* Kept sorted, the next one at the end: tests have few events under way. */
	for (; i > 0 && earlier(&net->heap[i - 1], &e); i--)
		net->heap[i] = net->heap[i - 1];
	net->heap[i] = e;
	if (sock)
		sock->events++;
	return &net->heap[i];
}

/* ---- sockets ---- */

static struct pn_sock *sock_new(struct pn_node *n, struct sy_ref ref)
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

static void sweep(struct pn_node *n)
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

static void sock_close(struct pn_sock *s, bool flush)
{
	struct pn_sock *o = s->other;
	s->closed = true;
	s->other = NULL;
	if (!o)
		return;
	o->other = NULL;
	post(s->node->net, s->node->net->latency, flush ? EV_EOF : EV_RESET, o->node, o)->err = SY_PEER_RESET;
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

static struct sy_answer give(struct pn_node *n, struct sy_input *in)
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
		struct event *e = post(net, to ? out->timeout_ns : 2 * net->latency, EV_DIAL_FAILED, n, NULL);
		e->ref = out->conn;
		e->err = to ? SY_DIAL_TIMEOUT : SY_DIAL_REFUSED;
		return;
	}
	struct pn_sock *ours = sock_new(n, out->conn);
	struct event *e = post(net, net->latency, EV_ACCEPT, to, ours);
	e->addr = n->addr;
	memset(&e->addr.id, 0, sizeof e->addr.id);
	e->addr.flags = 0;
	e->addr.port = (uint16_t)(40000 + n->ephemeral_port++ % 20000);
	post(net, 2 * net->latency, EV_DIALLED, n, ours);
}

static void out_sign(struct pn_node *n, const struct sy_output *out)
{
	uint8_t sig[64];
	if (n->hold_signatures)
		return;
	pn_crypto()->sign(sig, n->secret, out->bytes);
	struct sy_input in = {.kind = SY_IN_SIGNED, .conn = out->conn, .bytes = {sig, sizeof sig}};
	give(n, &in);
}

static void out_filter(struct pn_node *n, const struct sy_output *out)
{
	n->last_filter = out->conn;
	if (n->hold_verdicts)
		return;
	struct sy_input in = {.kind = SY_IN_VERDICT, .conn = out->conn, .err = n->verdict};
	give(n, &in);
}

static void out_resolve(struct pn_node *n, const struct sy_output *out)
{
	struct event *e = post(n->net, n->net->latency, EV_RESOLVED, n, NULL);
	n->resolves++;
	e->token = out->token;
	e->err = SY_DNS;
	for (uint32_t i = 0; i < n->net->num_dns; i++)
		if (strcmp(n->net->dns[i].name, out->text) == 0) {
			memcpy(e->addr.ip, n->net->dns[i].ip, 16);
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
		sock_close(s, out->value);
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
	give(n, &in);
}

static void handle(struct pn_node *n, const struct sy_output *out)
{
	switch (out->kind) {
	case SY_OUT_NONE:
	case SY_OUT_RESERVED_KINDS:
		die("an output of no kind");
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
		give(n, &in);
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
		give(n, &in);
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
			die("a writable connection without a socket");
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
			struct event *e = post(n->net, n->net->latency, EV_BYTES, s->other->node, s->other);
			e->bytes = malloc(got);
			memcpy(e->bytes, buf, got);
			e->len = got;
			s->in_flight += got;
		}
	}
	return any;
}

static void pump(struct pn_node *n)
{
	if (!n->core || n->pumping)
		return;
	n->pumping = true;
	bool more = true;
	for (uint32_t rounds = 0; more; rounds++) {
		if (rounds > 100000)
			die("a node never comes to rest");
		more = poll_all(n);
		struct sy_ref ref;
		while (!sy_ref_is_null(ref = sy_node_readable(n->core)))
			more = true;
		for (struct pn_sock *s = n->socks; s; s = s->next)
			more |= deliver(n, s);
		more |= write_all(n);
	}
	drain_traces(n);
	sweep(n);
	n->pumping = false;
}

static void pump_all(struct pn_net *net)
{
	do {
		net->unblocked = false;
		for (uint32_t i = 0; i < net->num_nodes; i++)
			pump(&net->nodes[i]);
	} while (net->unblocked);
}

/* ---- nodes ---- */

void pn_set_ip(struct pn_node *n, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	const uint8_t ip[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d};
	memcpy(n->addr.ip, ip, 16);
	sy_netaddr_format(&n->addr, n->addr_text);
	n->config.listen_addr = strchr(n->addr_text, '@') + 1;
}

static void set_key(struct pn_node *n)
{
	uint8_t seed[32];
	sy_sha256(seed, n->name, strlen(n->name));
	pn_crypto()->keypair(n->config.pubkey, n->secret, seed);
	sy_id_from_pubkey(&n->addr.id, n->config.pubkey);
}

struct pn_node *pn_add(struct pn_net *net, const char *name, enum sy_profile profile)
{
	if (net->num_nodes == PN_NODES)
		die("too many nodes");
	uint32_t index = net->num_nodes++;
	struct pn_node *n = &net->nodes[index];
	n->net = net;
	snprintf(n->name, sizeof n->name, "%s", name);
	sy_config_init(&n->config, profile);
	n->config.name = n->name;
	n->config.moniker = n->name;
	n->config.network = "test";
	n->config.pex = false;
	set_key(n);
	n->addr.port = 26656;
	n->addr.flags = SY_ADDR_HAS_ID;
	pn_set_ip(n, 11, (uint8_t)(index + 1), 0, 1);
	n->env.ctx = n;
	n->env.rand = keyed_rand;
	n->env.alloc = counted_alloc;
	n->env.crypto = pn_crypto();
	n->env.addrs = net->addrs;
	n->wall_ns = 1700000000ull * PN_S;
	return n;
}

void pn_same_key(struct pn_node *n, const struct pn_node *as)
{
	memcpy(n->config.pubkey, as->config.pubkey, 32);
	memcpy(n->secret, as->secret, 64);
	n->addr.id = as->addr.id;
	sy_netaddr_format(&n->addr, n->addr_text);
	n->config.listen_addr = strchr(n->addr_text, '@') + 1;
}

enum sy_err pn_make(struct pn_node *n, const char **what)
{
	return sy_node_new(&n->core, &n->env, &n->config, n->reactors, n->num_reactors, what);
}

void pn_start(struct pn_node *n)
{
	const char *what = NULL;
	n->started = n->stopped = false;
	n->accept_window = 0;
	if (!n->core && pn_make(n, &what)) {
		fprintf(stderr, "pipe_net: %s: bad %s\n", n->name, what ? what : "memory");
		abort();
	}
	n->started_at = n->net->now;
	struct sy_input in = {.kind = SY_IN_START, .wall_ns = n->wall_ns + n->net->now};
	pn_input(n, &in);
}

static void drop_socks(struct pn_node *n)
{
	for (struct pn_sock *s = n->socks; s; s = s->next)
		if (!s->closed)
			sock_close(s, false);
	sweep(n);
}

void pn_crash(struct pn_node *n)
{
	drop_socks(n);
	sy_node_free(n->core);
	n->core = NULL;
}

void pn_free(struct pn_net *net)
{
	for (uint32_t i = 0; i < net->num_nodes; i++) {
		struct pn_node *n = &net->nodes[i];
		sy_node_free(n->core);
		if (n->memory.bytes)
			die("a node has leaked memory");
		for (struct pn_sock *s = n->socks, *next; s; s = next) {
			next = s->next;
			free(s->rx);
			free(s);
		}
		free(n->log);
	}
	for (size_t i = 0; i < net->num_events; i++)
		free(net->heap[i].bytes);
	free(net->heap);
	sy_addrs_free(net->addrs, &net->shared);
	free(net);
}

/* ---- running ---- */

static void ev_bytes(struct event *e)
{
	struct pn_sock *s = e->sock;
	if (!s->closed && s->node->core) {
		if (s->rx_len + e->len > s->rx_cap) {
			s->rx_cap = 2 * (s->rx_len + e->len);
			s->rx = realloc(s->rx, s->rx_cap);
		}
		memcpy(s->rx + s->rx_len, e->bytes, e->len);
		s->rx_len += e->len;
	}
	free(e->bytes);
}

static void ev_accept(struct pn_net *net, struct event *e)
{
	struct pn_node *n = e->node;
	if (e->sock->closed || !n->core)
		return;
	if (n->accept_window == 0) { /* the backlog: looked at again later */
		struct event *again = post(net, 50 * PN_MS, EV_ACCEPT, n, e->sock);
		again->addr = e->addr;
		return;
	}
	struct sy_input in = {.kind = SY_IN_ACCEPT, .addr = e->addr};
	struct sy_answer a = give(n, &in);
	if (a.err) {
		post(net, 2 * net->latency, EV_EOF, e->sock->node, e->sock);
		return;
	}
	struct pn_sock *s = sock_new(n, a.ref);
	s->other = e->sock;
	e->sock->other = s;
	s->remote = e->addr;
	/* What the dialler has written into the pipe meanwhile is under way. */
	if (e->sock->rx_len)
		die("bytes before an accept");
}

static void ev_dialled(struct event *e)
{
	if (e->sock->closed || !e->node->core)
		return;
	struct sy_input in = {.kind = SY_IN_DIALLED, .conn = e->sock->ref};
	give(e->node, &in);
}

static void ev_end(struct event *e, enum sy_in_kind kind)
{
	struct pn_sock *s = e->sock;
	if (s->closed || !s->node->core)
		return;
	if (kind == SY_IN_EOF) {
		s->eof = true;
		return;
	}
	struct sy_input in = {.kind = kind, .conn = s->ref, .err = e->err};
	give(s->node, &in);
}

static void ev_dial_failed(struct event *e)
{
	struct sy_input in = {.kind = SY_IN_DIAL_FAILED, .conn = e->ref, .err = e->err};
	if (e->node->core)
		give(e->node, &in);
}

static void ev_resolved(struct event *e)
{
	struct sy_input in = {.kind = SY_IN_RESOLVED, .token = e->token, .err = e->err};
	if (!e->err)
		in.bytes = (struct sy_span){e->addr.ip, 16};
	if (e->node->core)
		give(e->node, &in);
}

static void fire(struct pn_net *net, struct event *e)
{
	if (e->sock)
		e->sock->events--;
	switch (e->kind) {
	case EV_BYTES:
		ev_bytes(e);
		break;
	case EV_EOF:
		ev_end(e, SY_IN_EOF);
		break;
	case EV_RESET:
		ev_end(e, SY_IN_CONN_ERROR);
		break;
	case EV_ACCEPT:
		ev_accept(net, e);
		break;
	case EV_DIALLED:
		/* Waits until the other side has accepted: the pipe has no end before that. */
		if (!e->sock->closed && !e->sock->other && !e->sock->eof && e->node->core) {
			bool waiting = false;
			for (size_t i = 0; i < net->num_events; i++)
				waiting |= net->heap[i].kind == EV_ACCEPT && net->heap[i].sock == e->sock;
			if (waiting) {
				post(net, 50 * PN_MS, EV_DIALLED, e->node, e->sock);
				break;
			}
		}
		ev_dialled(e);
		break;
	case EV_DIAL_FAILED:
		ev_dial_failed(e);
		break;
	case EV_RESOLVED:
		ev_resolved(e);
		break;
	}
}

static uint64_t next_deadline(const struct pn_net *net)
{
	uint64_t at = UINT64_MAX;
	for (uint32_t i = 0; i < net->num_nodes; i++) {
		uint64_t d = net->nodes[i].core ? sy_node_deadline(net->nodes[i].core) : UINT64_MAX;
		at = d < at ? d : at;
	}
	return at;
}

static void wake_due(struct pn_net *net)
{
	for (uint32_t i = 0; i < net->num_nodes; i++) {
		struct pn_node *n = &net->nodes[i];
		if (!n->core || sy_node_deadline(n->core) > net->now)
			continue;
		struct sy_input in = {.kind = SY_IN_TIME};
		give(n, &in);
	}
}

void pn_run(struct pn_net *net, uint64_t for_ns)
{
	uint64_t end = net->now + for_ns;
	uint32_t still = 0;
	pump_all(net);
	for (;;) {
		uint64_t event = net->num_events ? net->heap[net->num_events - 1].at : UINT64_MAX;
		uint64_t deadline = next_deadline(net);
		uint64_t at = event < deadline ? event : deadline;
		if (at > end)
			break;
		still = at > net->now ? 0 : still + 1;
		if (still > 1000000)
			die("time stands still");
		net->now = at > net->now ? at : net->now;
		if (event <= deadline) {
			struct event e = net->heap[--net->num_events];
			fire(net, &e);
		} else {
			wake_due(net);
		}
		pump_all(net);
	}
	net->now = end;
}

struct sy_answer pn_input(struct pn_node *n, struct sy_input *in)
{
	struct sy_answer a = give(n, in);
	pump(n);
	return a;
}

struct sy_answer pn_dial(struct pn_node *from, const struct pn_node *to)
{
	struct sy_input in = {.kind = SY_IN_DIAL, .addr = to->addr};
	return pn_input(from, &in);
}

enum sy_err pn_send_text(struct pn_node *from, struct sy_ref peer, uint8_t channel, const char *text)
{
	struct sy_input in = {.kind = SY_IN_TRY_SEND, .conn = peer, .channel = channel, .bytes = {(const uint8_t *)text, strlen(text)}};
	return pn_input(from, &in).err;
}

void pn_stop_peer(struct pn_node *n, struct sy_ref peer, enum sy_err reason)
{
	struct sy_input in = {.kind = SY_IN_STOP_PEER, .conn = peer, .err = reason};
	pn_input(n, &in);
}

struct sy_ref pn_peer(const struct pn_node *n, uint32_t index)
{
	struct sy_peer p;
	struct sy_ref none = {0, 0};
	return sy_node_peer_at(n->core, index, &p) ? none : p.ref;
}

struct sy_ref pn_peer_of(const struct pn_node *n, const struct pn_node *other)
{
	struct sy_peer p;
	struct sy_ref none = {0, 0};
	return sy_node_peer_by_id(n->core, &other->addr.id, &p) ? none : p.ref;
}

uint32_t pn_peers(const struct pn_node *n)
{
	return sy_node_counts(n->core).total;
}

void pn_reset(struct pn_node *a, struct pn_node *b)
{
	for (struct pn_sock *s = a->socks; s; s = s->next) {
		struct pn_sock *o = s->other;
		if (s->closed || !o || o->node != b)
			continue;
		s->other = o->other = NULL;
		post(a->net, 0, EV_RESET, a, s)->err = SY_PEER_RESET;
		post(a->net, 0, EV_RESET, b, o)->err = SY_PEER_RESET;
	}
}

struct sy_answer pn_raw_open(struct pn_node *n, uint8_t last_octet, uint16_t port)
{
	struct sy_input in = {.kind = SY_IN_ACCEPT, .addr = {.ip = {[10] = 0xff, [11] = 0xff, [12] = 99, [15] = last_octet}, .port = port}};
	struct sy_answer a = give(n, &in);
	if (!a.err)
		sock_new(n, a.ref)->raw = true;
	pump(n);
	return a;
}

enum sy_err pn_raw_bytes(struct pn_node *n, struct sy_ref conn, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	while (len) {
		size_t window = sy_node_read_window(n->core, conn);
		size_t take = len < window ? len : window;
		if (!take)
			return SY_AGAIN;
		struct sy_input in = {.kind = SY_IN_BYTES, .conn = conn, .bytes = {at, take}};
		struct sy_answer a = pn_input(n, &in);
		if (a.err)
			return a.err;
		at += take;
		len -= take;
	}
	return SY_OK;
}

size_t pn_raw_read(struct pn_node *n, struct sy_ref conn, uint8_t *buf, size_t cap)
{
	size_t total = 0;
	sy_node_unblocked(n->core, conn);
	while (cap - total >= SY_FRAME_SEALED) {
		size_t got = sy_node_fill(n->core, n->net->now, conn, buf + total, cap - total);
		if (!got)
			break;
		total += got;
	}
	pump(n);
	return total;
}
