/* The only file that includes libsodium's headers. */
#include "core/base/sodium.h"

#include "core/base/hash.h"

#include <sodium.h>
#include <string.h>

enum sy_err sy_sodium_init(void)
{
	return sodium_init() < 0 ? SY_INTERNAL : SY_OK;
}

void sy_sha256(uint8_t out[32], const void *bytes, size_t n)
{
	crypto_hash_sha256(out, bytes, n);
}

void sy_hmac_sha256(uint8_t out[32], const uint8_t *key, size_t key_len, const void *bytes, size_t n)
{
	crypto_auth_hmacsha256_state state;
	crypto_auth_hmacsha256_init(&state, key, key_len);
	crypto_auth_hmacsha256_update(&state, bytes, n);
	crypto_auth_hmacsha256_final(&state, out);
	sodium_memzero(&state, sizeof state);
}

uint64_t sy_siphash(const uint8_t key[16], const void *bytes, size_t n)
{
	uint8_t digest[crypto_shorthash_BYTES];
	crypto_shorthash(digest, bytes, n, key);
	return sy_load_u64le(digest);
}

void sy_x25519_public(uint8_t pub[32], const uint8_t priv[32])
{
	crypto_scalarmult_base(pub, priv);
}

enum sy_err sy_x25519(uint8_t shared[32], const uint8_t priv[32], const uint8_t pub[32])
{
	if (crypto_scalarmult(shared, priv, pub) == 0)
		return SY_OK;
	memset(shared, 0, 32);
	return SY_PEER_LOW_ORDER;
}

void sy_ed25519_keypair(uint8_t pub[32], uint8_t secret[64], const uint8_t seed[32])
{
	crypto_sign_ed25519_seed_keypair(pub, secret, seed);
}

void sy_ed25519_sign(uint8_t sig[64], const uint8_t secret[64], const void *bytes, size_t n)
{
	crypto_sign_ed25519_detached(sig, NULL, bytes, n, secret);
}

/*
 * libsodium follows RFC 8032 and also refuses small-order and non-canonical keys, which upstream's ZIP-215 rules let
 * pass: the two differ for hostile keys only (protocol.md 2.4.6).
 */
bool sy_ed25519_verify(const uint8_t pub[32], const uint8_t sig[64], const void *bytes, size_t n)
{
	return crypto_sign_ed25519_verify_detached(sig, bytes, n, pub) == 0;
}

/*
 * The eight points whose order divides 8, by the encodings of their y (two of them with a non-canonical twin). The
 * sign of x is masked before the comparison. crypto_core_ed25519_is_valid_point would refuse mixed-order keys as well,
 * which honest implementations accept.
 */
bool sy_ed25519_small_order(const uint8_t pub[32])
{
	static const uint8_t small[][32] = {
	    {0},                                                                     /* 0: order 4 */
	    {1},                                                                     /* 1: the neutral point */
	    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, /* order 8 */
	     0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
	    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, /* order 8 */
	     0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
	};
	uint8_t y[32];
	memcpy(y, pub, sizeof y);
	y[31] &= 0x7f;
	for (size_t i = 0; i < sizeof small / sizeof *small; i++)
		if (memcmp(y, small[i], sizeof y) == 0)
			return true;
	/* p - 1 (order 2), and p and p + 1, which are 0 and 1 again: they differ in the first byte only. */
	for (int i = 1; i < 31; i++)
		if (y[i] != 0xff)
			return false;
	return y[31] == 0x7f && y[0] >= 0xec && y[0] <= 0xee;
}

static void nonce_of(uint8_t nonce[12], uint64_t counter)
{
	memset(nonce, 0, 4);
	sy_store_u64le(nonce + 4, counter);
}

void sy_aead_seal(uint8_t *out, const uint8_t *plain, size_t n, const uint8_t key[32], uint64_t counter)
{
	uint8_t nonce[12];
	nonce_of(nonce, counter);
	crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plain, n, NULL, 0, NULL, nonce, key);
}

bool sy_aead_open(uint8_t *plain, const uint8_t *sealed, size_t n, const uint8_t key[32], uint64_t counter)
{
	uint8_t nonce[12];
	nonce_of(nonce, counter);
	return crypto_aead_chacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed, n, NULL, 0, nonce, key) == 0;
}

void sy_random_bytes(void *buf, size_t n)
{
	randombytes_buf(buf, n);
}

bool sy_equal_ct(const void *a, const void *b, size_t n)
{
	return sodium_memcmp(a, b, n) == 0;
}
