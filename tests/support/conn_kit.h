/* Two nodes' ends of one connection for tests, and a wire between them that is cut at random. */
#ifndef TESTS_SUPPORT_CONN_KIT_H
#define TESTS_SUPPORT_CONN_KIT_H

#include "core/conn/conn.h"
#include "tests/support/env.h"

#define MS 1000000ull
#define SEC 1000000000ull

struct conn_side {
	struct test_env env;
	struct sy_config config;
	struct sy_channel_set set;
	struct sy_node_info info;
	char id_text[SY_ID_TEXT];
	uint8_t channels[16];
	struct sy_id id;
	uint8_t secret[64];
	struct sy_conn_shared shared;
	struct sy_conn conn;
	bool dead; /* an error ended it */
	enum sy_err err;
	bool hold_signature, hold_judgement; /* the test does it itself */
	bool upgraded, asked_resolve;
	struct sy_conn_identity identity; /* as of the event; its spans do not outlive the upgrade */
	uint8_t challenge[32];
	uint32_t messages;
	uint64_t message_bytes;
	uint8_t last_channel, last_fill;
	uint8_t *wire; /* bytes on their way to this side */
	size_t wire_len, wire_cap;
	uint64_t taken; /* bytes of the wire that this side has read so far */
};

struct conn_kit {
	struct conn_side a, b; /* a dials */
	uint64_t now;
	uint64_t rng;
	size_t piece; /* largest piece delivered or filled at once; 0: as much as goes */
};

/* Sides with keys, node infos that fit, channels 0x20 (priority 6) and 0x22 (7) and the profile's policy. Change what a test needs, then open. */
void conn_kit_init(struct conn_kit *k, enum sy_profile a, enum sy_profile b);
/* Starts both ends, the filters passed. dialled: the id that a expects; null: b's own. */
void conn_kit_open(struct conn_kit *k, const struct sy_id *dialled);
void conn_kit_close(struct conn_kit *k);
/* Moves bytes both ways until nothing moves any more. */
void conn_kit_pump(struct conn_kit *k);
/* The same for one direction, one step: fill of `from` onto the wire; delivery to `to`. Returns whether anything moved. */
bool conn_kit_fill(struct conn_kit *k, struct conn_side *from, struct conn_side *to);
bool conn_kit_deliver(struct conn_kit *k, struct conn_side *to);
/* Feeds bytes straight, as if they had come off the socket. */
void conn_kit_feed(struct conn_kit *k, struct conn_side *to, const uint8_t *bytes, size_t n);
/* Lets time pass at both ends, deadline by deadline. */
void conn_kit_until(struct conn_kit *k, uint64_t until);
enum sy_err conn_kit_try(struct conn_kit *k, struct conn_side *from, uint8_t channel, size_t n, uint8_t fill);
/* Bytes onto the wire to this side. */
void conn_kit_wire(struct conn_side *to, const uint8_t *bytes, size_t n);

#endif
