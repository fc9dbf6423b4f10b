/*
 * A stranger on an open connection, from the ephemeral key to messages. First byte: who dials, the profile, and how far the
 * stranger keeps to the protocol by itself; what follows is then sealed as its next frames. Without any of that the bytes
 * come as they are, under real cryptography.
 */
#include <stdlib.h>

#include "core/conn/conn.h"
#include "core/secret/frames.h"
#include "core/secret/handshake.h"
#include "core/secret/suite.h"
#include "core/wire/cursor.h"
#include "sim/engine/null_suite.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/conn_kit.h"

enum how {
	WE_DIAL = 1,
	UPSTREAM = 2,
	SHAKES = 4,        /* the stranger's ephemeral key is one, frames are sealed */
	AUTHENTICATES = 8, /* and it signs */
	INTRODUCES = 16,   /* and its node info is good: the rest is packets */
};

struct stranger {
	struct conn_kit kit;
	struct conn_side *us;
	const struct sy_crypto *crypto;
	struct sy_handshake handshake;
	struct sy_frames frames;
	uint8_t secret[64], pubkey[32];
	bool over;
};

static void step(struct stranger *s, const struct sy_conn_event *ev)
{
	struct conn_side *us = s->us;
	uint8_t sig[64];

	if (ev->kind == SY_CONN_EV_SIGN) {
		s->crypto->sign(sig, us->secret, ev->challenge);
		sy_conn_signed(&us->conn, &us->shared, sig, s->kit.now);
	} else if (ev->kind == SY_CONN_EV_RESOLVE) {
		s->over = true; /* a name: nothing here looks it up */
	} else if (ev->kind == SY_CONN_EV_UPGRADED) {
		FUZZ_HOLDS(sy_conn_run(&us->conn, &us->shared, s->kit.now) == SY_OK);
	} else if (ev->kind == SY_CONN_EV_MESSAGE) {
		FUZZ_HOLDS(ev->channel == 0x20 || ev->channel == 0x22);
	}
}

/* Bytes off the socket. */
static void feed(struct stranger *s, const uint8_t *bytes, size_t n)
{
	struct sy_conn_event ev;
	size_t used;

	do {
		enum sy_err err = sy_conn_feed(&s->us->conn, &s->us->shared, s->kit.now, bytes, n, &used, &ev);

		s->over = s->over || err != SY_OK;
		if (s->over)
			return;
		FUZZ_HOLDS(used <= n);
		bytes += used;
		n -= used;
		step(s, &ev);
	} while (ev.kind != SY_CONN_EV_NONE && !s->over);
}

/* What we write goes to nobody, but for the ephemeral key. */
static size_t drain(struct stranger *s, uint8_t *first, size_t cap)
{
	static uint8_t out[SY_FILL_MAX];
	enum sy_err err = SY_OK;
	size_t kept = 0;

	while (!s->over && sy_conn_has_output(&s->us->conn, &s->us->shared, s->kit.now)) {
		size_t n = sy_conn_fill(&s->us->conn, &s->us->shared, s->kit.now, out, sizeof out, &err);

		FUZZ_HOLDS(n != 0 || err != SY_OK);
		s->over = err != SY_OK;
		if (n != 0 && kept == 0 && n <= cap) {
			memcpy(first, out, n);
			kept = n;
		}
	}
	return kept;
}

/* Sealed as frames of at most SY_FRAME_CHUNK bytes. */
static void say(struct stranger *s, const uint8_t *bytes, size_t n, size_t most)
{
	uint8_t plain[SY_FRAME_PLAIN], sealed[SY_FRAME_SEALED];

	while (n != 0 && !s->over) {
		size_t take = n < most ? n : most;

		memset(plain, 0, sizeof plain);
		memcpy(plain + 4, bytes, take);
		FUZZ_HOLDS(sy_frames_seal(&s->frames, s->crypto, plain, take, sealed) == SY_OK);
		feed(s, sealed, sizeof sealed);
		bytes += take;
		n -= take;
		(void)drain(s, NULL, 0);
	}
}

static void shake(struct stranger *s)
{
	uint8_t priv[32], mine[SY_EPHEMERAL_MESSAGE], theirs[SY_FRAME_SEALED], remote[32];
	struct sy_session_keys keys;
	size_t used, n = drain(s, theirs, sizeof theirs);

	memset(priv, 5, sizeof priv);
	sy_handshake_init(&s->handshake, s->crypto, priv);
	sy_handshake_ephemeral(&s->handshake, mine);
	FUZZ_HOLDS(sy_handshake_parse_ephemeral(theirs, n, true, remote, &used) == SY_OK);
	FUZZ_HOLDS(sy_handshake_agree(&s->handshake, s->crypto, remote, &keys) == SY_OK);
	sy_frames_init(&s->frames, &keys);
	feed(s, mine, sizeof mine);
	(void)drain(s, NULL, 0);
}

static void authenticate(struct stranger *s)
{
	uint8_t sig[64], message[SY_AUTH_MESSAGE];

	s->crypto->sign(sig, s->secret, s->handshake.challenge);
	sy_handshake_auth(message, s->pubkey, sig);
	say(s, message, sizeof message, SY_FRAME_CHUNK);
}

static void introduce(struct stranger *s)
{
	struct sy_node_info info = s->us->info;
	uint8_t payload[512], message[520];
	char id_text[SY_ID_TEXT];
	struct sy_id id;

	sy_id_from_pubkey(&id, s->pubkey);
	sy_id_format(&id, id_text);
	info.id_text = (struct sy_span){(const uint8_t *)id_text, strlen(id_text)};
	size_t n = sy_node_info_encode(&info, payload, sizeof payload);
	FUZZ_HOLDS(n != 0);
	struct sy_writer w = sy_writer_of(message, sizeof message);
	sy_write_uvarint(&w, n);
	sy_write_bytes(&w, payload, n);
	say(s, message, sy_written(&w), SY_FRAME_CHUNK);
}

static void keys_of(const struct sy_crypto *crypto, uint8_t seed, uint8_t pubkey[32], uint8_t secret[64])
{
	uint8_t bytes[32];

	memset(bytes, seed, sizeof bytes);
	crypto->keypair(pubkey, secret, bytes);
}

static void open_stranger(struct stranger *s, uint8_t how)
{
	enum sy_profile profile = how & UPSTREAM ? SY_PROFILE_UPSTREAM : SY_PROFILE_DEFAULT;
	struct sy_id id;

	memset(s, 0, sizeof *s);
	conn_kit_init(&s->kit, profile, profile);
	s->us = how & WE_DIAL ? &s->kit.a : &s->kit.b;
	s->crypto = how & SHAKES ? sim_crypto_null() : s->us->env.env.crypto;
	s->us->env.env.crypto = s->crypto;
	keys_of(s->crypto, 1, s->us->config.pubkey, s->us->secret);
	sy_id_from_pubkey(&s->us->id, s->us->config.pubkey);
	sy_id_format(&s->us->id, s->us->id_text);
	keys_of(s->crypto, 9, s->pubkey, s->secret);
	sy_id_from_pubkey(&id, s->pubkey);
	conn_kit_open(&s->kit, &id);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fuzz_in in = {bytes, n};
	uint8_t how = fuzz_byte(&in);
	struct stranger s;

	open_stranger(&s, how);
	if (how & SHAKES) {
		shake(&s);
		if (how & (AUTHENTICATES | INTRODUCES))
			authenticate(&s);
		if (how & INTRODUCES)
			introduce(&s);
		say(&s, in.at, in.left, how & 0x80 ? 7 : SY_FRAME_CHUNK);
	} else {
		for (size_t at = 0; at < in.left && !s.over; at += 64)
			feed(&s, in.at + at, in.left - at < 64 ? in.left - at : 64);
		(void)drain(&s, NULL, 0);
	}
	if (s.over)
		sy_conn_close(&s.us->conn, &s.us->shared);
	sy_frames_fini(&s.frames);
	sy_handshake_fini(&s.handshake);
	conn_kit_close(&s.kit);
	return 0;
}
