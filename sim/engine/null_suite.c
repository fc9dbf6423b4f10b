/* Cheap deterministic mixes in the place of curves and ciphers. */
#include <string.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "sim/engine/null_suite.h"

enum { LABEL_EPHEMERAL = 0x65, LABEL_AGREE = 0x61, LABEL_KEYPAIR = 0x6b, LABEL_SIGN = 0x73 };

static uint64_t absorb32(uint64_t h, const uint8_t in[32])
{
	for (int i = 0; i < 32; i += 8) {
		h = sy_mix64(sy_hash_u64(h, sy_load_u64le(in + i)));
	}
	return h;
}

static void squeeze(uint8_t *out, size_t n, uint64_t h)
{
	for (size_t i = 0; i < n; i += 8) {
		h = sy_hash_u64(h, i);
		sy_store_u64le(out + i, sy_mix64(h));
	}
}

static void null_ephemeral_public(uint8_t pub[32], const uint8_t priv[32])
{
	squeeze(pub, 32, absorb32(LABEL_EPHEMERAL, priv));
}

/* Both sides know both publics, in the same order: that is all that agreement needs here. */
static enum sy_err null_agree(struct sy_session_keys *keys, const uint8_t priv[32], const uint8_t pub[32], const uint8_t remote_pub[32])
{
	static const uint8_t zero[32];
	if (memcmp(remote_pub, zero, sizeof zero) == 0) {
		return SY_PEER_LOW_ORDER;
	}
	uint8_t own[32];
	null_ephemeral_public(own, priv);
	bool least = memcmp(pub, remote_pub, 32) < 0;
	uint64_t h = absorb32(LABEL_AGREE, least ? own : remote_pub);
	h = absorb32(h, least ? remote_pub : own);
	uint8_t okm[96];
	squeeze(okm, sizeof okm, h);
	memcpy(keys->recv, least ? okm : okm + 32, 32);
	memcpy(keys->send, least ? okm + 32 : okm, 32);
	memcpy(keys->challenge, okm + 64, 32);
	return SY_OK;
}

static void null_keypair(uint8_t pub[32], uint8_t secret[64], const uint8_t seed[32])
{
	uint8_t made[32];
	squeeze(made, sizeof made, absorb32(LABEL_KEYPAIR, seed));
	memcpy(secret, seed, 32);
	memcpy(secret + 32, made, 32);
	memcpy(pub, made, 32);
}

static void signature(uint8_t sig[64], const uint8_t pub[32], const uint8_t challenge[32])
{
	uint64_t h = absorb32(LABEL_SIGN, pub);
	squeeze(sig, 64, absorb32(h, challenge));
}

static bool null_verify(const uint8_t pub[32], const uint8_t sig[64], const uint8_t challenge[32])
{
	uint8_t expected[64];
	signature(expected, pub, challenge);
	return memcmp(expected, sig, sizeof expected) == 0;
}

/* From the seed, not from the public half beside it: who puts another public key there does not get its signature. */
static void null_sign(uint8_t sig[64], const uint8_t secret[64], const uint8_t challenge[32])
{
	uint8_t pub[32];
	squeeze(pub, sizeof pub, absorb32(LABEL_KEYPAIR, secret));
	signature(sig, pub, challenge);
}

/* Folds a 128-bit product: two multiplications a frame must do, this runs millions of times. */
static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * (b | 1);
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Of the key, the counter, the length word and the first bytes; the same on all machines, since it is in traces. */
static inline void tag_of(uint64_t tag[2], const uint8_t *frame, const uint8_t key[32], uint64_t counter)
{
	tag[0] = fold(sy_load_u64le(frame) ^ sy_load_u64le(key), counter * 0x9e3779b97f4a7c15ull);
	tag[1] = fold(sy_load_u64le(frame + 8) + tag[0], sy_load_u64le(key + 8));
}

/* Bytes of a frame that mean anything: the length word and what it announces. */
static size_t used(const uint8_t *plain)
{
	uint32_t len = (uint32_t)sy_load_u64le(plain);
	return 4 + (len < SY_FRAME_CHUNK ? len : SY_FRAME_CHUNK);
}

static void null_seal(uint8_t *sealed, const uint8_t *plain, const uint8_t key[32], uint64_t counter)
{
	uint64_t tag[2];
	if (sealed != plain) {
		memcpy(sealed, plain, SY_FRAME_PLAIN);
	}
	tag_of(tag, plain, key, counter);
	sy_store_u64le(sealed + SY_FRAME_PLAIN, tag[0]);
	sy_store_u64le(sealed + SY_FRAME_PLAIN + 8, tag[1]);
}

/* Whoever opens a frame looks at what the length word announces; the padding behind is left as it was. */
static bool null_open(uint8_t *plain, const uint8_t *sealed, const uint8_t key[32], uint64_t counter)
{
	uint64_t tag[2];
	tag_of(tag, sealed, key, counter);
	if (tag[0] != sy_load_u64le(sealed + SY_FRAME_PLAIN) || tag[1] != sy_load_u64le(sealed + SY_FRAME_PLAIN + 8)) {
		return false;
	}
	sy_mem_copy(plain, sealed, used(sealed));
	return true;
}

const struct sy_crypto *sim_crypto_null(void)
{
	static const struct sy_crypto suite = {
	    .name = "null",
	    .real = false,
	    .ephemeral_public = null_ephemeral_public,
	    .agree = null_agree,
	    .verify = null_verify,
	    .sign = null_sign,
	    .keypair = null_keypair,
	    .seal = null_seal,
	    .open = null_open,
	};
	return &suite;
}
