/* The real suite: libsodium through core/base/sodium.h, and Merlin. Source: protocol.md 2.4. */
#include "core/secret/suite.h"

#include "core/base/mem.h"
#include "core/base/sodium.h"
#include "core/secret/merlin.h"

#include <string.h>

/* RFC 5869 with a salt of zeros: each block of output is the HMAC of the block before, the info and a counter. */
void sy_hkdf_keys(uint8_t okm[96], const uint8_t dh[32])
{
	static const char info[] = "TENDERMINT_SECRET_CONNECTION_KEY_AND_CHALLENGE_GEN";
	static const uint8_t salt[32];
	enum { INFO = sizeof info - 1 };
	uint8_t prk[32], message[32 + INFO + 1];
	sy_hmac_sha256(prk, salt, sizeof salt, dh, 32);
	memcpy(message + 32, info, INFO);
	for (uint8_t block = 0; block < 3; block++) {
		size_t skip = block ? 0 : 32;
		if (block)
			memcpy(message, okm + 32 * (block - 1), 32);
		message[32 + INFO] = (uint8_t)(block + 1);
		sy_hmac_sha256(okm + 32 * block, prk, sizeof prk, message + skip, sizeof message - skip);
	}
	sy_mem_wipe(prk, sizeof prk);
	sy_mem_wipe(message, sizeof message);
}

static void make_challenge(uint8_t challenge[32], const uint8_t lo[32], const uint8_t hi[32], const uint8_t dh[32])
{
	struct sy_merlin m;
	sy_merlin_init(&m, "TENDERMINT_SECRET_CONNECTION_TRANSCRIPT_HASH");
	sy_merlin_append(&m, "EPHEMERAL_LOWER_PUBLIC_KEY", lo, 32);
	sy_merlin_append(&m, "EPHEMERAL_UPPER_PUBLIC_KEY", hi, 32);
	sy_merlin_append(&m, "DH_SECRET", dh, 32);
	sy_merlin_extract(&m, "SECRET_CONNECTION_MAC", challenge, 32);
	sy_mem_wipe(&m, sizeof m);
}

/* The keys as received enter sort and transcript; X25519 itself masks the top bit of the coordinate. */
static enum sy_err agree(struct sy_session_keys *keys, const uint8_t priv[32], const uint8_t pub[32], const uint8_t remote_pub[32])
{
	uint8_t dh[32], okm[96];
	bool least = memcmp(pub, remote_pub, 32) <= 0;
	memset(keys, 0, sizeof *keys);
	enum sy_err err = sy_x25519(dh, priv, remote_pub);
	if (err != SY_OK)
		return err;
	sy_hkdf_keys(okm, dh);
	memcpy(least ? keys->recv : keys->send, okm, 32);
	memcpy(least ? keys->send : keys->recv, okm + 32, 32);
	make_challenge(keys->challenge, least ? pub : remote_pub, least ? remote_pub : pub, dh);
	sy_mem_wipe(dh, sizeof dh);
	sy_mem_wipe(okm, sizeof okm);
	return SY_OK;
}

static bool verify(const uint8_t pub[32], const uint8_t sig[64], const uint8_t challenge[32])
{
	return sy_ed25519_verify(pub, sig, challenge, 32);
}

static void sign(uint8_t sig[64], const uint8_t secret[64], const uint8_t challenge[32])
{
	sy_ed25519_sign(sig, secret, challenge, 32);
}

static void seal(uint8_t *sealed, const uint8_t *plain, const uint8_t key[32], uint64_t counter)
{
	sy_aead_seal(sealed, plain, SY_FRAME_PLAIN, key, counter);
}

static bool open(uint8_t *plain, const uint8_t *sealed, const uint8_t key[32], uint64_t counter)
{
	return sy_aead_open(plain, sealed, SY_FRAME_SEALED, key, counter);
}

static const struct sy_crypto real_table = {
    .name = "real",
    .real = true,
    .ephemeral_public = sy_x25519_public,
    .agree = agree,
    .verify = verify,
    .sign = sign,
    .keypair = sy_ed25519_keypair,
    .seal = seal,
    .open = open,
};

const struct sy_crypto *sy_crypto_real(void)
{
	return &real_table;
}
