#include "core/conn/conn.h"
#include "core/secret/handshake.h"
#include "core/wire/cursor.h"
#include "tests/support/conn_kit.h"
#include "tests/support/unit.h"

static const enum sy_profile profiles[] = {SY_PROFILE_DEFAULT, SY_PROFILE_UPSTREAM, SY_PROFILE_UPSTREAM_V038};

static struct sy_span text(const char *s)
{
	return (struct sy_span){(const uint8_t *)s, strlen(s)};
}

static void assert_running(const struct conn_side *s, const struct conn_side *other)
{
	assert_false(s->dead);
	assert_int_equal(s->conn.state, SY_CONN_RUNNING);
	assert_memory_equal(&s->identity.id, &other->id, sizeof other->id);
	assert_memory_equal(s->identity.pubkey, other->config.pubkey, 32);
	assert_int_equal(s->conn.peer_channels, 3);
	assert_null(s->conn.upgrade);
	assert_null(s->conn.partial);
	assert_null(s->conn.rest);
}

static void test_conn_upgrade_succeeds_between_all_profiles_however_the_bytes_are_cut(void **state)
{
	static const size_t pieces[] = {0, 1, 7, 100, 1500};
	for (size_t a = 0; a < ARRAY_LEN(profiles); a++)
		for (size_t b = 0; b < ARRAY_LEN(profiles); b++)
			for (size_t p = 0; p < ARRAY_LEN(pieces); p++) {
				struct conn_kit k;
				conn_kit_init(&k, profiles[a], profiles[b]);
				k.piece = pieces[p];
				conn_kit_open(&k, NULL);
				conn_kit_pump(&k);
				assert_running(&k.a, &k.b);
				assert_running(&k.b, &k.a);
				assert_int_equal(k.a.identity.reported.port, 26656);
				/* One 35-byte message, one frame of authentication, one of node info, each way. */
				assert_int_equal(k.a.taken, 35 + 2 * SY_FRAME_SEALED);
				assert_int_equal(k.b.taken, 35 + 2 * SY_FRAME_SEALED);
				conn_kit_close(&k);
			}
}

static void test_conn_upgrade_carries_a_large_node_info_over_several_frames(void **state)
{
	static char moniker[9000];
	memset(moniker, 'm', sizeof moniker - 1);
	struct conn_kit k;
	conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
	k.a.info.moniker = text(moniker);
	k.piece = 700;
	conn_kit_open(&k, NULL);
	conn_kit_pump(&k);
	assert_running(&k.b, &k.a);
	assert_int_equal(k.b.taken, 35 + SY_FRAME_SEALED + 9 * SY_FRAME_SEALED);
	conn_kit_close(&k);
}

static void test_conn_upgrade_with_another_id_than_dialled_fails_at_the_dialler(void **state)
{
	struct conn_kit k;
	conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
	struct sy_id other = k.b.id;
	other.b[19] ^= 1;
	conn_kit_open(&k, &other);
	conn_kit_pump(&k);
	assert_int_equal(k.a.err, SY_PEER_WRONG_ID);
	assert_int_equal(k.b.conn.state, SY_CONN_NODE_INFO);
	conn_kit_close(&k);
}

static void test_conn_upgrade_with_ourselves_is_refused_after_our_node_info_is_out(void **state)
{
	struct conn_kit k;
	conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
	memcpy(k.b.config.pubkey, k.a.config.pubkey, 32);
	memcpy(k.b.secret, k.a.secret, 64);
	memcpy(k.b.id_text, k.a.id_text, sizeof k.b.id_text);
	k.b.id = k.a.id;
	conn_kit_open(&k, NULL);
	conn_kit_pump(&k);
	assert_int_equal(k.a.err, SY_PEER_SELF);
	assert_int_equal(k.b.err, SY_PEER_SELF);
	conn_kit_close(&k);
}

struct refusal {
	enum sy_err err; /* at the accepting side, about the dialler */
	uint64_t block_version;
	const char *network, *id_text, *moniker, *listen_addr, *tx_index;
	uint8_t channel; /* its only one */
};

static void test_conn_upgrade_refuses_each_incompatibility_after_the_exchange(void **state)
{
	static const struct refusal refusals[] = {
	    {.err = SY_PEER_BLOCK_VERSION, .block_version = 12},
	    {.err = SY_PEER_NETWORK, .network = "other-chain"},
	    {.err = SY_PEER_NO_COMMON_CHANNEL, .channel = 0x77},
	    {.err = SY_PEER_NODE_INFO_ID, .id_text = "00112233445566778899aabbccddeeff00112233"},
	    {.err = SY_PEER_BAD_NODE_INFO, .moniker = "   "},
	    {.err = SY_PEER_BAD_NODE_INFO, .listen_addr = "nonsense"},
	    {.err = SY_PEER_BAD_NODE_INFO, .tx_index = "perhaps"},
	    {.err = SY_PEER_BAD_NODE_INFO, .id_text = "xyz"},
	};
	for (size_t p = 0; p < 2; p++)
		for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
			const struct refusal *r = &refusals[i];
			struct conn_kit k;
			conn_kit_init(&k, profiles[p], profiles[p]);
			struct sy_node_info *info = &k.a.info;
			info->block_version = r->block_version ? r->block_version : info->block_version;
			info->network = r->network ? text(r->network) : info->network;
			info->id_text = r->id_text ? text(r->id_text) : info->id_text;
			info->moniker = r->moniker ? text(r->moniker) : info->moniker;
			info->listen_addr = r->listen_addr ? text(r->listen_addr) : info->listen_addr;
			info->tx_index = r->tx_index ? text(r->tx_index) : info->tx_index;
			if (r->channel) {
				k.a.channels[0] = r->channel;
				info->channels.len = 1;
			}
			conn_kit_open(&k, NULL);
			conn_kit_pump(&k);
			assert_int_equal(k.b.err, r->err);
			/* The dialler got b's node info all the same. */
			assert_int_equal(k.a.taken, 35 + 2 * SY_FRAME_SEALED);
			conn_kit_close(&k);
		}
}

static void test_conn_verdict_waits_for_our_node_info_but_not_past_the_deadline(void **state)
{
	for (int takes = 0; takes < 2; takes++) {
		struct conn_kit k;
		conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
		k.a.info.network = text("other-chain");
		conn_kit_open(&k, NULL);
		/* b's socket takes its key and its signature, then nothing more. */
		conn_kit_fill(&k, &k.b, &k.a);
		while (conn_kit_fill(&k, &k.a, &k.b) || conn_kit_deliver(&k, &k.a) || conn_kit_deliver(&k, &k.b))
			;
		uint8_t buf[SY_FRAME_SEALED];
		enum sy_err err;
		assert_int_equal(sy_conn_fill(&k.b.conn, &k.b.shared, k.now, buf, sizeof buf, &err), SY_FRAME_SEALED);
		conn_kit_wire(&k.a, buf, sizeof buf);
		while (conn_kit_fill(&k, &k.a, &k.b) || conn_kit_deliver(&k, &k.a) || conn_kit_deliver(&k, &k.b))
			;
		assert_false(k.b.dead);
		assert_int_equal(k.b.conn.verdict, SY_PEER_NETWORK);
		assert_int_equal(sy_conn_read_window(&k.b.conn, &k.b.shared, k.now), 0);
		assert_int_equal(sy_conn_expire(&k.b.conn, &k.b.shared, k.now), SY_OK);
		if (takes) {
			assert_int_equal(sy_conn_fill(&k.b.conn, &k.b.shared, k.now, buf, sizeof buf, &err), SY_FRAME_SEALED);
			assert_int_equal(err, SY_OK);
			assert_true(sy_conn_has_output(&k.b.conn, &k.b.shared, k.now));
			assert_true(sy_conn_deadline(&k.b.conn, &k.b.shared) <= k.now);
			assert_int_equal(sy_conn_expire(&k.b.conn, &k.b.shared, k.now), SY_PEER_NETWORK);
			assert_int_equal(sy_conn_fill(&k.b.conn, &k.b.shared, k.now, buf, sizeof buf, &err), 0);
			assert_int_equal(err, SY_PEER_NETWORK);
		} else {
			k.now = sy_conn_deadline(&k.b.conn, &k.b.shared);
			assert_int_equal(sy_conn_expire(&k.b.conn, &k.b.shared, k.now - 1), SY_OK);
			assert_int_equal(sy_conn_expire(&k.b.conn, &k.b.shared, k.now), SY_PEER_NETWORK);
		}
		conn_kit_close(&k);
	}
}

/* What the owner refuses after the upgrade waits for our node info as well: the dialler learns whom it has reached. */
static void test_conn_turned_away_peer_gets_our_node_info(void **state)
{
	for (int takes = 0; takes < 2; takes++) {
		struct conn_kit k;
		uint8_t buf[SY_FRAME_SEALED];
		enum sy_err err;
		conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
		conn_kit_open(&k, NULL);
		k.b.hold_judgement = true;
		/* b's socket takes its key and its signature, then nothing more. */
		conn_kit_fill(&k, &k.b, &k.a);
		while (conn_kit_fill(&k, &k.a, &k.b) || conn_kit_deliver(&k, &k.a) || conn_kit_deliver(&k, &k.b))
			;
		assert_int_equal(sy_conn_fill(&k.b.conn, &k.b.shared, k.now, buf, sizeof buf, &err), SY_FRAME_SEALED);
		conn_kit_wire(&k.a, buf, sizeof buf);
		while (conn_kit_fill(&k, &k.a, &k.b) || conn_kit_deliver(&k, &k.a) || conn_kit_deliver(&k, &k.b))
			;
		assert_int_equal(k.b.conn.state, SY_CONN_JUDGING);
		assert_int_equal(sy_conn_turn_away(&k.b.conn, &k.b.shared, k.now, SY_DUPLICATE_ID), SY_OK);
		assert_int_equal(sy_conn_expire(&k.b.conn, &k.b.shared, k.now), SY_OK);
		if (takes) {
			assert_int_equal(sy_conn_fill(&k.b.conn, &k.b.shared, k.now, buf, sizeof buf, &err), SY_FRAME_SEALED);
			assert_int_equal(err, SY_OK);
			assert_int_equal(sy_conn_fill(&k.b.conn, &k.b.shared, k.now, buf, sizeof buf, &err), 0);
			assert_int_equal(err, SY_DUPLICATE_ID);
			assert_int_equal(sy_conn_turn_away(&k.b.conn, &k.b.shared, k.now, SY_BANNED), SY_BANNED);
		} else {
			k.now = sy_conn_deadline(&k.b.conn, &k.b.shared);
			assert_int_equal(sy_conn_expire(&k.b.conn, &k.b.shared, k.now), SY_DUPLICATE_ID);
		}
		conn_kit_close(&k);
	}
}

static void test_conn_upgrade_times_out_in_each_phase(void **state)
{
	for (size_t p = 0; p < 2; p++) {
		uint64_t timeout = p == 0 ? 20 * SEC : 3 * SEC;
		struct conn_kit k;
		conn_kit_init(&k, profiles[p], profiles[p]);
		conn_kit_open(&k, NULL);
		uint64_t t0 = k.now;
		assert_int_equal(sy_conn_deadline(&k.a.conn, &k.a.shared), t0 + timeout);
		k.now = t0 + timeout - 1;
		assert_int_equal(sy_conn_expire(&k.a.conn, &k.a.shared, k.now), SY_OK);
		assert_int_equal(sy_conn_expire(&k.a.conn, &k.a.shared, k.now + 1), SY_PEER_HANDSHAKE_TIMEOUT);
		k.b.hold_signature = true; /* b's signer takes too long: a waits in AUTH */
		conn_kit_pump(&k);
		assert_int_equal(k.a.conn.state, SY_CONN_AUTH);
		assert_int_equal(sy_conn_deadline(&k.a.conn, &k.a.shared), t0 + timeout);
		uint8_t sig[64];
		k.b.env.env.crypto->sign(sig, k.b.secret, k.b.challenge);
		sy_conn_signed(&k.b.conn, &k.b.shared, sig, k.now);
		assert_int_equal(k.b.conn.state, SY_CONN_NODE_INFO);
		assert_int_equal(sy_conn_deadline(&k.b.conn, &k.b.shared), k.now + timeout);
		assert_int_equal(sy_conn_expire(&k.b.conn, &k.b.shared, k.now + timeout), SY_PEER_HANDSHAKE_TIMEOUT);
		conn_kit_pump(&k);
		assert_running(&k.a, &k.b);
		conn_kit_close(&k);
	}
}

static void test_conn_handshake_timeout_is_honoured_and_capped_in_default_only(void **state)
{
	static const struct {
		enum sy_profile profile;
		uint64_t key, expect;
	} cases[] = {{SY_PROFILE_DEFAULT, 5 * SEC, 5 * SEC},
	             {SY_PROFILE_DEFAULT, 500 * SEC, 20 * SEC},
	             {SY_PROFILE_DEFAULT, 0, 20 * SEC},
	             {SY_PROFILE_UPSTREAM, 5 * SEC, 3 * SEC}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct conn_kit k;
		conn_kit_init(&k, cases[i].profile, cases[i].profile);
		k.a.config.handshake_timeout_ns = cases[i].key;
		conn_kit_open(&k, NULL);
		assert_int_equal(k.a.shared.handshake_timeout_ns, cases[i].expect);
		conn_kit_close(&k);
	}
}

/* What an evil peer sends first. */
static enum sy_err answer_to(enum sy_profile profile, const uint8_t *bytes, size_t n)
{
	struct conn_kit k;
	conn_kit_init(&k, profile, profile);
	conn_kit_open(&k, NULL);
	conn_kit_feed(&k, &k.a, bytes, n);
	enum sy_err err = k.a.dead ? k.a.err : SY_OK;
	conn_kit_close(&k);
	return err;
}

static void test_conn_upgrade_refuses_garbage_in_place_of_the_ephemeral_key(void **state)
{
	uint8_t m[64] = {0x22, 0x0a, 0x20};
	memset(m + 3, 9, 32);
	assert_int_equal(answer_to(SY_PROFILE_DEFAULT, m, 35), SY_OK);
	assert_int_equal(answer_to(SY_PROFILE_DEFAULT, m, 34), SY_OK); /* not complete yet */
	memset(m + 3, 0, 32);
	assert_int_equal(answer_to(SY_PROFILE_DEFAULT, m, 35), SY_PEER_LOW_ORDER);
	static const uint8_t wire_type[] = {0x03, 0x08, 0x20, 0x01};
	assert_int_equal(answer_to(SY_PROFILE_DEFAULT, wire_type, sizeof wire_type), SY_PEER_BAD_EPHEMERAL);
	static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
	assert_int_equal(answer_to(SY_PROFILE_DEFAULT, huge, sizeof huge), SY_PEER_BAD_EPHEMERAL);
	/* 31 bytes of key: upstream pads them (D-08). */
	uint8_t small[34] = {0x21, 0x0a, 0x1f};
	memset(small + 3, 9, 31);
	assert_int_equal(answer_to(SY_PROFILE_DEFAULT, small, sizeof small), SY_PEER_BAD_EPHEMERAL);
	assert_int_equal(answer_to(SY_PROFILE_UPSTREAM, small, sizeof small), SY_OK);
}

static void test_conn_upgrade_refuses_garbage_in_place_of_frames(void **state)
{
	uint8_t junk[SY_FRAME_SEALED];
	memset(junk, 0x5a, sizeof junk);
	struct conn_kit k;
	conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
	conn_kit_open(&k, NULL);
	conn_kit_fill(&k, &k.b, &k.a);
	conn_kit_deliver(&k, &k.a);
	assert_int_equal(k.a.conn.state, SY_CONN_AUTH);
	conn_kit_feed(&k, &k.a, junk, sizeof junk - 1);
	assert_false(k.a.dead);
	conn_kit_feed(&k, &k.a, junk, 1);
	assert_int_equal(k.a.err, SY_PEER_BAD_FRAME);
	conn_kit_close(&k);
}

/* Seals a chunk as b, with the keys that b has. */
static void send_chunk(struct conn_kit *k, const uint8_t *bytes, size_t n)
{
	uint8_t plain[SY_FRAME_PLAIN], sealed[SY_FRAME_SEALED];
	memset(plain, 0, sizeof plain);
	memcpy(plain + 4, bytes, n);
	if (n) {
		assert_int_equal(sy_frames_seal(&k->b.conn.frames, k->b.env.env.crypto, plain, n, sealed), SY_OK);
	} else {
		k->b.env.env.crypto->seal(sealed, plain, k->b.conn.frames.send_key, k->b.conn.frames.send_counter++);
	}
	conn_kit_feed(k, &k->a, sealed, sizeof sealed);
}

/* Both sides have agreed on keys; b is the test's puppet from here on. */
static void agree(struct conn_kit *k)
{
	k->b.hold_signature = true;
	conn_kit_open(k, NULL);
	conn_kit_pump(k);
	assert_int_equal(k->a.conn.state, SY_CONN_AUTH);
	assert_int_equal(k->b.conn.state, SY_CONN_AUTH);
}

static size_t auth_of(struct conn_kit *k, uint8_t out[SY_AUTH_MESSAGE])
{
	uint8_t sig[64];
	k->b.env.env.crypto->sign(sig, k->b.secret, k->b.challenge);
	sy_handshake_auth(out, k->b.config.pubkey, sig);
	return SY_AUTH_MESSAGE;
}

static size_t info_of(struct conn_kit *k, uint8_t *out, size_t cap)
{
	uint8_t payload[1024];
	size_t n = sy_node_info_encode(&k->b.info, payload, sizeof payload);
	struct sy_writer w = sy_writer_of(out, cap);
	sy_write_uvarint(&w, n);
	sy_write_bytes(&w, payload, n);
	assert_false(w.bad);
	return sy_written(&w);
}

static void test_conn_upgrade_refuses_a_node_info_over_the_limit(void **state)
{
	static const uint8_t delimiter[] = {0x81, 0x50}; /* 10,241 */
	struct conn_kit k;
	uint8_t chunk[1024];
	conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
	agree(&k);
	size_t n = auth_of(&k, chunk);
	send_chunk(&k, chunk, n);
	conn_kit_fill(&k, &k.a, &k.b);
	send_chunk(&k, delimiter, sizeof delimiter);
	assert_int_equal(k.a.err, SY_PEER_BAD_NODE_INFO);
	conn_kit_close(&k);
}

static void test_conn_upgrade_refuses_bad_authentication(void **state)
{
	struct {
		size_t at;
		uint8_t flip;
		enum sy_err err;
	} cases[] = {{0, 0, SY_OK},
	             {102, 1, SY_PEER_BAD_SIGNATURE},
	             {10, 1, SY_PEER_BAD_SIGNATURE},
	             {3, 0x18, SY_PEER_KEY_TYPE}, /* field 1 becomes field 2: secp256k1 */
	             {1, 0x08, SY_PEER_BAD_AUTH},
	             {0, 0xff, SY_PEER_BAD_AUTH}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct conn_kit k;
		uint8_t auth[SY_AUTH_MESSAGE];
		conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
		agree(&k);
		size_t n = auth_of(&k, auth);
		auth[cases[i].at] ^= cases[i].flip;
		if (cases[i].at == 0 && cases[i].flip) {
			static uint8_t huge[] = {0x81, 0x80, 0x80, 0x01};
			send_chunk(&k, huge, sizeof huge);
		} else {
			send_chunk(&k, auth, n);
		}
		if (cases[i].err == SY_PEER_KEY_TYPE)
			assert_true(k.a.err == SY_PEER_KEY_TYPE || k.a.err == SY_PEER_BAD_AUTH);
		else
			assert_int_equal(k.a.err, cases[i].err);
		conn_kit_close(&k);
	}
}

static void test_conn_upgrade_takes_all_phases_out_of_one_frame_and_keeps_the_surplus(void **state)
{
	static const uint8_t packet[] = {0x0b, 0x1a, 0x09, 0x08, 0x22, 0x10, 0x01, 0x1a, 0x03, 'p', 'p', 'p'};
	for (int judged_late = 0; judged_late < 2; judged_late++) {
		struct conn_kit k;
		uint8_t chunk[1024];
		conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
		k.a.hold_judgement = judged_late;
		agree(&k);
		size_t n = auth_of(&k, chunk);
		n += info_of(&k, chunk + n, sizeof chunk - n);
		memcpy(chunk + n, packet, sizeof packet);
		n += sizeof packet;
		memcpy(chunk + n, packet, 5); /* and the beginning of one more */
		send_chunk(&k, chunk, n + 5);
		assert_true(k.a.upgraded);
		if (judged_late) {
			assert_int_equal(k.a.conn.state, SY_CONN_JUDGING);
			assert_int_equal(sy_conn_read_window(&k.a.conn, &k.a.shared, k.now), 0);
			/* What was read before the window closed is kept as well. */
			send_chunk(&k, packet + 5, sizeof packet - 5);
			send_chunk(&k, packet, sizeof packet);
			assert_int_equal(k.a.messages, 0);
			assert_int_equal(sy_conn_run(&k.a.conn, &k.a.shared, k.now), SY_OK);
			conn_kit_feed(&k, &k.a, NULL, 0);
			assert_int_equal(k.a.messages, 3);
		} else {
			assert_int_equal(k.a.messages, 1);
			send_chunk(&k, packet + 5, sizeof packet - 5);
			assert_int_equal(k.a.messages, 2);
		}
		assert_int_equal(k.a.last_channel, 0x22);
		assert_int_equal(k.a.last_fill, 'p');
		conn_kit_close(&k);
	}
}

static void test_conn_upgrade_works_off_what_came_before_our_own_signature(void **state)
{
	struct conn_kit k;
	uint8_t chunk[1024];
	conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
	k.a.hold_signature = true;
	agree(&k);
	size_t n = auth_of(&k, chunk);
	send_chunk(&k, chunk, n);
	n = info_of(&k, chunk, sizeof chunk);
	send_chunk(&k, chunk, n);
	assert_int_equal(k.a.conn.state, SY_CONN_AUTH);
	assert_int_equal(sy_conn_read_window(&k.a.conn, &k.a.shared, k.now), 0);
	uint8_t sig[64];
	k.a.env.env.crypto->sign(sig, k.a.secret, k.a.challenge);
	sy_conn_signed(&k.a.conn, &k.a.shared, sig, k.now);
	assert_true(sy_conn_deadline(&k.a.conn, &k.a.shared) <= k.now);
	conn_kit_until(&k, k.now);
	assert_true(k.a.upgraded);
	/* Its own bytes go out in order all the same. */
	assert_int_equal(k.b.wire_len + k.b.taken, 35 + 2 * SY_FRAME_SEALED);
	conn_kit_close(&k);
}

/* The dialler hears the other's version before it tells its own, so that one connection is enough. */
static void test_conn_upgrade_dialler_learns_the_block_version_at_once(void **state)
{
	struct conn_kit k;
	conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_UPSTREAM);
	k.b.info.block_version = 12;
	conn_kit_open(&k, NULL);
	k.a.shared.learn = SY_CONN_LEARN_ANY;
	conn_kit_pump(&k);
	assert_running(&k.a, &k.b);
	assert_running(&k.b, &k.a);
	assert_int_equal(k.a.info.block_version, 12);
	assert_int_equal(k.b.identity.info.block_version, 12);
	assert_int_equal(k.a.shared.learn, SY_CONN_LEARN_NOTHING);
	conn_kit_close(&k);
}

static void test_conn_upgrade_two_that_learn_do_not_wait_for_each_other(void **state)
{
	struct conn_kit k;
	conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
	k.b.info.block_version = 12;
	conn_kit_open(&k, NULL);
	k.a.shared.learn = k.b.shared.learn = SY_CONN_LEARN_ANY;
	conn_kit_pump(&k);
	assert_running(&k.a, &k.b);
	assert_running(&k.b, &k.a);
	assert_int_equal(k.a.info.block_version, 12);
	assert_int_equal(k.a.shared.learn, SY_CONN_LEARN_NOTHING);
	assert_int_equal(k.b.shared.learn, SY_CONN_LEARN_DIALLED);
	conn_kit_close(&k);
}

/* A strict dialler has refused us by then; the next one will not. */
static void test_conn_upgrade_accepter_learns_until_it_has_dialled(void **state)
{
	static const enum sy_conn_learn learns[] = {SY_CONN_LEARN_ANY, SY_CONN_LEARN_DIALLED, SY_CONN_LEARN_NOTHING};
	for (size_t i = 0; i < ARRAY_LEN(learns); i++) {
		struct conn_kit k;
		conn_kit_init(&k, SY_PROFILE_UPSTREAM, SY_PROFILE_DEFAULT);
		k.a.info.block_version = 12;
		conn_kit_open(&k, NULL);
		k.b.shared.learn = learns[i];
		conn_kit_pump(&k);
		assert_int_equal(k.a.err, SY_PEER_BLOCK_VERSION);
		assert_int_equal(k.b.info.block_version, i == 0 ? 12 : 11);
		assert_int_equal(k.b.shared.learn, i == 0 ? SY_CONN_LEARN_DIALLED : learns[i]);
		conn_kit_close(&k);
	}
}

static void test_conn_upgrade_learns_nothing_from_who_does_not_fit(void **state)
{
	struct conn_kit k;
	conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
	k.b.info.block_version = 12;
	k.b.info.network = text("another");
	conn_kit_open(&k, NULL);
	k.a.shared.learn = SY_CONN_LEARN_ANY;
	conn_kit_pump(&k);
	assert_int_equal(k.a.err, SY_PEER_NETWORK);
	assert_int_equal(k.a.info.block_version, 11);
	assert_int_equal(k.a.shared.learn, SY_CONN_LEARN_ANY);
	conn_kit_close(&k);
}

/* What is half sent of an old node info stays half sent: that connection ends, and nothing worse. */
static void test_conn_upgrade_learns_in_the_middle_of_a_large_node_info(void **state)
{
	static const uint64_t versions[][2] = {{11, 300}, {300, 11}};
	static char moniker[9000];
	memset(moniker, 'm', sizeof moniker - 1);
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		struct conn_kit k;
		conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
		k.b.info.moniker = text(moniker);
		k.b.info.block_version = versions[i][0];
		k.a.info.block_version = versions[i][1];
		k.piece = 1100;
		conn_kit_open(&k, NULL);
		k.b.shared.learn = SY_CONN_LEARN_ANY;
		conn_kit_pump(&k);
		assert_int_equal(k.b.info.block_version, versions[i][1]);
		conn_kit_close(&k);
	}
}

static void test_conn_upgrade_skips_empty_frames(void **state)
{
	struct conn_kit k;
	uint8_t chunk[1024];
	conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
	agree(&k);
	size_t n = auth_of(&k, chunk);
	send_chunk(&k, chunk, 50);
	send_chunk(&k, chunk, 0);
	send_chunk(&k, chunk + 50, n - 50);
	send_chunk(&k, chunk, 0);
	n = info_of(&k, chunk, sizeof chunk);
	send_chunk(&k, chunk, n);
	send_chunk(&k, chunk, 0);
	assert_int_equal(k.a.conn.state, SY_CONN_RUNNING);
	conn_kit_close(&k);
}

static void test_conn_upgrade_leaves_a_host_name_alone_in_default(void **state)
{
	struct conn_kit k;
	conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
	k.b.info.listen_addr = text("tcp://node.example:26656");
	conn_kit_open(&k, NULL);
	conn_kit_pump(&k);
	assert_running(&k.a, &k.b);
	assert_false(k.a.asked_resolve);
	assert_int_equal(k.a.identity.reported.flags, 0);
	conn_kit_close(&k);
}

static void test_conn_upgrade_looks_a_host_name_up_in_upstream(void **state)
{
	static const uint8_t ip[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 9, 8, 7, 6};
	for (int known = 0; known < 2; known++) {
		struct conn_kit k;
		conn_kit_init(&k, SY_PROFILE_UPSTREAM, SY_PROFILE_UPSTREAM);
		k.b.info.listen_addr = text("tcp://node.example:26656");
		conn_kit_open(&k, NULL);
		conn_kit_pump(&k);
		assert_true(k.a.asked_resolve);
		assert_int_equal(k.a.conn.state, SY_CONN_RESOLVING);
		assert_int_equal(sy_conn_deadline(&k.a.conn, &k.a.shared), UINT64_MAX);
		assert_int_equal(sy_conn_resolved(&k.a.conn, &k.a.shared, known ? ip : NULL, k.now), known ? SY_OK : SY_PEER_BAD_NODE_INFO);
		if (known) {
			conn_kit_feed(&k, &k.a, NULL, 0);
			conn_kit_pump(&k);
			assert_running(&k.a, &k.b);
			assert_memory_equal(k.a.identity.reported.ip, ip, 16);
			assert_true(k.a.identity.reported.flags & SY_ADDR_HAS_ID);
		}
		conn_kit_close(&k);
	}
}

static void test_conn_upgrade_survives_every_allocation_that_fails(void **state)
{
	for (uint64_t nth = 1, failed = 1; failed; nth++) {
		struct conn_kit k;
		conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
		assert_int_equal(
		    sy_conn_shared_init(&k.a.shared, &k.a.env.env, sy_policy_of(SY_PROFILE_DEFAULT), &k.a.set, &k.a.config, &k.a.info, &k.a.id),
		    SY_OK);
		sy_conn_shared_fini(&k.a.shared);
		conn_kit_open(&k, NULL);
		k.piece = 300;
		test_env_fail_at(&k.a.env, nth, false);
		conn_kit_pump(&k);
		failed = k.a.env.failed;
		if (failed)
			assert_int_equal(k.a.err, SY_NO_MEMORY);
		else
			assert_running(&k.a, &k.b);
		conn_kit_close(&k);
	}
}

static void test_conn_start_without_memory_changes_nothing(void **state)
{
	struct conn_kit k;
	conn_kit_init(&k, SY_PROFILE_DEFAULT, SY_PROFILE_DEFAULT);
	conn_kit_open(&k, NULL);
	struct sy_conn c;
	for (uint64_t nth = 1; nth <= 1; nth++) {
		sy_conn_init(&c, false, 1);
		test_env_fail_at(&k.a.env, nth, false);
		assert_int_equal(sy_conn_start(&c, &k.a.shared, k.now, NULL), SY_NO_MEMORY);
		assert_int_equal(c.state, SY_CONN_FILTERING);
		test_env_fail_at(&k.a.env, 0, false);
		sy_conn_fini(&c, &k.a.shared);
	}
	conn_kit_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_conn_upgrade_succeeds_between_all_profiles_however_the_bytes_are_cut),
	    cmocka_unit_test(test_conn_upgrade_carries_a_large_node_info_over_several_frames),
	    cmocka_unit_test(test_conn_upgrade_with_another_id_than_dialled_fails_at_the_dialler),
	    cmocka_unit_test(test_conn_upgrade_with_ourselves_is_refused_after_our_node_info_is_out),
	    cmocka_unit_test(test_conn_upgrade_refuses_each_incompatibility_after_the_exchange),
	    cmocka_unit_test(test_conn_verdict_waits_for_our_node_info_but_not_past_the_deadline),
	    cmocka_unit_test(test_conn_turned_away_peer_gets_our_node_info),
	    cmocka_unit_test(test_conn_upgrade_times_out_in_each_phase),
	    cmocka_unit_test(test_conn_handshake_timeout_is_honoured_and_capped_in_default_only),
	    cmocka_unit_test(test_conn_upgrade_refuses_garbage_in_place_of_the_ephemeral_key),
	    cmocka_unit_test(test_conn_upgrade_refuses_garbage_in_place_of_frames),
	    cmocka_unit_test(test_conn_upgrade_refuses_a_node_info_over_the_limit),
	    cmocka_unit_test(test_conn_upgrade_refuses_bad_authentication),
	    cmocka_unit_test(test_conn_upgrade_takes_all_phases_out_of_one_frame_and_keeps_the_surplus),
	    cmocka_unit_test(test_conn_upgrade_works_off_what_came_before_our_own_signature),
	    cmocka_unit_test(test_conn_upgrade_dialler_learns_the_block_version_at_once),
	    cmocka_unit_test(test_conn_upgrade_two_that_learn_do_not_wait_for_each_other),
	    cmocka_unit_test(test_conn_upgrade_accepter_learns_until_it_has_dialled),
	    cmocka_unit_test(test_conn_upgrade_learns_nothing_from_who_does_not_fit),
	    cmocka_unit_test(test_conn_upgrade_learns_in_the_middle_of_a_large_node_info),
	    cmocka_unit_test(test_conn_upgrade_skips_empty_frames),
	    cmocka_unit_test(test_conn_upgrade_leaves_a_host_name_alone_in_default),
	    cmocka_unit_test(test_conn_upgrade_looks_a_host_name_up_in_upstream),
	    cmocka_unit_test(test_conn_upgrade_survives_every_allocation_that_fails),
	    cmocka_unit_test(test_conn_start_without_memory_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
