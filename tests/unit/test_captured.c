/*
 * Sessions recorded with real CometBFT (tests/data/captured, written by tests/interop/run.sh --capture): the bytes off the wire
 * and our secrets on one side, what CometBFT's own code read in them on the other. Every layer must read the same, and write the
 * same bytes again.
 */
#include "core/base/limits.h"
#include "core/base/sodium.h"
#include "core/conn/conn.h"
#include "core/secret/handshake.h"
#include "core/wire/cursor.h"
#include "core/wire/packet.h"
#include "core/wire/pexmsg.h"
#include "tests/support/data.h"
#include "tests/support/env.h"
#include "tests/support/unit.h"

#include <stdlib.h>

#define STREAM_CAP 65536u

static const char *const files[] = {"captured/comet-0.40.0.json", "captured/comet-0.38.26.json"};

/* One session, its frames opened. */
struct session {
	const json_t *json;
	bool they_dial;
	struct sy_handshake handshake;
	uint8_t stream[STREAM_CAP]; /* what the frames held, without authentication and node info after `read_upgrade` */
	size_t len;
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	assert_non_null(text);
	return text;
}

static struct sy_span bytes_of(const json_t *object, const char *key, uint8_t *buf, size_t cap)
{
	return (struct sy_span){buf, test_hex(text_of(object, key), buf, cap)};
}

/* The n-th piece off the wire: the ephemeral message, then sealed frames. */
static size_t wire_at(const struct session *s, size_t n, uint8_t *buf)
{
	return test_hex(json_string_value(json_array_get(json_object_get(s->json, "wire"), n)), buf, SY_FRAME_SEALED);
}

static size_t wire_pieces(const struct session *s)
{
	return json_array_size(json_object_get(s->json, "wire"));
}

static void agree(struct session *s, struct sy_frames *frames)
{
	uint8_t secret[32], message[SY_FRAME_SEALED], remote[32], challenge[32];
	struct sy_session_keys keys;
	size_t used;

	test_data_hex(s->json, "our_ephemeral_secret", secret, sizeof secret);
	sy_handshake_init(&s->handshake, sy_crypto_real(), secret);
	size_t n = wire_at(s, 0, message);
	assert_int_equal(sy_handshake_parse_ephemeral(message, n, true, remote, &used), SY_OK);
	assert_int_equal(used, n);
	assert_int_equal(sy_handshake_agree(&s->handshake, sy_crypto_real(), remote, &keys), SY_OK);
	test_data_hex(s->json, "challenge", challenge, sizeof challenge);
	assert_memory_equal(s->handshake.challenge, challenge, sizeof challenge);
	sy_frames_init(frames, &keys);
}

static void open_session(struct session *s, const json_t *json)
{
	uint8_t sealed[SY_FRAME_SEALED], plain[SY_FRAME_PLAIN];
	struct sy_frames frames;
	struct sy_span chunk;

	*s = (struct session){.json = json, .they_dial = strcmp(text_of(json, "role"), "they dial") == 0};
	agree(s, &frames);
	for (size_t i = 1; i < wire_pieces(s); i++) {
		assert_int_equal(wire_at(s, i, sealed), SY_FRAME_SEALED);
		assert_int_equal(sy_frames_open(&frames, sy_crypto_real(), sealed, plain, &chunk), SY_OK);
		assert_in_range(chunk.len, 1, sizeof s->stream - s->len);
		memcpy(s->stream + s->len, chunk.ptr, chunk.len);
		s->len += chunk.len;
	}
	sy_frames_fini(&frames);
}

/* Takes the next delimited message off the stream. */
static struct sy_span take(struct session *s, size_t *at)
{
	size_t header, length;

	assert_int_equal(sy_delimiter_parse(s->stream + *at, s->len - *at, STREAM_CAP, &header, &length), SY_OK);
	assert_in_range(header + length, 1, s->len - *at);
	struct sy_span payload = {s->stream + *at + header, length};
	*at += header + length;
	return payload;
}

static void each_session(void (*check)(struct session *s))
{
	struct session *s = malloc(sizeof *s);

	assert_non_null(s);
	for (size_t f = 0; f < ARRAY_LEN(files); f++) {
		json_t *file = test_data_json(files[f]);
		const json_t *list = json_object_get(file, "sessions");

		assert_int_equal(json_array_size(list), 2);
		for (size_t i = 0; i < 2; i++) {
			open_session(s, json_array_get(list, i));
			check(s);
			sy_handshake_fini(&s->handshake);
		}
		json_decref(file);
	}
	free(s);
}

/* ------------------------------------------------------------------ authentication */

static void check_auth(struct session *s)
{
	uint8_t wanted[SY_AUTH_MESSAGE], pubkey[32], remote[32], again[SY_AUTH_MESSAGE];
	struct sy_id id;
	char text[SY_ID_TEXT];
	size_t at = 0;

	test_data_hex(s->json, "auth_delimited", wanted, sizeof wanted);
	test_data_hex(s->json, "their_pubkey", pubkey, sizeof pubkey);
	assert_memory_equal(s->stream, wanted, sizeof wanted);
	struct sy_span auth = take(s, &at);
	assert_int_equal(at, SY_AUTH_MESSAGE);
	assert_int_equal(sy_handshake_verify(&s->handshake, sy_crypto_real(), auth.ptr, auth.len, true, remote), SY_OK);
	assert_memory_equal(remote, pubkey, 32);
	sy_id_from_pubkey(&id, remote);
	sy_id_format(&id, text);
	assert_string_equal(text, text_of(s->json, "their_id"));
	sy_handshake_auth(again, remote, wanted + SY_AUTH_MESSAGE - 64); /* the signature is last */
	assert_memory_equal(again, wanted, sizeof wanted);
	s->handshake.challenge[0] ^= 1;
	assert_int_equal(sy_handshake_verify(&s->handshake, sy_crypto_real(), auth.ptr, auth.len, true, remote), SY_PEER_BAD_SIGNATURE);
}

static void test_captured_authentication_verifies(void **state)
{
	each_session(check_auth);
}

/* ------------------------------------------------------------------ node info */

static void expect_text(struct sy_span got, const json_t *info, const char *key)
{
	const char *wanted = text_of(info, key);

	assert_int_equal(got.len, strlen(wanted));
	assert_memory_equal(got.ptr, wanted, got.len);
}

static void expect_number(uint64_t got, const json_t *info, const char *key)
{
	assert_true(json_is_integer(json_object_get(info, key)));
	assert_int_equal(got, (uint64_t)json_integer_value(json_object_get(info, key)));
}

static void expect_fields(const struct sy_node_info *got, const json_t *info)
{
	uint8_t buf[16];
	struct sy_span channels = bytes_of(info, "channels", buf, sizeof buf);

	expect_number(got->p2p_version, info, "p2p_version");
	expect_number(got->block_version, info, "block_version");
	expect_number(got->app_version, info, "app_version");
	expect_text(got->id_text, info, "id");
	expect_text(got->listen_addr, info, "listen_addr");
	expect_text(got->network, info, "network");
	expect_text(got->version, info, "version");
	expect_text(got->moniker, info, "moniker");
	expect_text(got->tx_index, info, "tx_index");
	expect_text(got->rpc_address, info, "rpc_address");
	assert_int_equal(got->channels.len, channels.len);
	assert_memory_equal(got->channels.ptr, channels.ptr, channels.len);
}

static void check_info(struct session *s)
{
	uint8_t wanted[1024], again[1024];
	char host[SY_HOST_TEXT], dial[SY_ADDR_TEXT];
	struct sy_node_info info;
	struct sy_netaddr listen;
	const char *what = NULL;
	size_t at = SY_AUTH_MESSAGE;
	struct sy_span delimited = bytes_of(s->json, "node_info_delimited", wanted, sizeof wanted);

	assert_memory_equal(s->stream + at, delimited.ptr, delimited.len);
	struct sy_span payload = take(s, &at);
	assert_int_equal(at, SY_AUTH_MESSAGE + delimited.len);
	assert_int_equal(sy_node_info_decode(payload.ptr, payload.len, &info), SY_OK);
	expect_fields(&info, json_object_get(s->json, "node_info"));
	assert_int_equal(sy_node_info_validate(&info, &listen, host, &what), SY_OK);
	sy_netaddr_format_dial(&listen, dial);
	assert_string_equal(dial, text_of(json_object_get(s->json, "node_info"), "listen_addr"));
	assert_int_equal(sy_node_info_encode(&info, again, sizeof again), payload.len);
	assert_memory_equal(again, payload.ptr, payload.len);
}

static void test_captured_node_info_reads_field_by_field_and_writes_the_same_bytes(void **state)
{
	each_session(check_info);
}

/* ------------------------------------------------------------------ packets */

static size_t end_of_upgrade(struct session *s)
{
	size_t at = 0;

	take(s, &at);
	take(s, &at);
	return at;
}

static enum sy_packet_kind kind_of(const json_t *packet)
{
	const char *kind = text_of(packet, "kind");

	if (strcmp(kind, "ping") == 0)
		return SY_PACKET_PING;
	return strcmp(kind, "pong") == 0 ? SY_PACKET_PONG : SY_PACKET_MSG;
}

/* Compares what was parsed, and writes it again. */
static void expect_packet(const struct sy_packet *got, const json_t *wanted, const uint8_t *bytes, size_t n)
{
	uint8_t data[SY_PACKET_DATA], again[SY_PACKET_HEADER_MAX + SY_PACKET_DATA];
	struct sy_span wanted_data = bytes_of(wanted, "data", data, sizeof data);
	size_t len = 3;

	assert_int_equal(got->kind, kind_of(wanted));
	if (got->kind == SY_PACKET_MSG) {
		expect_number((uint64_t)got->channel_id, wanted, "channel");
		assert_int_equal(got->eof, json_is_true(json_object_get(wanted, "eof")));
		assert_int_equal(got->data.len, wanted_data.len);
		assert_memory_equal(got->data.ptr, wanted_data.ptr, wanted_data.len);
		len = sy_packet_header(again, (uint8_t)got->channel_id, got->eof, got->data.len);
		memcpy(again + len, got->data.ptr, got->data.len);
		len += got->data.len;
		assert_int_equal(sy_packet_size((uint8_t)got->channel_id, got->eof, got->data.len), len);
	} else {
		memcpy(again, got->kind == SY_PACKET_PING ? SY_PING_BYTES : SY_PONG_BYTES, len);
	}
	assert_int_equal(len, n);
	assert_memory_equal(again, bytes, n);
}

static void check_packets(struct session *s)
{
	const json_t *packets = json_object_get(s->json, "packets");
	size_t at = end_of_upgrade(s), count = 0, full = 0;

	while (at < s->len) {
		struct sy_packet packet;
		size_t start = at;
		struct sy_span payload = take(s, &at);

		assert_in_range(payload.len, 1, sy_packet_limit(SY_PACKET_DATA));
		assert_int_equal(sy_packet_parse(payload.ptr, payload.len, &packet), SY_OK);
		expect_packet(&packet, json_array_get(packets, count++), s->stream + start, at - start);
		full += packet.data.len == SY_PACKET_DATA;
	}
	assert_int_equal(count, json_array_size(packets));
	assert_true(full >= 4);
}

static void test_captured_packets_read_as_theirs_and_write_the_same_bytes(void **state)
{
	each_session(check_packets);
}

/* ------------------------------------------------------------------ PEX messages */

/* The n-th whole message of channel 0, put together from the packets; false: there are not so many. */
static bool pex_message(struct session *s, size_t n, uint8_t *buf, size_t cap, size_t *len)
{
	size_t at = end_of_upgrade(s);

	*len = 0;
	while (at < s->len) {
		struct sy_packet packet;
		struct sy_span payload = take(s, &at);

		assert_int_equal(sy_packet_parse(payload.ptr, payload.len, &packet), SY_OK);
		if (packet.kind != SY_PACKET_MSG || packet.channel_id != 0)
			continue;
		assert_in_range(packet.data.len, 1, cap - *len);
		memcpy(buf + *len, packet.data.ptr, packet.data.len);
		*len += packet.data.len;
		if (packet.eof && n-- == 0)
			return true;
		if (packet.eof)
			*len = 0;
	}
	return false;
}

static void expect_addrs(struct sy_span message, const json_t *wanted)
{
	struct sy_netaddr addrs[SY_PEX_SELECTION_MAX];
	uint8_t again[4096];
	struct sy_pex_reader reader;
	size_t n = 0;

	assert_int_equal(sy_pex_parse(message, &reader), SY_OK);
	assert_int_equal(reader.kind, SY_PEX_ADDRS);
	assert_int_equal(reader.count, json_array_size(wanted));
	for (char text[SY_ADDR_TEXT]; n < ARRAY_LEN(addrs) && sy_pex_next(&reader, &addrs[n]); n++) {
		sy_netaddr_format(&addrs[n], text);
		assert_string_equal(text, json_string_value(json_array_get(wanted, n)));
	}
	assert_int_equal(n, json_array_size(wanted));
	assert_int_equal(sy_pex_addrs_encode(addrs, n, again, sizeof again), message.len);
	assert_memory_equal(again, message.ptr, message.len);
}

static void check_pex(struct session *s)
{
	const json_t *list = json_object_get(s->json, "pex");
	uint8_t buf[4096];
	size_t len, n = 0;

	for (; pex_message(s, n, buf, sizeof buf, &len); n++) {
		const json_t *wanted = json_array_get(list, n);
		struct sy_pex_reader reader;

		if (strcmp(text_of(wanted, "kind"), "addrs") == 0) {
			expect_addrs((struct sy_span){buf, len}, json_object_get(wanted, "addrs"));
			continue;
		}
		assert_int_equal(sy_pex_parse((struct sy_span){buf, len}, &reader), SY_OK);
		assert_int_equal(reader.kind, SY_PEX_REQUEST);
		assert_int_equal(len, sizeof SY_PEX_REQUEST_BYTES - 1);
		assert_memory_equal(buf, SY_PEX_REQUEST_BYTES, len);
	}
	assert_int_equal(n, json_array_size(list));
	assert_int_equal(n, s->they_dial ? 2 : 1); /* who dials asks */
}

static void test_captured_pex_messages_read_as_theirs_and_write_the_same_bytes(void **state)
{
	each_session(check_pex);
}

/* ------------------------------------------------------------------ the whole session through a connection */

/* A node's end of the recorded connection: the same secrets, whatever the environment would draw. */
struct replay {
	struct test_env env;
	struct sy_config config;
	struct sy_channel_set channels;
	struct sy_node_info info;
	struct sy_conn_shared shared;
	struct sy_conn conn;
	struct session *session;
	char id_text[SY_ID_TEXT];
	struct sy_id id;
	uint8_t ephemeral[32], secret[64];
	uint64_t now;
	size_t messages, bytes;
};

static void replay_rand(void *ctx, enum sy_purpose purpose, uint64_t entity, uint64_t counter, void *buf, size_t n)
{
	struct test_env *env = ctx;
	struct replay *r = (struct replay *)env; /* its first member */

	assert_int_equal(purpose, SY_RAND_EPHEMERAL);
	assert_int_equal(n, sizeof r->ephemeral);
	memcpy(buf, r->ephemeral, n);
}

static void replay_identity(struct replay *r)
{
	static const uint8_t channels[] = {0x70, 0x71, 0x72, 0x73, 0x00};
	uint8_t seed[32];

	test_data_hex(r->session->json, "our_node_key_seed", seed, sizeof seed);
	test_data_hex(r->session->json, "our_ephemeral_secret", r->ephemeral, sizeof r->ephemeral);
	sy_crypto_real()->keypair(r->config.pubkey, r->secret, seed);
	sy_id_from_pubkey(&r->id, r->config.pubkey);
	sy_id_format(&r->id, r->id_text);
	for (size_t i = 0; i < sizeof channels; i++) {
		const struct sy_channel ch = {.id = channels[i], .priority = 1};

		assert_int_equal(sy_channel_set_add(&r->channels, &ch, 0), SY_OK);
	}
	r->info = (struct sy_node_info){.block_version = 11,
	                                .id_text = {(const uint8_t *)r->id_text, strlen(r->id_text)},
	                                .listen_addr = {(const uint8_t *)"127.0.0.9:26656", 15},
	                                .network = {(const uint8_t *)"interop", 7},
	                                .moniker = {(const uint8_t *)"replay", 6},
	                                .channels = {channels, sizeof channels}};
}

static void replay_open(struct replay *r, struct session *s, enum sy_profile profile)
{
	struct sy_id dialled;

	memset(r, 0, sizeof *r);
	r->session = s;
	r->now = 1000000000u;
	test_env_init(&r->env, 1);
	r->env.env.rand = replay_rand;
	sy_config_init(&r->config, profile);
	sy_channel_set_init(&r->channels);
	replay_identity(r);
	assert_int_equal(sy_id_parse(text_of(s->json, "their_id"), SY_ID_TEXT - 1, &dialled, NULL), SY_OK);
	assert_int_equal(sy_conn_shared_init(&r->shared, &r->env.env, sy_policy_of(profile), &r->channels, &r->config, &r->info, &r->id),
	                 SY_OK);
	sy_conn_init(&r->conn, !s->they_dial, 7);
	sy_conn_opened(&r->conn);
	assert_int_equal(sy_conn_start(&r->conn, &r->shared, r->now, s->they_dial ? NULL : &dialled), SY_OK);
}

/* Our frames go out, or the connection holds its verdict back; what they are is of no matter here. */
static void replay_drain(struct replay *r)
{
	static uint8_t buf[SY_FILL_MAX];
	enum sy_err err = SY_OK;

	while (sy_conn_has_output(&r->conn, &r->shared, r->now)) {
		assert_true(sy_conn_fill(&r->conn, &r->shared, r->now, buf, sizeof buf, &err) > 0);
		assert_int_equal(err, SY_OK);
	}
}

static void replay_event(struct replay *r, const struct sy_conn_event *ev)
{
	uint8_t sig[64];

	switch (ev->kind) {
	case SY_CONN_EV_NONE:
		break;
	case SY_CONN_EV_SIGN:
		assert_memory_equal(ev->challenge, r->session->handshake.challenge, 32);
		sy_crypto_real()->sign(sig, r->secret, ev->challenge);
		sy_conn_signed(&r->conn, &r->shared, sig, r->now);
		break;
	case SY_CONN_EV_RESOLVE:
		fail();
		break;
	case SY_CONN_EV_UPGRADED:
		expect_fields(&ev->identity->info, json_object_get(r->session->json, "node_info"));
		assert_int_equal(sy_conn_run(&r->conn, &r->shared, r->now), SY_OK);
		break;
	case SY_CONN_EV_MESSAGE:
		r->messages++;
		r->bytes += ev->message.len;
		break;
	}
}

static void replay_feed(struct replay *r, const uint8_t *bytes, size_t n)
{
	struct sy_conn_event ev;
	size_t used;

	do {
		assert_int_equal(sy_conn_feed(&r->conn, &r->shared, r->now, bytes, n, &used, &ev), SY_OK);
		bytes += used;
		n -= used;
		replay_event(r, &ev);
		replay_drain(r);
	} while (ev.kind != SY_CONN_EV_NONE);
	assert_int_equal(n, 0);
}

/* What the packets of the session amount to. */
static void count_messages(const struct session *s, size_t *messages, size_t *bytes)
{
	const json_t *packets = json_object_get(s->json, "packets");

	*messages = *bytes = 0;
	for (size_t i = 0; i < json_array_size(packets); i++) {
		const json_t *packet = json_array_get(packets, i);

		*messages += json_is_true(json_object_get(packet, "eof"));
		*bytes += strlen(text_of(packet, "data")) / 2;
	}
}

static void replay_once(struct session *s, enum sy_profile profile, size_t piece)
{
	struct replay r;
	uint8_t buf[SY_FRAME_SEALED];
	size_t messages, bytes;

	replay_open(&r, s, profile);
	replay_drain(&r);
	for (size_t i = 0; i < wire_pieces(s); i++) {
		size_t n = wire_at(s, i, buf);

		for (size_t at = 0; at < n; at += piece)
			replay_feed(&r, buf + at, n - at < piece ? n - at : piece);
	}
	count_messages(s, &messages, &bytes);
	assert_int_equal(r.conn.state, SY_CONN_RUNNING);
	assert_int_equal(r.messages, messages);
	assert_int_equal(r.bytes, bytes);
	sy_conn_fini(&r.conn, &r.shared);
	sy_conn_shared_fini(&r.shared);
	test_env_check_empty(&r.env);
}

static void check_replay(struct session *s)
{
	static const enum sy_profile profiles[] = {SY_PROFILE_DEFAULT, SY_PROFILE_UPSTREAM, SY_PROFILE_UPSTREAM_V038};
	static const size_t pieces[] = {1, 100, SY_FRAME_SEALED};

	for (size_t p = 0; p < ARRAY_LEN(profiles); p++)
		for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
			replay_once(s, profiles[p], pieces[i]);
}

static void test_captured_sessions_run_through_a_connection_however_they_are_cut(void **state)
{
	each_session(check_replay);
}

static int setup(void **state)
{
	return sy_sodium_init();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_captured_authentication_verifies),
	    cmocka_unit_test(test_captured_node_info_reads_field_by_field_and_writes_the_same_bytes),
	    cmocka_unit_test(test_captured_packets_read_as_theirs_and_write_the_same_bytes),
	    cmocka_unit_test(test_captured_pex_messages_read_as_theirs_and_write_the_same_bytes),
	    cmocka_unit_test(test_captured_sessions_run_through_a_connection_however_they_are_cut),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
