/* The one door to libsodium (core/base/sodium.c is the only file that includes its headers). */
#ifndef SY_BASE_SODIUM_H
#define SY_BASE_SODIUM_H

#include "core/switchyard.h"

SY_MUST enum sy_err sy_sodium_init(void); /* idempotent, thread-safe; SY_INTERNAL when libsodium refuses */
void sy_sha256(uint8_t out[32], const void *bytes, size_t n);
void sy_hmac_sha256(uint8_t out[32], const uint8_t *key, size_t key_len, const void *bytes, size_t n);
uint64_t sy_siphash(const uint8_t key[16], const void *bytes, size_t n); /* SipHash-2-4, value of the little-endian digest */
void sy_x25519_public(uint8_t pub[32], const uint8_t priv[32]);
/* SY_PEER_LOW_ORDER when the result is all zero. */
SY_MUST enum sy_err sy_x25519(uint8_t shared[32], const uint8_t priv[32], const uint8_t pub[32]);
void sy_ed25519_keypair(uint8_t pub[32], uint8_t secret[64], const uint8_t seed[32]);
void sy_ed25519_sign(uint8_t sig[64], const uint8_t secret[64], const void *bytes, size_t n);
bool sy_ed25519_verify(const uint8_t pub[32], const uint8_t sig[64], const void *bytes, size_t n);
bool sy_ed25519_small_order(const uint8_t pub[32]);
/*
 * ChaCha20-Poly1305-IETF, no additional data, nonce 00000000 || u64le counter. seal: n plain bytes in, n + 16 out; open: n sealed
 * bytes in, n - 16 out; false when the tag is wrong, and nothing may be read from plain then.
 */
void sy_aead_seal(uint8_t *out, const uint8_t *plain, size_t n, const uint8_t key[32], uint64_t counter);
SY_MUST bool sy_aead_open(uint8_t *plain, const uint8_t *sealed, size_t n, const uint8_t key[32], uint64_t counter);
void sy_random_bytes(void *buf, size_t n); /* for the real environment only */
bool sy_equal_ct(const void *a, const void *b, size_t n);

#endif
