/*
 * The node key's file, as CometBFT writes and reads it. Source: protocol.md 1.1, 1.2.
 * A key in memory is a secret: tp_node_key_wipe it when it is no longer needed.
 */
#ifndef TP_FILES_NODE_KEY_H
#define TP_FILES_NODE_KEY_H

#include "core/switchyard.h"
#include "transport/files/message.h"

struct tp_node_key {
	uint8_t secret[64]; /* seed and public key */
	uint8_t pubkey[32];
	struct sy_id id;
};

/*
 * Reads a key. Returns SY_NOT_FOUND, SY_PARSE (no JSON), SY_CORRUPT (not a usable key: another type, wrong length, halves
 * that do not belong together), SY_IO, SY_NO_MEMORY, SY_INTERNAL (no cryptography). *key is wiped after an error.
 */
SY_MUST enum sy_err tp_node_key_load(const char *path, struct tp_node_key *key, struct tp_message *msg);
/* A fresh key from the system's entropy. SY_INTERNAL. */
SY_MUST enum sy_err tp_node_key_generate(struct tp_node_key *key);
/* The key that this seed makes. SY_INTERNAL. */
SY_MUST enum sy_err tp_node_key_from_seed(struct tp_node_key *key, const uint8_t seed[32]);
/* Writes it at once or not at all, mode 0600. SY_IO, SY_INVALID (path too long). */
SY_MUST enum sy_err tp_node_key_save(const char *path, const struct tp_node_key *key, struct tp_message *msg);
/* Loads it; where there is no file, makes a key and saves it (*made). Errors as of load and save; a broken file stays as it is. */
SY_MUST enum sy_err tp_node_key_load_or_make(const char *path, struct tp_node_key *key, bool *made, struct tp_message *msg);
void tp_node_key_wipe(struct tp_node_key *key);

#endif
