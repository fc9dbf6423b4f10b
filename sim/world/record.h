/*
 * A record of a run: what happened, item by item, so that two runs can be held against each other and the first
 * difference be named. Little-endian and of fixed layout, so that records of different machines compare.
 *
 *   file:  8 bytes "SYRUN\0\1\n", then items
 *   item:  0 kind   1 class   2 detail (u16)   4 who (u32)   8 at_ns (u64)   16 value (u64)   24 text (detail bytes: NAME, ABOUT)
 */
#ifndef SIM_WORLD_RECORD_H
#define SIM_WORLD_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum sim_item_kind {
	SIM_ITEM_ABOUT = 1, /* text: scenario, seed, profile, crypto */
	SIM_ITEM_NAME,      /* who, text: the name of this number, before its first use */
	SIM_ITEM_EVENT,     /* who's event of this class begins; value: its sequence number */
	SIM_ITEM_DRAW,      /* who drew; detail: the purpose, value: hash of entity, counter, bytes */
	SIM_ITEM_TRACE,     /* who told something; detail: enum sy_trace_kind, value: hash of the record */
	SIM_ITEM_NODE,      /* value: who's trace hash after the event, where it has changed */
	SIM_ITEM_NET,       /* value: the network's hash after the event, where it has changed */
	SIM_ITEM_SCRIPT,    /* value: the script's */
	SIM_ITEM_END,       /* value: the hash of the run */
};

#define SIM_ITEM_TEXT 512u /* longest text and its zero */

struct sim_item {
	enum sim_item_kind kind;
	uint8_t class_;
	uint16_t detail;
	uint32_t who;
	uint64_t at_ns;
	uint64_t value;
	char text[SIM_ITEM_TEXT]; /* "" where there is none */
};

enum sim_item_read {
	SIM_READ_ITEM,
	SIM_READ_END, /* of the file, between two items */
	SIM_READ_BAD, /* no record, cut off within an item, or unreadable */
};

/* False: the file cannot be written. detail is filled in from text (ABOUT, NAME); a longer one is cut. */
bool sim_record_begin(FILE *to);
bool sim_item_write(FILE *to, const struct sim_item *item);
/* SIM_READ_ITEM when this is a record of our version. */
enum sim_item_read sim_record_open(FILE *from);
enum sim_item_read sim_item_read(FILE *from, struct sim_item *item);

#endif
