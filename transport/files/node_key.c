#include "transport/files/node_key.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/sodium.h"
#include "transport/files/atomic_file.h"
#include "transport/files/base64.h"

#define KEY_TYPE "tendermint/PrivKeyEd25519"
#define KEY_FILE_MAX 65536u
#define ADVICE "Restore it from a backup, or move it away to get a new key and with it a new node id"

static enum sy_err check(const char *path, struct tp_node_key *key, struct tp_message *msg)
{
	uint8_t pubkey[32], secret[64];
	enum sy_err err = sy_sodium_init();
	if (err != SY_OK) {
		tp_message_set(msg, "%s: the cryptographic library refuses to work", path);
		return err;
	}
	sy_ed25519_keypair(pubkey, secret, key->secret);
	sy_mem_wipe(secret, sizeof(secret));
	if (memcmp(pubkey, key->secret + 32, 32) != 0) {
		tp_message_set(msg, "%s: priv_key.value: its public half does not belong to its private half. " ADVICE, path);
		return SY_CORRUPT;
	}
	memcpy(key->pubkey, pubkey, 32);
	sy_id_from_pubkey(&key->id, pubkey);
	return SY_OK;
}

static enum sy_err from_json(const char *path, const json_t *root, struct tp_node_key *key, struct tp_message *msg)
{
	const json_t *priv = json_object_get(root, "priv_key");
	const json_t *type = json_object_get(priv, "type"), *value = json_object_get(priv, "value");
	size_t n;
	if (!json_is_object(priv) || !json_is_string(type) || !json_is_string(value)) {
		tp_message_set(msg, "%s: expected {\"priv_key\":{\"type\":...,\"value\":...}}. " ADVICE, path);
		return SY_CORRUPT;
	}
	if (strcmp(json_string_value(type), KEY_TYPE) != 0) {
		tp_message_set(msg, "%s: priv_key.type is \"%.40s\", but only \"" KEY_TYPE "\" can shake hands", path, json_string_value(type));
		return SY_CORRUPT;
	}
	if (!tp_base64_decode(json_string_value(value), key->secret, sizeof(key->secret), &n) || n != sizeof(key->secret)) {
		tp_message_set(msg, "%s: priv_key.value must be 64 bytes in 88 characters of base64. " ADVICE, path);
		return SY_CORRUPT;
	}
	return check(path, key, msg);
}

/* The library's copy of the secret is wiped where it can be reached. */
static void wipe_json(json_t *root)
{
	json_t *value = json_object_get(json_object_get(root, "priv_key"), "value");
	if (json_is_string(value))
		sy_mem_wipe((char *)(uintptr_t)json_string_value(value), json_string_length(value));
	json_decref(root);
}

enum sy_err tp_node_key_load(const char *path, struct tp_node_key *key, struct tp_message *msg)
{
	char *text;
	size_t len;
	json_error_t error;
	memset(key, 0, sizeof(*key));
	enum sy_err err = tp_file_read(path, KEY_FILE_MAX, &text, &len, msg);
	if (err == SY_LIMIT)
		return SY_CORRUPT;
	if (err != SY_OK)
		return err;
	json_t *root = json_loadb(text, len, 0, &error);
	if (root) {
		err = from_json(path, root, key, msg);
		wipe_json(root);
	} else {
		tp_message_set(msg, "%s: line %d: not JSON: %s. " ADVICE, path, error.line, error.text);
		err = SY_PARSE;
	}
	sy_mem_wipe(text, len);
	free(text);
	if (err != SY_OK)
		tp_node_key_wipe(key);
	return err;
}

enum sy_err tp_node_key_from_seed(struct tp_node_key *key, const uint8_t seed[32])
{
	enum sy_err err = sy_sodium_init();
	if (err != SY_OK)
		return err;
	sy_ed25519_keypair(key->pubkey, key->secret, seed);
	sy_id_from_pubkey(&key->id, key->pubkey);
	return SY_OK;
}

enum sy_err tp_node_key_generate(struct tp_node_key *key)
{
	uint8_t seed[32];
	enum sy_err err = sy_sodium_init();
	if (err != SY_OK)
		return err;
	sy_random_bytes(seed, sizeof(seed));
	err = tp_node_key_from_seed(key, seed);
	sy_mem_wipe(seed, sizeof(seed));
	return err;
}

enum sy_err tp_node_key_save(const char *path, const struct tp_node_key *key, struct tp_message *msg)
{
	char value[TP_BASE64_TEXT(64)], text[160];
	tp_base64_encode(key->secret, sizeof(key->secret), value);
	int len = snprintf(text, sizeof(text), "{\"priv_key\":{\"type\":\"" KEY_TYPE "\",\"value\":\"%s\"}}", value);
	enum sy_err err = tp_file_write(path, text, (size_t)len, 0600, msg);
	sy_mem_wipe(value, sizeof(value));
	sy_mem_wipe(text, sizeof(text));
	return err;
}

enum sy_err tp_node_key_load_or_make(const char *path, struct tp_node_key *key, bool *made, struct tp_message *msg)
{
	*made = false;
	enum sy_err err = tp_node_key_load(path, key, msg);
	if (err != SY_NOT_FOUND)
		return err;
	err = tp_node_key_generate(key);
	if (err != SY_OK) {
		tp_message_set(msg, "%s: no key can be made: the cryptographic library refuses to work", path);
		return err;
	}
	err = tp_node_key_save(path, key, msg);
	*made = err == SY_OK;
	if (err != SY_OK)
		tp_node_key_wipe(key);
	return err;
}

void tp_node_key_wipe(struct tp_node_key *key)
{
	sy_mem_wipe(key, sizeof(*key));
}
