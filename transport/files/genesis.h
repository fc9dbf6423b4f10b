/* The one thing that a node of this program needs of config/genesis.json: which network it belongs to. */
#ifndef TP_FILES_GENESIS_H
#define TP_FILES_GENESIS_H

#include "core/switchyard.h"
#include "transport/files/message.h"

#define TP_CHAIN_ID_TEXT 51 /* upstream's bound of 50 bytes and the NUL */

/*
 * Reads chain_id. Returns SY_NOT_FOUND, SY_PARSE (no JSON), SY_CORRUPT (no chain_id, empty, too long), SY_LIMIT, SY_IO,
 * SY_NO_MEMORY.
 */
SY_MUST enum sy_err tp_genesis_chain_id(const char *path, char chain_id[TP_CHAIN_ID_TEXT], struct tp_message *msg);

#endif
