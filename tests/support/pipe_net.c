#include "core/base/sodium.h"
#include "tests/support/pipe_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pn_net *pn_new(uint64_t seed)
{
	if (sy_sodium_init())
		pn_die("libsodium does not start");
	struct pn_net *net = calloc(1, sizeof *net);
	net->seed = seed;
	net->now = 1 * PN_S;
	net->latency = 10 * PN_MS;
	net->pipe_bytes = 256 * 1024;
	net->shared.alloc = pn_plain_alloc;
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
	if (i == net->num_dns)
		pn_dns_also(net, name, ip);
	else
		memcpy(net->dns[i].ip, ip, 16);
}

void pn_dns_also(struct pn_net *net, const char *name, const uint8_t ip[16])
{
	uint32_t i = net->num_dns++;
	if (i == PN_NAMES)
		pn_die("too many names");
	snprintf(net->dns[i].name, sizeof net->dns[i].name, "%s", name);
	memcpy(net->dns[i].ip, ip, 16);
}

/* ---- events ---- */

static bool earlier(const struct pn_event *a, const struct pn_event *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

struct pn_event *pn_post(struct pn_net *net, uint64_t delay, enum pn_kind kind, struct pn_node *node, struct pn_sock *sock)
{
	if (net->num_events == net->cap_events) {
		net->cap_events = net->cap_events ? 2 * net->cap_events : 64;
		net->heap = realloc(net->heap, net->cap_events * sizeof *net->heap);
	}
	struct pn_event e = {.at = net->now + delay, .seq = net->seq++, .kind = kind, .node = node, .sock = sock};
	size_t i = net->num_events++;
	/* Kept sorted, the next one at the end: tests have few events under way. */
	for (; i > 0 && earlier(&net->heap[i - 1], &e); i--)
		net->heap[i] = net->heap[i - 1];
	net->heap[i] = e;
	if (sock)
		sock->events++;
	return &net->heap[i];
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
		pn_die("too many nodes");
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
	pn_env_fill(n);
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
			pn_sock_close(s, false);
	pn_sweep(n);
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
			pn_die("a node has leaked memory");
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

static void ev_bytes(struct pn_event *e)
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

static void ev_accept(struct pn_net *net, struct pn_event *e)
{
	struct pn_node *n = e->node;
	if (e->sock->closed || !n->core)
		return;
	if (n->accept_window == 0) { /* the backlog: looked at again later */
		struct pn_event *again = pn_post(net, 50 * PN_MS, EV_ACCEPT, n, e->sock);
		again->addr = e->addr;
		return;
	}
	struct sy_input in = {.kind = SY_IN_ACCEPT, .addr = e->addr};
	struct sy_answer a = pn_give(n, &in);
	if (a.err) {
		pn_post(net, 2 * net->latency, EV_EOF, e->sock->node, e->sock);
		return;
	}
	struct pn_sock *s = pn_sock_new(n, a.ref);
	s->other = e->sock;
	e->sock->other = s;
	s->remote = e->addr;
	/* What the dialler has written into the pipe meanwhile is under way. */
	if (e->sock->rx_len)
		pn_die("bytes before an accept");
}

static void ev_dialled(struct pn_event *e)
{
	if (e->sock->closed || !e->node->core)
		return;
	struct sy_input in = {.kind = SY_IN_DIALLED, .conn = e->sock->ref};
	pn_give(e->node, &in);
}

static void ev_end(struct pn_event *e, enum sy_in_kind kind)
{
	struct pn_sock *s = e->sock;
	if (s->closed || !s->node->core)
		return;
	if (kind == SY_IN_EOF) {
		s->eof = true;
		return;
	}
	struct sy_input in = {.kind = kind, .conn = s->ref, .err = e->err};
	pn_give(s->node, &in);
}

static void ev_dial_failed(struct pn_event *e)
{
	struct sy_input in = {.kind = SY_IN_DIAL_FAILED, .conn = e->ref, .err = e->err};
	if (e->node->core)
		pn_give(e->node, &in);
}

static void ev_resolved(struct pn_event *e)
{
	struct sy_input in = {.kind = SY_IN_RESOLVED, .token = e->token, .err = e->err};
	if (!e->err)
		in.bytes = (struct sy_span){e->ips, e->len};
	if (e->node->core)
		pn_give(e->node, &in);
}

static void fire(struct pn_net *net, struct pn_event *e)
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
				pn_post(net, 50 * PN_MS, EV_DIALLED, e->node, e->sock);
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
		pn_give(n, &in);
	}
}

void pn_run(struct pn_net *net, uint64_t for_ns)
{
	uint64_t end = net->now + for_ns;
	uint32_t still = 0;
	pn_pump_all(net);
	for (;;) {
		uint64_t event = net->num_events ? net->heap[net->num_events - 1].at : UINT64_MAX;
		uint64_t deadline = next_deadline(net);
		uint64_t at = event < deadline ? event : deadline;
		if (at > end)
			break;
		still = at > net->now ? 0 : still + 1;
		if (still > 1000000)
			pn_die("time stands still");
		net->now = at > net->now ? at : net->now;
		if (event <= deadline) {
			struct pn_event e = net->heap[--net->num_events];
			fire(net, &e);
		} else {
			wake_due(net);
		}
		pn_pump_all(net);
	}
	net->now = end;
}

struct sy_answer pn_input(struct pn_node *n, struct sy_input *in)
{
	struct sy_answer a = pn_give(n, in);
	pn_pump(n);
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
		pn_post(a->net, 0, EV_RESET, a, s)->err = SY_PEER_RESET;
		pn_post(a->net, 0, EV_RESET, b, o)->err = SY_PEER_RESET;
	}
}

struct sy_answer pn_raw_open(struct pn_node *n, uint8_t last_octet, uint16_t port)
{
	const uint8_t ip[16] = {[10] = 0xff, [11] = 0xff, [12] = 99, [15] = last_octet};
	return pn_raw_open_from(n, ip, port);
}

struct sy_answer pn_raw_open_from(struct pn_node *n, const uint8_t ip[16], uint16_t port)
{
	struct sy_input in = {.kind = SY_IN_ACCEPT, .addr = {.port = port}};
	memcpy(in.addr.ip, ip, sizeof in.addr.ip);
	struct sy_answer a = pn_give(n, &in);
	if (!a.err)
		pn_sock_new(n, a.ref)->raw = true;
	pn_pump(n);
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
	pn_pump(n);
	return total;
}
