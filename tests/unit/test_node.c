/* The door: inputs and their answers, outputs, deadlines, hashes, records, memory. Source: design.md 3, 9. */
#include "core/base/limits.h"
#include "core/book/book.h"
#include "core/node/node.h"
#include "core/node/record.h"
#include "tests/support/switch_kit.h"

#include <stdlib.h>

static void test_node_two_nodes_exchange_a_message(void **state)
{
	(void)state;
	for (enum sy_profile profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM_V038; profile++) {
		struct pair p;
		pair_connect(&p, profile);
		assert_int_equal(pn_send_text(p.a, pn_peer(p.a, 0), PN_CHANNEL_A, "hello"), SY_OK);
		assert_int_equal(pn_send_text(p.b, pn_peer(p.b, 0), PN_CHANNEL_B, "world"), SY_OK);
		pn_run(p.net, 1 * PN_S);
		assert_string_equal(p.ka.log, "start init add recv:world");
		assert_string_equal(p.kb.log, "start init add recv:hello");
		assert_int_equal(p.a->ups, 1);
		assert_int_equal(p.a->downs, 0);
		pair_free(&p);
	}
}

static void test_node_new_names_the_key_that_is_wrong(void **state)
{
	(void)state;
	static const char *const keys[] = {"name",         "moniker",     "listen_addr", "max_packet_msg_payload_size",
	                                   "seed_mode",    "moniker",     "listen_addr", "tx_index",
	                                   "pong_timeout", "pong_timeout"};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct pair p;
		const char *what = NULL;
		pair_make(&p, SY_PROFILE_DEFAULT);
		struct sy_config *c = &p.a->config;
		c->name = i == 0 ? NULL : c->name;
		c->moniker = i == 1 ? NULL : i == 5 ? " " : c->moniker;
		c->listen_addr = i == 2 ? NULL : i == 6 ? "nowhere" : c->listen_addr;
		c->max_packet_msg_payload_size = i == 3 ? 0 : c->max_packet_msg_payload_size;
		c->seed_mode = i == 4;
		c->tx_index = i == 7 ? "maybe" : c->tx_index;
		c->pong_timeout_ns = i == 8 ? c->ping_interval_ns : i == 9 ? 0 : c->pong_timeout_ns;
		assert_int_equal(pn_make(p.a, &what), SY_INVALID);
		assert_null(p.a->core);
		if (i < 5 || i > 7)
			assert_string_equal(what, keys[i]);
		assert_non_null(what);
		pair_free(&p);
	}
}

static void test_node_new_refuses_bad_reactors(void **state)
{
	(void)state;
	struct pair p;
	const char *what = NULL;
	pair_make(&p, SY_PROFILE_DEFAULT);
	p.ka.channels[1].id = p.ka.channels[0].id;
	assert_int_equal(pn_make(p.a, &what), SY_INVALID);
	assert_string_equal(what, "reactors");
	pair_free(&p);
	/* More advertised channels than a node info may carry. */
	pair_make(&p, SY_PROFILE_DEFAULT);
	static const uint8_t extra[15] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	p.a->config.extra_channels = extra;
	p.a->config.num_extra_channels = 15;
	assert_int_equal(pn_make(p.a, &what), SY_INVALID);
	assert_string_equal(what, "extra_channels");
	p.a->config.num_extra_channels = 14;
	assert_int_equal(pn_make(p.a, &what), SY_OK);
	pair_free(&p);
}

/* D-37: behind a translator the address it listens on is another than the one it advertises; both are its own. */
static void test_node_knows_where_it_listens(void **state)
{
	(void)state;
	static const enum sy_profile profiles[] = {SY_PROFILE_DEFAULT, SY_PROFILE_UPSTREAM};
	struct sy_netaddr inner, beside;
	char host[SY_HOST_TEXT];
	const char *what;
	assert_int_equal(sy_netaddr_parse("0123456789abcdef0123456789abcdef01234567@10.1.2.3:26656", &inner, host), SY_OK);
	beside = inner;
	beside.port++;
	for (size_t i = 0; i < 2; i++) {
		struct pair p;
		pair_make(&p, profiles[i]);
		p.a->config.laddr = "tcp://10.1.2.3:26656";
		assert_int_equal(pn_make(p.a, &what), SY_OK);
		assert_int_equal(sy_book_is_own(p.a->core->sw.book, &inner), i == 0);
		assert_false(sy_book_is_own(p.a->core->sw.book, &beside));
		pair_free(&p);
	}
	struct pair p;
	pair_make(&p, SY_PROFILE_DEFAULT);
	p.a->config.laddr = "nowhere";
	assert_int_equal(pn_make(p.a, &what), SY_INVALID);
	assert_string_equal(what, "laddr");
	p.a->config.laddr = "tcp://0.0.0.0:26656"; /* everywhere: nothing to know */
	assert_int_equal(pn_make(p.a, &what), SY_OK);
	pair_free(&p);
}

static void test_node_start_and_stop_are_one_shot(void **state)
{
	(void)state;
	struct pair p;
	pair_connect(&p, SY_PROFILE_DEFAULT);
	struct sy_input start = {.kind = SY_IN_START}, stop = {.kind = SY_IN_STOP};
	assert_int_equal(pn_input(p.a, &start).err, SY_INVALID);
	assert_true(p.a->started);
	assert_int_equal(pn_input(p.a, &stop).err, SY_OK);
	assert_true(p.a->stopped);
	assert_int_equal(p.a->closes, 1);
	assert_int_equal(p.a->last_close, SY_STOPPED);
	assert_int_equal(p.a->last_close_flush, 1);
	assert_int_equal(pn_input(p.a, &stop).err, SY_STOPPED);
	assert_int_equal(pn_input(p.a, &start).err, SY_STOPPED);
	assert_int_equal(pn_dial(p.a, p.b).err, SY_NOT_RUNNING);
	assert_int_equal(sy_node_deadline(p.a->core), UINT64_MAX);
	pn_run(p.net, 1 * PN_S);
	assert_int_equal(p.b->last_down, SY_PEER_CLOSED);
	/* One that never ran stops too. */
	struct pn_node *c = pn_add(p.net, "c", SY_PROFILE_DEFAULT);
	assert_int_equal(pn_make(c, NULL), SY_OK);
	assert_int_equal(pn_input(c, &stop).err, SY_OK);
	assert_true(c->stopped);
	pair_free(&p);
}

static void test_node_stopped_comes_after_the_last_close(void **state)
{
	(void)state;
	struct pair p;
	struct sy_output out;
	pair_connect(&p, SY_PROFILE_DEFAULT);
	struct sy_input stop = {.kind = SY_IN_STOP, .now_ns = pn_now(p.net)};
	assert_int_equal(sy_node_input(p.a->core, &stop).err, SY_OK);
	enum sy_out_kind order[8] = {SY_OUT_NONE};
	size_t n = 0;
	while (sy_node_poll(p.a->core, &out))
		order[n++ % 8] = out.kind;
	assert_int_equal(n, 4);
	assert_int_equal(order[0], SY_OUT_PEER_DOWN);
	assert_int_equal(order[1], SY_OUT_CLOSE);
	assert_int_equal(order[2], SY_OUT_ACCEPT);
	assert_int_equal(order[3], SY_OUT_STOPPED);
	pair_free(&p);
}

static void test_node_inputs_for_stale_refs_are_answered(void **state)
{
	(void)state;
	static const enum sy_in_kind kinds[] = {SY_IN_DIALLED,    SY_IN_DIAL_FAILED, SY_IN_BYTES,     SY_IN_EOF,
	                                        SY_IN_CONN_ERROR, SY_IN_SIGNED,      SY_IN_VERDICT,   SY_IN_TRY_SEND,
	                                        SY_IN_SEND,       SY_IN_STOP_PEER,   SY_IN_MARK_GOOD, SY_IN_FLUSH_STOP_PEER};
	struct pair p;
	pair_connect(&p, SY_PROFILE_DEFAULT);
	struct sy_ref old = pn_peer(p.a, 0), refs[] = {old, {0, 0}, {UINT32_MAX, 1}, {0, UINT32_MAX}};
	pn_stop_peer(p.a, old, SY_STOPPED);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		for (size_t k = 0; k < ARRAY_LEN(refs); k++) {
			struct sy_input in = {.kind = kinds[i], .conn = refs[k], .channel = PN_CHANNEL_A, .bytes = {(const uint8_t *)"x", 1}};
			assert_int_equal(pn_input(p.a, &in).err, SY_NO_PEER);
		}
	struct sy_input junk = {.kind = SY_IN_RESERVED_KINDS};
	assert_int_equal(pn_input(p.a, &junk).err, SY_INVALID);
	junk.kind = (enum sy_in_kind) - 5;
	assert_int_equal(pn_input(p.a, &junk).err, SY_INVALID);
	struct sy_input resolved = {.kind = SY_IN_RESOLVED, .token = 12345};
	assert_int_equal(pn_input(p.a, &resolved).err, SY_OK);
	uint8_t buf[SY_FRAME_SEALED];
	assert_int_equal(sy_node_fill(p.a->core, 0, old, buf, sizeof buf), 0);
	assert_int_equal(sy_node_read_window(p.a->core, old), 0);
	sy_node_blocked(p.a->core, old);
	sy_node_unblocked(p.a->core, old);
	struct sy_peer peer;
	assert_int_equal(sy_node_peer(p.a->core, old, &peer), SY_NO_PEER);
	assert_int_equal(sy_node_peer_at(p.a->core, 0, &peer), SY_NO_PEER);
	pair_free(&p);
}

static void test_node_book_comes_before_the_start(void **state)
{
	(void)state;
	struct pair p;
	static uint8_t snapshot[4096];
	pair_make(&p, SY_PROFILE_DEFAULT);
	assert_int_equal(pn_make(p.a, NULL), SY_OK);
	size_t size = sy_node_book_snapshot(p.a->core, NULL, 0);
	assert_true(size <= sizeof snapshot);
	assert_int_equal(sy_node_book_snapshot(p.a->core, snapshot, sizeof snapshot), size);
	struct sy_input in = {.kind = SY_IN_BOOK, .bytes = {snapshot, size}};
	assert_int_equal(pn_input(p.a, &in).err, SY_OK);
	in.bytes.len = 3;
	assert_int_equal(pn_input(p.a, &in).err, SY_CORRUPT);
	pn_start(p.a);
	in.bytes.len = size;
	assert_int_equal(pn_input(p.a, &in).err, SY_INVALID);
	pair_free(&p);
}

static void test_node_looks_at_its_peers(void **state)
{
	(void)state;
	struct pair p;
	struct sy_peer peer;
	struct sy_conn_status cs;
	struct sy_channel_status ch;
	pair_connect(&p, SY_PROFILE_DEFAULT);
	pn_send_text(p.a, pn_peer(p.a, 0), PN_CHANNEL_A, "12345");
	pn_run(p.net, 1 * PN_S);
	assert_memory_equal(sy_node_id(p.a->core), &p.a->addr.id, 20);
	assert_int_equal(sy_node_peer_at(p.a->core, 0, &peer), SY_OK);
	assert_true(peer.outbound);
	assert_string_equal(peer.moniker, "b");
	assert_string_equal(peer.version, "0.40.0");
	assert_memory_equal(&peer.reported_addr, &p.b->addr, sizeof p.b->addr);
	assert_memory_equal(&peer.socket_addr, &p.b->addr, sizeof p.b->addr);
	assert_int_equal(sy_node_peer_at(p.b->core, 0, &peer), SY_OK);
	assert_false(peer.outbound);
	assert_int_equal(peer.socket_addr.port, 40000);
	assert_memory_equal(&peer.socket_addr.id, &p.a->addr.id, 20);
	assert_int_equal(sy_node_conn_status(p.a->core, pn_peer(p.a, 0), &cs), SY_OK);
	assert_int_equal(cs.num_channels, 2);
	assert_int_equal(sy_node_channel_status(p.a->core, pn_peer(p.a, 0), 0, &ch), SY_OK);
	assert_int_equal(ch.id, PN_CHANNEL_A);
	assert_int_equal(ch.sent_bytes, 5);
	assert_int_not_equal(sy_node_channel_status(p.a->core, pn_peer(p.a, 0), 2, &ch), SY_OK);
	assert_int_equal(sy_node_conn_status(p.a->core, (struct sy_ref){9, 9}, &cs), SY_NO_PEER);
	assert_int_equal(sy_node_counts(p.a->core).outbound, 1);
	assert_int_equal(sy_node_counts(p.b->core).inbound, 1);
	pair_free(&p);
}

static void test_node_idle_node_sleeps(void **state)
{
	(void)state;
	struct pair p;
	pair_make(&p, SY_PROFILE_DEFAULT);
	pair_start(&p);
	assert_int_equal(sy_node_deadline(p.a->core), UINT64_MAX);
	pn_dial(p.a, p.b);
	pn_run(p.net, 10 * PN_S);
	/* Nothing to do but the next ping. */
	uint64_t deadline = sy_node_deadline(p.a->core);
	assert_true(deadline > pn_now(p.net) + 40 * PN_S);
	pn_run(p.net, 300 * PN_S);
	assert_int_equal(pn_peers(p.a), 1);
	pair_free(&p);
}

static void test_node_notices_a_peer_that_hangs(void **state)
{
	(void)state;
	struct pair p;
	pair_connect(&p, SY_PROFILE_DEFAULT);
	p.b->frozen = true;
	pn_run(p.net, 110 * PN_S);
	assert_int_equal(pn_peers(p.a), 0);
	assert_int_equal(p.a->last_down, SY_PEER_PONG_TIMEOUT);
	assert_int_equal(p.a->last_close_flush, 0);
	pair_free(&p);
}

static void test_node_loses_a_peer_by_reset_and_by_crash(void **state)
{
	(void)state;
	struct pair p;
	pair_connect(&p, SY_PROFILE_DEFAULT);
	pn_reset(p.a, p.b);
	pn_run(p.net, 100 * PN_MS);
	assert_string_equal(p.ka.log, "start init add remove:peer_reset");
	assert_int_equal(pn_dial(p.a, p.b).err, SY_OK);
	pn_run(p.net, 1 * PN_S);
	pn_crash(p.b);
	pn_run(p.net, 1 * PN_S);
	assert_int_equal(pn_peers(p.a), 0);
	pair_free(&p);
}

/* ---- determinism ---- */

struct run {
	uint64_t a, b;
	uint32_t received;
};

static void chatter(struct kit *k, struct sy_ctx *ctx, const struct sy_peer *peer, const struct sy_message *msg)
{
	(void)msg;
	uint8_t bytes[300];
	if (k->number++ > 200)
		return;
	sy_ctx_rand(ctx, bytes, sizeof bytes);
	(void)!sy_ctx_try_send(ctx, peer->ref, bytes[0] & 1 ? PN_CHANNEL_A : PN_CHANNEL_B, (struct sy_span){bytes, 1 + bytes[1]});
}

static void hello(struct kit *k, struct sy_ctx *ctx, const struct sy_peer *peer)
{
	chatter(k, ctx, peer, NULL);
}

static struct run busy_run(enum sy_profile profile, bool record, bool fetch, struct pair *keep)
{
	struct pair p;
	const char *list[1];
	struct run r;
	pair_make(&p, profile);
	list[0] = p.b->addr_text;
	p.a->config.persistent_peers = list;
	p.a->config.num_persistent_peers = 1;
	p.a->config.trace_messages = fetch;
	p.a->record = record;
	p.ka.on_receive = p.kb.on_receive = chatter;
	p.ka.on_add = p.kb.on_add = hello;
	p.ka.quiet = p.kb.quiet = true;
	/* The kits move into *keep: point the nodes at what stays. */
	if (keep) {
		*keep = p;
		keep->ka.reactor.self = &keep->ka;
		keep->ka.reactor.channels = keep->ka.channels;
		keep->kb.reactor.self = &keep->kb;
		keep->kb.reactor.channels = keep->kb.channels;
		keep->a->reactors = &keep->ka.reactor;
		keep->b->reactors = &keep->kb.reactor;
	}
	struct pair *q = keep ? keep : &p;
	pair_start(q);
	pn_run(q->net, 5 * PN_S);
	pn_reset(q->a, q->b);
	pn_run(q->net, 100 * PN_S);
	r.a = sy_node_trace_hash(q->a->core);
	r.b = sy_node_trace_hash(q->b->core);
	r.received = q->ka.received;
	if (!keep)
		pair_free(&p);
	return r;
}

static void test_node_equal_runs_have_equal_hashes(void **state)
{
	(void)state;
	for (enum sy_profile profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM_V038; profile++) {
		struct run one = busy_run(profile, false, false, NULL), two = busy_run(profile, false, false, NULL);
		assert_true(one.received > 50);
		assert_int_equal(one.a, two.a);
		assert_int_equal(one.b, two.b);
		assert_int_not_equal(one.a, one.b);
		/* Who looks leaves no mark. */
		struct run watched = busy_run(profile, false, true, NULL);
		assert_int_equal(one.a, watched.a);
	}
}

static void test_node_other_content_has_another_hash(void **state)
{
	(void)state;
	uint64_t hash[2];
	for (int i = 0; i < 2; i++) {
		struct pair p;
		pair_connect(&p, SY_PROFILE_DEFAULT);
		pn_send_text(p.a, pn_peer(p.a, 0), PN_CHANNEL_A, i ? "yes" : "yeS");
		pn_run(p.net, 1 * PN_S);
		hash[i] = sy_node_trace_hash(p.b->core);
		pair_free(&p);
	}
	assert_int_not_equal(hash[0], hash[1]);
}

static void test_node_recorded_log_replays_the_run(void **state)
{
	(void)state;
	static uint8_t buf[SY_FILL_MAX];
	for (enum sy_profile profile = SY_PROFILE_DEFAULT; profile <= SY_PROFILE_UPSTREAM; profile++) {
		struct pair p;
		struct run r = busy_run(profile, true, false, &p);
		assert_true(p.a->log_len > 10000);
		/* The same node once more, alone with its log. */
		struct kit fresh;
		const char *list[1] = {p.b->addr_text};
		kit_init(&fresh, "kit");
		fresh.on_receive = chatter;
		fresh.on_add = hello;
		fresh.quiet = true;
		p.a->config.persistent_peers = list;
		struct sy_node *again;
		assert_int_equal(sy_node_new(&again, &p.a->env, &p.a->config, &fresh.reactor, 1, NULL), SY_OK);
		struct sy_span rest = {p.a->log, p.a->log_len};
		while (rest.len) {
			struct sy_record record;
			size_t used;
			assert_int_equal(sy_record_decode(rest, &record, &used), SY_OK);
			sy_record_apply(again, &record, buf);
			rest.ptr += used;
			rest.len -= used;
		}
		assert_int_equal(fresh.received, r.received);
		assert_int_equal(sy_node_trace_hash(again), r.a);
		sy_node_free(again);
		pair_free(&p);
	}
}

static void test_node_record_codec(void **state)
{
	(void)state;
	uint8_t buf[256];
	struct sy_input in = {.kind = SY_IN_SEND,
	                      .now_ns = 1,
	                      .conn = {2, 3},
	                      .token = 4,
	                      .timeout_ns = UINT64_MAX,
	                      .wall_ns = 6,
	                      .err = SY_PEER_CLOSED,
	                      .channel = 0xff,
	                      .addr = {.id = {{1, 2, 3}}, .ip = {9}, .port = 65535, .flags = 3},
	                      .bytes = {(const uint8_t *)"abc", 3}},
	                out;
	size_t used, size = sy_input_encode(&in, buf, sizeof buf);
	assert_int_equal(size, SY_RECORD_HEADER + 3);
	assert_int_equal(sy_input_encode(&in, buf, size - 1), size);
	assert_int_equal(sy_input_decode((struct sy_span){buf, size}, &out, &used), SY_OK);
	assert_int_equal(used, size);
	assert_memory_equal(out.bytes.ptr, "abc", 3);
	assert_int_equal(out.bytes.len, 3);
	out.bytes = in.bytes;
	assert_memory_equal(&out.addr, &in.addr, sizeof in.addr);
	assert_int_equal(out.kind, in.kind);
	assert_int_equal(out.err, in.err);
	assert_int_equal(out.timeout_ns, in.timeout_ns);
	assert_true(sy_ref_equal(out.conn, in.conn));
	for (size_t n = 0; n < size; n++)
		assert_int_equal(sy_input_decode((struct sy_span){buf, n}, &out, &used), SY_AGAIN);
	buf[0] = 9;
	assert_int_equal(sy_input_decode((struct sy_span){buf, size}, &out, &used), SY_CORRUPT);
	buf[0] = SY_RECORD_VERSION;
	for (int kind = 0; kind < 256; kind++) {
		struct sy_record r;
		buf[1] = (uint8_t)kind;
		bool input = kind >= SY_IN_START && kind < SY_IN_RESERVED_KINDS, other = kind >= SY_RECORD_FILL && kind <= SY_RECORD_UNBLOCKED;
		assert_int_equal(sy_record_decode((struct sy_span){buf, size}, &r, &used), input || other ? SY_OK : SY_CORRUPT);
		assert_int_equal(sy_input_decode((struct sy_span){buf, size}, &out, &used), input ? SY_OK : SY_CORRUPT);
	}
}

static void test_node_traces_are_bounded_and_counted(void **state)
{
	(void)state;
	struct pair p;
	struct sy_trace t;
	pair_make(&p, SY_PROFILE_DEFAULT);
	pn_start(p.a);
	struct sy_input in = {.kind = SY_IN_ACCEPT, .now_ns = pn_now(p.net), .addr = {.port = 1}};
	in.addr.ip[15] = 1;
	for (uint32_t i = 0; i < SY_LIMIT_TRACE_RECORDS + 10; i++)
		(void)sy_node_input(p.a->core, &in);
	assert_true(sy_node_traces_dropped(p.a->core) >= 10);
	uint32_t n = 0;
	while (sy_node_next_trace(p.a->core, &t))
		n++;
	assert_int_equal(n, SY_LIMIT_TRACE_RECORDS);
	pair_free(&p);
}

/* ---- memory ---- */

static void test_node_memory_of_an_empty_node(void **state)
{
	(void)state;
	struct pair p;
	size_t least = SIZE_MAX;
	for (int pex = 0; pex < 2; pex++) {
		pair_make(&p, SY_PROFILE_DEFAULT);
		p.a->config.pex = pex;
		pn_start(p.a);
		pn_run(p.net, 1 * PN_S);
		least = p.a->memory.bytes < least ? p.a->memory.bytes : least;
		print_message("node without connections, book included, PEX %s: %zu bytes\n", pex ? "on" : "off", p.a->memory.bytes);
		pair_free(&p);
	}
	assert_true(least < 8192 + 4096);
}

#define LEAVES 40

static void test_node_memory_of_idle_connections(void **state)
{
	(void)state;
	struct pn_net *net = pn_new(5);
	struct pn_node *hub = pn_add(net, "hub", SY_PROFILE_DEFAULT), *leaf;
	struct kit kh, kl;
	struct sy_channel ten[10];
	kit_init(&kh, "kit");
	kit_init(&kl, "kit");
	for (uint8_t i = 0; i < 10; i++)
		ten[i] = (struct sy_channel){.id = (uint8_t)(0x20 + i), .priority = 1};
	kh.reactor.channels = kl.reactor.channels = ten;
	kh.reactor.num_channels = kl.reactor.num_channels = 10;
	kit_install(&kh, hub);
	pn_start(hub);
	size_t at_half = 0;
	for (int i = 0; i < LEAVES; i++) {
		char name[16] = {'l', (char)('a' + i / 26), (char)('a' + i % 26)};
		leaf = pn_add(net, name, SY_PROFILE_DEFAULT);
		kit_install(&kl, leaf);
		pn_start(leaf);
		assert_int_equal(pn_dial(leaf, hub).err, SY_OK);
		pn_run(net, 200 * PN_MS);
		if (i == LEAVES / 2 - 1) {
			pn_run(net, 100 * PN_S);
			at_half = hub->memory.bytes;
		}
	}
	pn_run(net, 100 * PN_S);
	assert_int_equal(pn_peers(hub), LEAVES);
	size_t each = (hub->memory.bytes - at_half) / (LEAVES / 2);
	print_message("one end of an idle connection, ten channels: %zu bytes\n", each);
	assert_true(each <= 1024);
	pn_free(net);
}

static void echo(struct kit *k, struct sy_ctx *ctx, const struct sy_peer *peer, const struct sy_message *msg)
{
	k->number++;
	assert_int_equal(sy_ctx_try_send(ctx, peer->ref, msg->channel, msg->bytes), SY_OK);
}

static void test_node_steady_state_allocates_nothing(void **state)
{
	(void)state;
	struct pair p;
	pair_connect(&p, SY_PROFILE_DEFAULT);
	p.ka.on_receive = p.kb.on_receive = echo;
	p.ka.quiet = p.kb.quiet = true;
	pn_send_text(p.a, pn_peer(p.a, 0), PN_CHANNEL_A, "0123456789012345678901234567890123456789012345678901234567890123");
	pn_run(p.net, 1 * PN_S);
	uint64_t before = p.a->memory.allocations, messages = p.ka.number;
	pn_run(p.net, 20 * PN_S);
	assert_true(p.ka.number > messages + 500);
	assert_int_equal(p.a->memory.allocations, before);
	pair_free(&p);
}

/* The n-th allocation fails, once or for ever, at any place of a meeting: nothing breaks, and nothing leaks (pn_free looks). */
static void meeting_without(uint64_t nth, bool for_ever, bool *reached)
{
	struct pair p;
	const char *list[1];
	pair_make(&p, SY_PROFILE_DEFAULT);
	list[0] = p.b->addr_text;
	p.a->config.persistent_peers = list;
	p.a->config.num_persistent_peers = 1;
	p.a->config.pex = true;
	p.a->memory.fail_at = nth;
	p.a->memory.fail_for_ever = for_ever;
	pn_start(p.b);
	enum sy_err err = pn_make(p.a, NULL);
	if (err) {
		assert_int_equal(err, SY_NO_MEMORY);
		*reached = true;
		p.a->memory.fail_at = 0;
		pair_free(&p);
		return;
	}
	struct sy_input start = {.kind = SY_IN_START};
	assert_int_equal(pn_input(p.a, &start).err, SY_OK);
	(void)pn_dial(p.b, p.a);
	pn_run(p.net, 2 * PN_S);
	for (uint32_t i = 0; i < 3; i++)
		(void)pn_send_text(p.a, pn_peer(p.a, 0), PN_CHANNEL_A, "hello");
	struct sy_input send = {
	    .kind = SY_IN_SEND, .conn = pn_peer(p.a, 0), .channel = PN_CHANNEL_B, .bytes = {(const uint8_t *)"x", 1}, .timeout_ns = PN_S};
	(void)pn_input(p.a, &send);
	pn_run(p.net, 10 * PN_S);
	*reached = p.a->memory.failed > 0;
	p.a->memory.fail_at = 0;
	/* With memory again the node is as good as new. */
	pn_run(p.net, 60 * PN_S);
	assert_int_equal(pn_peers(p.a), 1);
	struct sy_input stop = {.kind = SY_IN_STOP};
	assert_int_equal(pn_input(p.a, &stop).err, SY_OK);
	assert_true(p.a->stopped);
	pair_free(&p);
}

static void test_node_survives_any_failing_allocation(void **state)
{
	(void)state;
	for (int for_ever = 0; for_ever < 2; for_ever++) {
		bool reached = true;
		for (uint64_t nth = 1; reached && nth < 400; nth++)
			meeting_without(nth, for_ever, &reached);
		assert_false(reached);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_node_two_nodes_exchange_a_message),
	    cmocka_unit_test(test_node_new_names_the_key_that_is_wrong),
	    cmocka_unit_test(test_node_new_refuses_bad_reactors),
	    cmocka_unit_test(test_node_knows_where_it_listens),
	    cmocka_unit_test(test_node_start_and_stop_are_one_shot),
	    cmocka_unit_test(test_node_stopped_comes_after_the_last_close),
	    cmocka_unit_test(test_node_inputs_for_stale_refs_are_answered),
	    cmocka_unit_test(test_node_book_comes_before_the_start),
	    cmocka_unit_test(test_node_looks_at_its_peers),
	    cmocka_unit_test(test_node_idle_node_sleeps),
	    cmocka_unit_test(test_node_notices_a_peer_that_hangs),
	    cmocka_unit_test(test_node_loses_a_peer_by_reset_and_by_crash),
	    cmocka_unit_test(test_node_equal_runs_have_equal_hashes),
	    cmocka_unit_test(test_node_other_content_has_another_hash),
	    cmocka_unit_test(test_node_recorded_log_replays_the_run),
	    cmocka_unit_test(test_node_record_codec),
	    cmocka_unit_test(test_node_traces_are_bounded_and_counted),
	    cmocka_unit_test(test_node_memory_of_an_empty_node),
	    cmocka_unit_test(test_node_memory_of_idle_connections),
	    cmocka_unit_test(test_node_steady_state_allocates_nothing),
	    cmocka_unit_test(test_node_survives_any_failing_allocation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
