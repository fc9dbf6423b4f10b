/*
 * A run as a log: every input, and every other call that changes a node (fills, polls that gave something, sockets that
 * fill and empty), in order. The same log applied to a node made with the same configuration, in an environment that gives the
 * same random bytes, repeats the run: sy_node_trace_hash tells. Little-endian, fixed layout, one version byte a record.
 *
 *   0 version   1 kind      2 channel   3 zero      4 err (i32)   8 now       16 token      24 timeout
 *  32 wall     40 slot     44 gen      48 id (20)  68 ip (16)    84 port     86 flags      87 zero
 *  88 length   92 bytes
 */
#ifndef SY_NODE_RECORD_H
#define SY_NODE_RECORD_H

#include "core/switchyard.h"

#define SY_RECORD_VERSION 1u
#define SY_RECORD_HEADER 92u

enum sy_record_kind {
	SY_RECORD_INPUT = 0, /* on the wire: the input's own kind */
	SY_RECORD_FILL = 0x80,
	SY_RECORD_POLL, /* one sy_node_poll that gave an output */
	SY_RECORD_BLOCKED,
	SY_RECORD_UNBLOCKED,
};

struct sy_record {
	enum sy_record_kind kind;
	struct sy_input in; /* of the others: now_ns and conn; FILL: the buffer's size in token */
};

/* Returns the size; nothing is written when cap is smaller. */
size_t sy_record_encode(const struct sy_record *record, uint8_t *buf, size_t cap);
/* Spans point into bytes. *used: where the next record begins. SY_AGAIN: the log ends within this record; SY_CORRUPT. */
SY_MUST enum sy_err sy_record_decode(struct sy_span bytes, struct sy_record *record, size_t *used);
/* The same for inputs alone. Decoding gives SY_CORRUPT for a record of another kind. */
size_t sy_input_encode(const struct sy_input *in, uint8_t *buf, size_t cap);
SY_MUST enum sy_err sy_input_decode(struct sy_span bytes, struct sy_input *in, size_t *used);

/* Does to the node what the record says. buf: SY_FILL_MAX bytes, for fills. */
void sy_record_apply(struct sy_node *node, const struct sy_record *record, uint8_t *buf);

#endif
