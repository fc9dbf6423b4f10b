#include "transport/files/genesis.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "transport/files/atomic_file.h"

#define GENESIS_MAX ((size_t)1 << 30) /* exported states of large chains have hundreds of megabytes */

static enum sy_err from_json(const char *path, const json_t *root, char chain_id[TP_CHAIN_ID_TEXT], struct tp_message *msg)
{
	const json_t *value = json_object_get(root, "chain_id");
	const char *text = json_string_value(value);
	if (!text || text[0] == '\0') {
		tp_message_set(msg, "%s: chain_id is missing or empty. Name the network with --network instead", path);
		return SY_CORRUPT;
	}
	if (strlen(text) >= TP_CHAIN_ID_TEXT) {
		tp_message_set(msg, "%s: chain_id has %zu bytes, at most %d are allowed", path, strlen(text), TP_CHAIN_ID_TEXT - 1);
		return SY_CORRUPT;
	}
	memcpy(chain_id, text, strlen(text) + 1);
	return SY_OK;
}

enum sy_err tp_genesis_chain_id(const char *path, char chain_id[TP_CHAIN_ID_TEXT], struct tp_message *msg)
{
	char *text;
	size_t len;
	json_error_t error;
	chain_id[0] = '\0';
	enum sy_err err = tp_file_read(path, GENESIS_MAX, &text, &len, msg);
	if (err != SY_OK)
		return err;
	json_t *root = json_loadb(text, len, 0, &error);
	free(text);
	if (!root) {
		tp_message_set(msg, "%s: line %d: not JSON: %s", path, error.line, error.text);
		return SY_PARSE;
	}
	err = from_json(path, root, chain_id, msg);
	json_decref(root);
	return err;
}
