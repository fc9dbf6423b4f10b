/* Merlin, key derivation, the handshake in both roles and sealed frames, against data/vectors.json and protocol.md 2.4. */
#include "core/base/sodium.h"
#include "core/secret/frames.h"
#include "core/secret/handshake.h"
#include "core/secret/keccak.h"
#include "core/secret/merlin.h"
#include "tests/support/data.h"
#include "tests/support/env.h"
#include "tests/support/unit.h"

static int setup(void **state)
{
	*state = test_data_json("vectors.json");
	return sy_sodium_init();
}

static int teardown(void **state)
{
	json_decref(*state);
	return 0;
}

static void expect_hex(const void *bytes, size_t n, const char *hex)
{
	uint8_t wanted[256];
	assert_int_equal(test_hex(hex, wanted, sizeof wanted), n);
	assert_memory_equal(bytes, wanted, n);
}

static void expect_member(const void *bytes, size_t n, const json_t *object, const char *key)
{
	uint8_t wanted[SY_FRAME_SEALED];
	test_data_hex(object, key, wanted, n);
	assert_memory_equal(bytes, wanted, n);
}

static void test_keccak_permutes_the_zero_state(void **state)
{
	uint8_t st[200] = {0};
	sy_keccak_f1600(st);
	expect_hex(st, 32, "e7dde140798f25f18a47c033f9ccd584eea95aa61e2698d54d49806f304715bd");
}

static void test_merlin_gives_its_published_vectors(void **state)
{
	struct sy_merlin m;
	uint8_t c[32], big[1024];
	sy_merlin_init(&m, "test protocol");
	sy_merlin_append(&m, "some label", "some data", 9);
	sy_merlin_extract(&m, "challenge", c, sizeof c);
	expect_hex(c, 32, "d5a21972d0d5fe320c0d263fac7fffb8145aa640af6e9bca177c03c7efcf0615");

	memset(big, 0x63, sizeof big);
	sy_merlin_init(&m, "test protocol");
	sy_merlin_append(&m, "step1", "some data", 9);
	for (int i = 0; i < 32; i++) {
		sy_merlin_extract(&m, "challenge", c, sizeof c);
		sy_merlin_append(&m, "bigdata", big, sizeof big);
		sy_merlin_append(&m, "challengedata", c, sizeof c);
	}
	expect_hex(c, 32, "a8c933f54fae76e3f9bea93648c1308e7dfa2152dd51674ff3ca438351cf003c");
}

static void test_hkdf_gives_the_golden_keys(void **state)
{
	json_t *rows = json_object_get(*state, "kdf");
	uint8_t dh[32], okm[96];
	assert_int_equal(json_array_size(rows), 4);
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);
		bool least = json_is_true(json_object_get(row, "loc_is_least"));
		test_data_hex(row, "dh", dh, sizeof dh);
		sy_hkdf_keys(okm, dh);
		expect_member(okm, 32, row, least ? "recv" : "send");
		expect_member(okm + 32, 32, row, least ? "send" : "recv");
		expect_member(okm + 64, 32, row, "unused_tail");
	}
	test_data_hex(*state, "dh_secret", dh, sizeof dh);
	sy_hkdf_keys(okm, dh);
	expect_member(okm, 96, *state, "hkdf_96");
}

/* One side of the handshake of the vectors. */
struct side {
	struct sy_handshake h;
	struct sy_session_keys keys;
	struct sy_frames frames;
	uint8_t pub[32], secret[64];
	uint8_t ephemeral[SY_EPHEMERAL_MESSAGE], auth[SY_AUTH_MESSAGE];
};

static void begin(struct side *s, const json_t *v, const char *eph_key, const char *seed_key)
{
	const struct sy_crypto *crypto = sy_crypto_real();
	uint8_t priv[32], seed[32];
	test_data_hex(v, eph_key, priv, 32);
	test_data_hex(v, seed_key, seed, 32);
	crypto->keypair(s->pub, s->secret, seed);
	sy_handshake_init(&s->h, crypto, priv);
	sy_handshake_ephemeral(&s->h, s->ephemeral);
}

static void agree(struct side *s, const struct side *other)
{
	const struct sy_crypto *crypto = sy_crypto_real();
	uint8_t remote[32], sig[64], zero[32] = {0};
	size_t consumed;
	assert_int_equal(sy_handshake_parse_ephemeral(other->ephemeral, SY_EPHEMERAL_MESSAGE, true, remote, &consumed), SY_OK);
	assert_int_equal(consumed, SY_EPHEMERAL_MESSAGE);
	assert_int_equal(sy_handshake_agree(&s->h, crypto, remote, &s->keys), SY_OK);
	assert_memory_equal(s->h.priv, zero, 32);
	crypto->sign(sig, s->secret, s->h.challenge);
	sy_handshake_auth(s->auth, s->pub, sig);
	sy_frames_init(&s->frames, &s->keys);
}

static void both(struct side *a, struct side *b, const json_t *v)
{
	begin(a, v, "A_eph_priv", "A_ed25519_seed");
	begin(b, v, "B_eph_priv", "B_ed25519_seed");
	agree(a, b);
	agree(b, a);
}

static void test_handshake_gives_the_vectors_in_both_roles(void **state)
{
	struct side a, b;
	both(&a, &b, *state);
	expect_member(a.ephemeral, SY_EPHEMERAL_MESSAGE, *state, "wire_A_to_B_ephemeral");
	expect_member(b.ephemeral, SY_EPHEMERAL_MESSAGE, *state, "wire_B_to_A_ephemeral");
	expect_member(a.h.pub, 32, *state, "A_eph_pub");
	expect_member(b.h.pub, 32, *state, "B_eph_pub");
	expect_member(a.pub, 32, *state, "A_ed25519_pub");
	expect_member(b.pub, 32, *state, "B_ed25519_pub");
	expect_member(a.keys.send, 32, *state, "A_send_key_B_recv_key");
	expect_member(b.keys.recv, 32, *state, "A_send_key_B_recv_key");
	expect_member(a.keys.recv, 32, *state, "A_recv_key_B_send_key");
	expect_member(b.keys.send, 32, *state, "A_recv_key_B_send_key");
	expect_member(a.h.challenge, 32, *state, "challenge");
	expect_member(b.h.challenge, 32, *state, "challenge");
	expect_member(a.auth, SY_AUTH_MESSAGE, *state, "A_authsig_plain_delimited");
	expect_member(b.auth, SY_AUTH_MESSAGE, *state, "B_authsig_plain_delimited");
	struct sy_id id;
	char text[SY_ID_TEXT];
	sy_id_from_pubkey(&id, b.pub);
	sy_id_format(&id, text);
	assert_string_equal(text, json_string_value(json_object_get(*state, "B_id")));
}

static void seal(struct side *s, const void *bytes, size_t n, uint8_t *sealed)
{
	uint8_t plain[SY_FRAME_PLAIN];
	memset(plain, 0x77, sizeof plain); /* stale bytes, which must not get into the padding */
	memcpy(plain + 4, bytes, n);
	assert_int_equal(sy_frames_seal(&s->frames, sy_crypto_real(), plain, n, sealed), SY_OK);
}

static void test_frames_seal_gives_the_vectors(void **state)
{
	struct side a, b;
	uint8_t sealed[SY_FRAME_SEALED], info[139];
	both(&a, &b, *state);
	seal(&a, a.auth, sizeof a.auth, sealed);
	expect_member(sealed, sizeof sealed, *state, "A_sealed_frame_0");
	seal(&b, b.auth, sizeof b.auth, sealed);
	expect_member(sealed, sizeof sealed, *state, "B_sealed_frame_0");
	test_data_hex(*state, "A_nodeinfo_plain_delimited", info, sizeof info);
	seal(&a, info, sizeof info, sealed);
	expect_member(sealed, sizeof sealed, *state, "A_sealed_frame_1");
	seal(&a, "\x02\x0a\x00", 3, sealed);
	expect_member(sealed, sizeof sealed, *state, "A_sealed_frame_2");
	assert_int_equal(a.frames.send_counter, 3);
}

static void test_frames_open_returns_what_was_sealed(void **state)
{
	struct side a, b;
	uint8_t sealed[SY_FRAME_SEALED], plain[SY_FRAME_PLAIN], data[SY_FRAME_CHUNK], remote[32];
	struct sy_span chunk;
	const struct sy_crypto *crypto = sy_crypto_real();
	both(&a, &b, *state);
	test_data_hex(*state, "A_sealed_frame_0", sealed, sizeof sealed);
	assert_int_equal(sy_frames_open(&b.frames, crypto, sealed, plain, &chunk), SY_OK);
	assert_int_equal(chunk.len, SY_AUTH_MESSAGE);
	assert_int_equal(sy_handshake_verify(&b.h, crypto, chunk.ptr + 1, chunk.len - 1, true, remote), SY_OK);
	assert_memory_equal(remote, a.pub, 32);
	/* The same frame again has the wrong counter. */
	assert_int_equal(sy_frames_open(&b.frames, crypto, sealed, plain, &chunk), SY_PEER_BAD_FRAME);
	assert_int_equal(chunk.len, 0);
	assert_int_equal(b.frames.recv_counter, 1);
	memset(data, 0x31, sizeof data);
	a.frames.send_counter = 1;
	seal(&a, data, sizeof data, sealed);
	sealed[500] ^= 1;
	assert_int_equal(sy_frames_open(&b.frames, crypto, sealed, plain, &chunk), SY_PEER_BAD_FRAME);
	sealed[500] ^= 1;
	assert_int_equal(sy_frames_open(&b.frames, crypto, sealed, plain, &chunk), SY_OK);
	assert_int_equal(chunk.len, 1024);
	assert_memory_equal(chunk.ptr, data, sizeof data);
}

static enum sy_err open_with_length(struct side *a, struct side *b, uint32_t len, struct sy_span *chunk, uint8_t *opened)
{
	uint8_t plain[SY_FRAME_PLAIN] = {(uint8_t)len, (uint8_t)(len >> 8), (uint8_t)(len >> 16), (uint8_t)(len >> 24)};
	uint8_t sealed[SY_FRAME_SEALED];
	sy_crypto_real()->seal(sealed, plain, a->keys.send, b->frames.recv_counter);
	return sy_frames_open(&b->frames, sy_crypto_real(), sealed, opened, chunk);
}

static void test_frames_open_judges_the_length(void **state)
{
	struct side a, b;
	struct sy_span chunk;
	uint8_t opened[SY_FRAME_PLAIN];
	both(&a, &b, *state);
	assert_int_equal(open_with_length(&a, &b, 0, &chunk, opened), SY_OK);
	assert_int_equal(chunk.len, 0);
	assert_int_equal(open_with_length(&a, &b, 1024, &chunk, opened), SY_OK);
	assert_int_equal(open_with_length(&a, &b, 1025, &chunk, opened), SY_PEER_FRAME_LENGTH);
	assert_int_equal(chunk.len, 0);
	assert_int_equal(open_with_length(&a, &b, 0x80000001u, &chunk, opened), SY_PEER_FRAME_LENGTH);
}

static void test_frames_stop_before_the_last_nonce(void **state)
{
	struct side a, b;
	uint8_t sealed[SY_FRAME_SEALED], plain[SY_FRAME_PLAIN] = {0};
	struct sy_span chunk;
	both(&a, &b, *state);
	a.frames.send_counter = b.frames.recv_counter = UINT64_MAX - 1;
	seal(&a, "x", 1, sealed);
	assert_int_equal(sy_frames_open(&b.frames, sy_crypto_real(), sealed, plain, &chunk), SY_OK);
	assert_int_equal(sy_frames_seal(&a.frames, sy_crypto_real(), plain, 1, sealed), SY_NONCE_EXHAUSTED);
	assert_int_equal(sy_frames_open(&b.frames, sy_crypto_real(), sealed, plain, &chunk), SY_NONCE_EXHAUSTED);
	struct sy_frames zero;
	memset(&zero, 0, sizeof zero);
	sy_frames_fini(&a.frames);
	assert_memory_equal(&a.frames, &zero, sizeof zero);
	sy_handshake_fini(&a.h);
	assert_int_equal(a.h.challenge[0] | a.h.pub[5], 0);
}

static void test_handshake_parse_ephemeral_judges(void **state)
{
	static const struct {
		const char *head; /* then 0x55 up to `total` bytes */
		size_t total;
		enum sy_err strict, lax;
		size_t key; /* bytes of key when lax */
	} rows[] = {
	    {"", 0, SY_AGAIN, SY_AGAIN, 0},
	    {"22", 1, SY_AGAIN, SY_AGAIN, 0},
	    {"220a20", 34, SY_AGAIN, SY_AGAIN, 0},
	    {"220a20", 35, SY_OK, SY_OK, 32},
	    {"220a20", 60, SY_OK, SY_OK, 32},
	    {"a2000a20", 36, SY_OK, SY_OK, 32},
	    {"210a1f", 34, SY_PEER_BAD_EPHEMERAL, SY_OK, 31},
	    {"230a21", 36, SY_PEER_BAD_EPHEMERAL, SY_OK, 32},
	    {"00", 1, SY_PEER_BAD_EPHEMERAL, SY_OK, 0},
	    {"020a00", 3, SY_PEER_BAD_EPHEMERAL, SY_OK, 0},
	    {"2410010a20", 37, SY_OK, SY_OK, 32},                             /* an unknown field before it */
	    {"2208 20", 35, SY_PEER_BAD_EPHEMERAL, SY_PEER_BAD_EPHEMERAL, 0}, /* wrong wire type */
	    {"220a21", 35, SY_PEER_BAD_EPHEMERAL, SY_PEER_BAD_EPHEMERAL, 0},  /* longer than the message */
	    {"8008", 2, SY_AGAIN, SY_AGAIN, 0},                               /* 1,024 */
	    {"8108", 2, SY_PEER_BAD_EPHEMERAL, SY_PEER_BAD_EPHEMERAL, 0},     /* 1,025 */
	    {"ffffffffffffffffffff", 10, SY_PEER_BAD_EPHEMERAL, SY_PEER_BAD_EPHEMERAL, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t buf[64], remote[32], wanted[32] = {0};
		size_t consumed = 0;
		memset(buf, 0x55, sizeof buf);
		test_hex(rows[i].head, buf, sizeof buf);
		assert_int_equal(sy_handshake_parse_ephemeral(buf, rows[i].total, true, remote, &consumed), rows[i].strict);
		assert_int_equal(sy_handshake_parse_ephemeral(buf, rows[i].total, false, remote, &consumed), rows[i].lax);
		if (rows[i].lax != SY_OK)
			continue;
		memset(wanted, 0x55, rows[i].key);
		assert_memory_equal(remote, wanted, 32);
		assert_true(consumed > 0 && consumed <= rows[i].total);
	}
}

static void test_handshake_agree_refuses_low_order_keys(void **state)
{
	json_t *list = json_object_get(*state, "x25519_low_order_public_keys_must_be_rejected");
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct sy_handshake h;
		struct sy_session_keys keys, zero;
		uint8_t priv[32] = {5}, remote[32];
		memset(&zero, 0, sizeof zero);
		test_hex(json_string_value(json_array_get(list, i)), remote, sizeof remote);
		sy_handshake_init(&h, sy_crypto_real(), priv);
		assert_int_equal(sy_handshake_agree(&h, sy_crypto_real(), remote, &keys), SY_PEER_LOW_ORDER);
		assert_memory_equal(&keys, &zero, sizeof keys);
		assert_memory_equal(h.priv, zero.recv, 32);
	}
}

static void test_handshake_agree_with_our_own_key_makes_both_least(void **state)
{
	struct sy_handshake h;
	struct sy_session_keys keys;
	uint8_t priv[32] = {5}, okm[96], dh[32];
	sy_handshake_init(&h, sy_crypto_real(), priv);
	assert_int_equal(sy_x25519(dh, priv, h.pub), SY_OK);
	sy_hkdf_keys(okm, dh);
	assert_int_equal(sy_handshake_agree(&h, sy_crypto_real(), h.pub, &keys), SY_OK);
	assert_memory_equal(keys.recv, okm, 32);
	assert_memory_equal(keys.send, okm + 32, 32);
}

/* What this side says of an auth message's payload. */
static enum sy_err verify_changed(const struct side *by, const uint8_t *auth, size_t n, bool strict)
{
	uint8_t remote[32];
	return sy_handshake_verify(&by->h, sy_crypto_real(), auth, n, strict, remote);
}

static void test_handshake_verify_judges(void **state)
{
	struct side a, b;
	uint8_t m[SY_AUTH_MESSAGE + 40];
	size_t n = SY_AUTH_MESSAGE - 1;
	both(&a, &b, *state);
	memcpy(m, a.auth + 1, n);
	assert_int_equal(verify_changed(&b, m, n, true), SY_OK);
	assert_int_equal(verify_changed(&b, m, n, false), SY_OK);
	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(verify_changed(&b, m, cut, true), cut == 36 ? SY_PEER_BAD_SIGNATURE : SY_PEER_BAD_AUTH);
	memcpy(m + n, "\x78\x01", 2); /* an unknown field */
	assert_int_equal(verify_changed(&b, m, n + 2, true), SY_OK);
	m[n] = 0x10; /* sig of another type */
	assert_int_equal(verify_changed(&b, m, n + 2, true), SY_PEER_BAD_AUTH);
	m[60] ^= 1;
	assert_int_equal(verify_changed(&b, m, n, true), SY_PEER_BAD_SIGNATURE);
	m[60] ^= 1;
	m[10] ^= 1;
	assert_int_equal(verify_changed(&b, m, n, true), SY_PEER_BAD_SIGNATURE);
	m[10] ^= 1;
	for (uint8_t member = 2; member <= 5; member++) {
		m[2] = (uint8_t)(member << 3 | 2);
		assert_int_equal(verify_changed(&b, m, n, true), SY_PEER_KEY_TYPE);
	}
	m[2] = 6 << 3 | 2; /* a member that nobody knows: no key */
	assert_int_equal(verify_changed(&b, m, n, true), SY_PEER_BAD_AUTH);
	m[2] = 0x08;
	assert_int_equal(verify_changed(&b, m, n, true), SY_PEER_BAD_AUTH);
}

static void test_handshake_verify_refuses_wrong_lengths(void **state)
{
	struct side a, b;
	uint8_t m[128];
	both(&a, &b, *state);
	/* a key of 31 bytes */
	memcpy(m, "\x0a\x21\x0a\x1f", 4);
	memcpy(m + 4, a.pub, 31);
	memcpy(m + 35, a.auth + 37, 66);
	assert_int_equal(verify_changed(&b, m, 101, true), SY_PEER_BAD_AUTH);
	/* a signature of 63 bytes, and none */
	memcpy(m, a.auth + 1, 102);
	m[37] = 63;
	assert_int_equal(verify_changed(&b, m, 101, true), SY_PEER_BAD_SIGNATURE);
	assert_int_equal(verify_changed(&b, m, 36, true), SY_PEER_BAD_SIGNATURE);
	/* an empty key message */
	assert_int_equal(verify_changed(&b, (const uint8_t *)"\x0a\x00", 2, true), SY_PEER_BAD_AUTH);
}

static void test_handshake_verify_refuses_the_neutral_key(void **state)
{
	struct side a, b;
	uint8_t m[SY_AUTH_MESSAGE], pub[32] = {1}, sig[64] = {1};
	both(&a, &b, *state);
	sy_handshake_auth(m, pub, sig);
	assert_int_equal(verify_changed(&b, m + 1, sizeof m - 1, true), SY_PEER_BAD_AUTH);
	assert_int_equal(verify_changed(&b, m + 1, sizeof m - 1, false), SY_PEER_BAD_SIGNATURE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keccak_permutes_the_zero_state),
	    cmocka_unit_test(test_merlin_gives_its_published_vectors),
	    cmocka_unit_test(test_hkdf_gives_the_golden_keys),
	    cmocka_unit_test(test_handshake_gives_the_vectors_in_both_roles),
	    cmocka_unit_test(test_frames_seal_gives_the_vectors),
	    cmocka_unit_test(test_frames_open_returns_what_was_sealed),
	    cmocka_unit_test(test_frames_open_judges_the_length),
	    cmocka_unit_test(test_frames_stop_before_the_last_nonce),
	    cmocka_unit_test(test_handshake_parse_ephemeral_judges),
	    cmocka_unit_test(test_handshake_agree_refuses_low_order_keys),
	    cmocka_unit_test(test_handshake_agree_with_our_own_key_makes_both_least),
	    cmocka_unit_test(test_handshake_verify_judges),
	    cmocka_unit_test(test_handshake_verify_refuses_wrong_lengths),
	    cmocka_unit_test(test_handshake_verify_refuses_the_neutral_key),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
