#include "core/secret/handshake.h"

#include "core/base/mem.h"
#include "core/base/sodium.h"
#include "core/wire/cursor.h"

#include <string.h>

void sy_handshake_init(struct sy_handshake *h, const struct sy_crypto *crypto, const uint8_t priv[32])
{
	memset(h, 0, sizeof *h);
	memcpy(h->priv, priv, sizeof h->priv);
	crypto->ephemeral_public(h->pub, h->priv);
}

void sy_handshake_fini(struct sy_handshake *h)
{
	sy_mem_wipe(h, sizeof *h);
}

void sy_handshake_ephemeral(const struct sy_handshake *h, uint8_t out[SY_EPHEMERAL_MESSAGE])
{
	out[0] = 34;
	out[1] = 0x0a;
	out[2] = 32;
	memcpy(out + 3, h->pub, 32);
}

/* The one field of a BytesValue; the last one wins. */
static bool parse_bytes_value(const uint8_t *bytes, size_t n, struct sy_span *value)
{
	struct sy_reader r = sy_reader_of(bytes, n);
	struct sy_field field;
	*value = (struct sy_span){NULL, 0};
	while (sy_read_field(&r, &field)) {
		if (field.number != 1)
			continue;
		if (field.type != 2)
			return false;
		*value = field.span;
	}
	return !r.bad;
}

enum sy_err sy_handshake_parse_ephemeral(const uint8_t *bytes, size_t n, bool strict, uint8_t remote[32], size_t *consumed)
{
	size_t header, length;
	enum sy_err err = sy_delimiter_parse(bytes, n, SY_EPHEMERAL_MAX, &header, &length);
	if (err == SY_PARSE)
		return SY_PEER_BAD_EPHEMERAL;
	if (err != SY_OK || n - header < length)
		return SY_AGAIN;
	struct sy_span key;
	if (!parse_bytes_value(bytes + header, length, &key) || (strict && key.len != 32))
		return SY_PEER_BAD_EPHEMERAL;
	memset(remote, 0, 32);
	if (key.len)
		memcpy(remote, key.ptr, key.len < 32 ? key.len : 32);
	*consumed = header + length;
	return SY_OK;
}

enum sy_err sy_handshake_agree(struct sy_handshake *h, const struct sy_crypto *crypto, const uint8_t remote[32],
                               struct sy_session_keys *keys)
{
	enum sy_err err = crypto->agree(keys, h->priv, h->pub, remote);
	sy_mem_wipe(h->priv, sizeof h->priv);
	if (err == SY_OK)
		memcpy(h->challenge, keys->challenge, sizeof h->challenge);
	else
		sy_mem_wipe(keys, sizeof *keys);
	return err;
}

void sy_handshake_auth(uint8_t out[SY_AUTH_MESSAGE], const uint8_t pubkey[32], const uint8_t sig[64])
{
	static const uint8_t head[] = {102, 0x0a, 34, 0x0a, 32};
	memcpy(out, head, sizeof head);
	memcpy(out + 5, pubkey, 32);
	out[37] = 0x12;
	out[38] = 64;
	memcpy(out + 39, sig, 64);
}

struct auth {
	uint32_t key_type; /* member of the oneof: 1 ed25519, 2 to 5 other types that CometBFT has; 0 none */
	struct sy_span key, sig;
};

static bool parse_pubkey(struct sy_span bytes, struct auth *auth)
{
	struct sy_reader r = sy_reader_of(bytes.ptr, bytes.len);
	struct sy_field field;
	while (sy_read_field(&r, &field)) {
		if (field.number > 5)
			continue;
		if (field.type != 2)
			return false;
		auth->key_type = field.number;
		auth->key = field.span;
	}
	return !r.bad;
}

static bool parse_auth(const uint8_t *bytes, size_t n, struct auth *auth)
{
	struct sy_reader r = sy_reader_of(bytes, n);
	struct sy_field field;
	memset(auth, 0, sizeof *auth);
	while (sy_read_field(&r, &field)) {
		if (field.number > 2)
			continue;
		if (field.type != 2 || (field.number == 1 && !parse_pubkey(field.span, auth)))
			return false;
		if (field.number == 2)
			auth->sig = field.span;
	}
	return !r.bad;
}

enum sy_err sy_handshake_verify(const struct sy_handshake *h, const struct sy_crypto *crypto, const uint8_t *bytes, size_t n, bool strict,
                                uint8_t remote_pubkey[32])
{
	struct auth auth;
	if (!parse_auth(bytes, n, &auth) || auth.key_type == 0)
		return SY_PEER_BAD_AUTH;
	if (auth.key_type != 1)
		return SY_PEER_KEY_TYPE;
	if (auth.key.len != 32 || (strict && sy_ed25519_small_order(auth.key.ptr)))
		return SY_PEER_BAD_AUTH;
	if (auth.sig.len != 64 || !crypto->verify(auth.key.ptr, auth.sig.ptr, h->challenge))
		return SY_PEER_BAD_SIGNATURE;
	memcpy(remote_pubkey, auth.key.ptr, 32);
	return SY_OK;
}
