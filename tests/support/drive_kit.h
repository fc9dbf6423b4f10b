/* Whole nodes with their drivers for tests: over any transport, signing in the process, one reactor that records. */
#ifndef TESTS_DRIVE_KIT_H
#define TESTS_DRIVE_KIT_H

#include "core/book/intern.h"
#include "tests/support/env.h"
#include "transport/driver/driver.h"

#define DK_CHANNEL 0x30
#define DK_INBOX 0x31
#define DK_SECOND 1000000000ull

struct dk_node {
	struct test_env memory;
	struct sy_config config; /* to be edited between dk_init and dk_make */
	struct tp_driver_config driver_config;
	struct tp_store store;
	struct sy_channel channels[2]; /* DK_CHANNEL inline, DK_INBOX through an inbox */
	struct sy_reactor reactor;
	uint8_t secret[64];
	struct sy_id id;
	char name[16], ids[SY_ID_TEXT];
	struct tp_transport *tp;
	struct sy_node *core;
	struct tp_driver *driver;
	struct sy_netaddr at; /* id@ip:port once started */

	/* what the hooks and the reactor saw */
	uint32_t ups, downs, sends_done, filters, signs, deliveries, saves, save_failures, traces;
	enum sy_err last_down, last_send, started_err, refused;
	bool started, stopped;
	struct sy_ref peer;          /* the last one up */
	uint64_t received, messages; /* bytes and messages on both channels */
	uint64_t digest;             /* of the bytes in order */
	uint64_t frames_out, frames_in;
	struct sy_ref asked; /* of the last filter or signature */
	uint8_t challenge[32];
	uint64_t work[128];
	uint32_t num_work;

	/* how they behave */
	bool sign_later, filter_later, work_later;
	enum sy_err verdict, save_err, room_err;
	uint8_t *room; /* dk_store_room */
	size_t room_cap, room_used;
	void (*on_receive)(struct dk_node *n, const struct sy_peer *peer, const struct sy_message *msg);
	void (*on_peer_up)(struct dk_node *n, const struct sy_output *out);
};

/* A node by a name that also makes its key; pex off. It listens at `ip`, any port. */
void dk_init(struct dk_node *n, const char *name, struct tp_transport *tp, const struct sy_netaddr *ip, enum sy_profile profile);
/* Its store has room for a book of up to `cap` bytes, borrowed; room_used says how much of it the last save was. */
void dk_store_room(struct dk_node *n, uint8_t *room, size_t cap);
enum sy_err dk_make(struct dk_node *n);  /* core and driver */
enum sy_err dk_start(struct dk_node *n); /* dk_make and the start */
enum sy_err dk_dial(struct dk_node *from, const struct dk_node *to);
enum sy_err dk_try_send(struct dk_node *n, uint8_t channel, const void *bytes, size_t len);
enum sy_err dk_send(struct dk_node *n, uint8_t channel, const void *bytes, size_t len, uint64_t timeout_ns, uint64_t token);
void dk_sign(struct dk_node *n, uint8_t sig[64]); /* of n->challenge */
/* Frees driver and core; the transport is ended too, as in a process that ends. Checks that no memory is left. */
void dk_free(struct dk_node *n);
uint64_t dk_digest(uint64_t digest, const uint8_t *bytes, size_t n);

#endif
