/* The door to libsodium: known answers, and what our wrappers add. */
#include "core/base/sodium.h"
#include "tests/support/data.h"
#include "tests/support/env.h"
#include "tests/support/unit.h"

static int setup(void **state)
{
	return sy_sodium_init();
}

static void expect_hex(const void *bytes, size_t n, const char *hex)
{
	uint8_t wanted[128];
	assert_int_equal(test_hex(hex, wanted, sizeof wanted), n);
	assert_memory_equal(bytes, wanted, n);
}

static void test_sha256_of_abc(void **state)
{
	uint8_t out[32];
	sy_sha256(out, "abc", 3);
	expect_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_hmac_sha256_of_rfc4231_case_2(void **state)
{
	uint8_t out[32];
	sy_hmac_sha256(out, (const uint8_t *)"Jefe", 4, "what do ya want for nothing?", 28);
	expect_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void test_siphash_of_its_authors_vector(void **state)
{
	uint8_t key[16], text[15];
	for (uint8_t i = 0; i < 16; i++)
		key[i] = i;
	memcpy(text, key, sizeof text);
	assert_int_equal(sy_siphash(key, text, sizeof text), 0xa129ca6149be45e5ull);
}

static void test_x25519_refuses_low_order_keys(void **state)
{
	json_t *root = test_data_json("vectors.json");
	json_t *list = json_object_get(root, "x25519_low_order_public_keys_must_be_rejected");
	uint8_t priv[32] = {1, 2, 3}, pub[32], shared[32], zero[32] = {0};
	assert_int_equal(json_array_size(list), 7);
	for (size_t i = 0; i < json_array_size(list); i++) {
		test_hex(json_string_value(json_array_get(list, i)), pub, sizeof pub);
		memset(shared, 0xaa, sizeof shared);
		assert_int_equal(sy_x25519(shared, priv, pub), SY_PEER_LOW_ORDER);
		assert_memory_equal(shared, zero, sizeof zero);
	}
	json_decref(root);
}

static void test_ed25519_signs_and_verifies(void **state)
{
	uint8_t seed[32] = {9}, pub[32], secret[64], sig[64];
	sy_ed25519_keypair(pub, secret, seed);
	assert_memory_equal(secret, seed, 32);
	assert_memory_equal(secret + 32, pub, 32);
	sy_ed25519_sign(sig, secret, "challenge", 9);
	assert_true(sy_ed25519_verify(pub, sig, "challenge", 9));
	assert_false(sy_ed25519_verify(pub, sig, "challengf", 9));
	sig[0] ^= 1;
	assert_false(sy_ed25519_verify(pub, sig, "challenge", 9));
	assert_false(sy_ed25519_small_order(pub));
}

static void test_ed25519_small_order_keys_are_known_and_never_verify(void **state)
{
	static const char *const small[] = {
	    "0000000000000000000000000000000000000000000000000000000000000000",
	    "0000000000000000000000000000000000000000000000000000000000000080",
	    "0100000000000000000000000000000000000000000000000000000000000000",
	    "0100000000000000000000000000000000000000000000000000000000000080",
	    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	};
	uint8_t pub[32], neutral_sig[64] = {1};
	for (size_t i = 0; i < ARRAY_LEN(small); i++) {
		test_hex(small[i], pub, sizeof pub);
		assert_true(sy_ed25519_small_order(pub));
		assert_false(sy_ed25519_verify(pub, neutral_sig, "any", 3));
	}
	test_hex("ebffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", pub, sizeof pub);
	assert_false(sy_ed25519_small_order(pub));
	test_hex("efffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", pub, sizeof pub);
	assert_false(sy_ed25519_small_order(pub));
	test_hex("0200000000000000000000000000000000000000000000000000000000000000", pub, sizeof pub);
	assert_false(sy_ed25519_small_order(pub));
}

static void test_aead_opens_only_what_was_sealed(void **state)
{
	uint8_t key[32] = {7}, plain[40] = {1, 2, 3}, sealed[56], opened[40];
	sy_aead_seal(sealed, plain, sizeof plain, key, 5);
	assert_true(sy_aead_open(opened, sealed, sizeof sealed, key, 5));
	assert_memory_equal(opened, plain, sizeof plain);
	assert_false(sy_aead_open(opened, sealed, sizeof sealed, key, 6));
	assert_false(sy_aead_open(opened, sealed, sizeof sealed - 1, key, 5));
	sealed[55] ^= 1;
	assert_false(sy_aead_open(opened, sealed, sizeof sealed, key, 5));
}

static void test_equal_ct_compares_all_bytes(void **state)
{
	assert_true(sy_equal_ct("abcd", "abcd", 4));
	assert_false(sy_equal_ct("abcd", "abce", 4));
	assert_true(sy_equal_ct("abcd", "abce", 3));
}

static void test_random_bytes_differ(void **state)
{
	uint8_t a[32], b[32];
	sy_random_bytes(a, sizeof a);
	sy_random_bytes(b, sizeof b);
	assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sha256_of_abc),
	    cmocka_unit_test(test_hmac_sha256_of_rfc4231_case_2),
	    cmocka_unit_test(test_siphash_of_its_authors_vector),
	    cmocka_unit_test(test_x25519_refuses_low_order_keys),
	    cmocka_unit_test(test_ed25519_signs_and_verifies),
	    cmocka_unit_test(test_ed25519_small_order_keys_are_known_and_never_verify),
	    cmocka_unit_test(test_aead_opens_only_what_was_sealed),
	    cmocka_unit_test(test_equal_ct_compares_all_bytes),
	    cmocka_unit_test(test_random_bytes_differ),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
