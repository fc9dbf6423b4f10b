/* Frames against bare libsodium in the same run, and handshakes per second. Ratios count; absolute figures vary by machine. */
#include <sodium.h>

#include "tests/bench/bench.h"
#include "core/base/sodium.h"
#include "core/secret/frames.h"

#define FRAMES 20000

static double seal_bare(uint8_t *out, const uint8_t *plain, const uint8_t key[32])
{
	double start = cpu_seconds();
	for (uint64_t i = 0; i < FRAMES; i++) {
		uint8_t nonce[12] = {0};
		memcpy(nonce + 4, &i, 8);
		unsigned long long n;
		crypto_aead_chacha20poly1305_ietf_encrypt(out, &n, plain, SY_FRAME_PLAIN, NULL, 0, NULL, nonce, key);
	}
	return cpu_seconds() - start;
}

static double seal_ours(struct sy_frames *f, uint8_t *out, uint8_t *plain)
{
	double start = cpu_seconds();
	for (int i = 0; i < FRAMES; i++)
		check(sy_frames_seal(f, sy_crypto_real(), plain, SY_FRAME_CHUNK, out), "sealing", NULL);
	return cpu_seconds() - start;
}

static double open_bare(uint8_t *plain, uint8_t *sealed, const uint8_t key[32])
{
	double took = 0;
	uint8_t nonce[12] = {0};
	unsigned long long n;
	crypto_aead_chacha20poly1305_ietf_encrypt(sealed, &n, plain, SY_FRAME_PLAIN, NULL, 0, NULL, nonce, key);
	double start = cpu_seconds();
	for (int i = 0; i < FRAMES; i++)
		if (crypto_aead_chacha20poly1305_ietf_decrypt(plain, &n, NULL, sealed, SY_FRAME_SEALED, NULL, 0, nonce, key))
			exit(3);
	took = cpu_seconds() - start;
	return took;
}

static double open_ours(struct sy_frames *f, uint8_t *plain, const uint8_t *sealed)
{
	double start = cpu_seconds();
	for (int i = 0; i < FRAMES; i++) {
		struct sy_span chunk;
		f->recv_counter = 0;
		check(sy_frames_open(f, sy_crypto_real(), sealed, plain, &chunk), "opening", NULL);
	}
	return cpu_seconds() - start;
}

static void handshakes(void)
{
	const struct sy_crypto *c = sy_crypto_real();
	uint8_t priv[2][32], pub[2][32], node_pub[2][32], node_secret[2][64], sig[64];
	const int rounds = 1000;
	double start = cpu_seconds();
	for (int i = 0; i < 2; i++) {
		memset(node_secret[i], 3 + i, 32);
		c->keypair(node_pub[i], node_secret[i], node_secret[i]);
	}
	for (int k = 0; k < rounds; k++) {
		struct sy_session_keys keys[2];
		for (int i = 0; i < 2; i++) {
			memset(priv[i], 1 + i, 32);
			memcpy(priv[i], &k, sizeof k);
			c->ephemeral_public(pub[i], priv[i]);
		}
		for (int i = 0; i < 2; i++)
			check(c->agree(&keys[i], priv[i], pub[i], pub[1 - i]), "agreeing", NULL);
		for (int i = 0; i < 2; i++) {
			c->sign(sig, node_secret[i], keys[i].challenge);
			if (!c->verify(node_pub[i], sig, keys[1 - i].challenge))
				exit(3);
		}
	}
	result("handshakes per second, both sides on one core", rounds / (cpu_seconds() - start), "1/s", -1, false);
}

int main(void)
{
	check(sy_sodium_init(), "starting libsodium", NULL);
	struct sy_session_keys keys;
	memset(&keys, 5, sizeof keys);
	struct sy_frames f;
	sy_frames_init(&f, &keys);
	static uint8_t plain[SY_FRAME_PLAIN], sealed[SY_FRAME_SEALED];
	double bare = 1e9, ours = 1e9, bare_open = 1e9, ours_open = 1e9;
	for (int i = 0; i < 5; i++) { /* the best of five, interleaved */
		double a = seal_bare(sealed, plain, keys.send), b = seal_ours(&f, sealed, plain);
		bare = a < bare ? a : bare;
		ours = b < ours ? b : ours;
		a = open_bare(plain, sealed, keys.recv);
		b = open_ours(&f, plain, sealed);
		bare_open = a < bare_open ? a : bare_open;
		ours_open = b < ours_open ? b : ours_open;
	}
	result("seal: our frames / bare libsodium, time", ours / bare, "ratio", 1.1, true);
	result("open: our frames / bare libsodium, time", ours_open / bare_open, "ratio", 1.1, true);
	result("seal, payload per CPU-second", FRAMES * 1024.0 / ours / 1e9, "GB/s", -1, false);
	handshakes();
	sy_frames_fini(&f);
	return 0;
}
