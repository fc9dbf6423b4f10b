/*
 * Sending from other threads. The core belongs to the loop's thread; whoever else has something to send puts it into a
 * mailbox, which wakes the loop, and waits for the answer. Messages of one thread are taken in its order.
 *
 * A mailbox serves one driver. It holds at most `slots` messages whose senders wait; payloads are copied once.
 * Nothing of it is a signal handler's business.
 */
#ifndef TP_MAILBOX_H
#define TP_MAILBOX_H

#include <uv.h>

#include "transport/driver/driver.h"

#define TP_MAILBOX_SLOTS_MAX 4096u
#define TP_MAILBOX_GRACE_NS 1000000000ull /* how much longer than its timeout a sender waits for a loop that is late */

struct tp_mailbox;

/*
 * On the loop's thread. token_base: sends carry the tokens token_base .. token_base + slots - 1, so it keeps them apart
 * from the owner's own. Returns SY_INVALID (slots is 0 or above TP_MAILBOX_SLOTS_MAX), SY_NO_MEMORY, SY_IO (no wake-up
 * from the system). Borrows loop and driver until tp_mailbox_close.
 */
SY_MUST enum sy_err tp_mailbox_new(struct tp_mailbox **out, uv_loop_t *loop, struct tp_driver *driver, uint32_t slots, uint64_t token_base);
/*
 * On the loop's thread, before the driver is freed. Everybody who waits gets SY_NOT_RUNNING; returns when they have left.
 * No call may begin after it. The memory goes when the loop has run once more. Null is harmless.
 */
void tp_mailbox_close(struct tp_mailbox *mb);
/*
 * On the loop's thread: the owner's hook send_done asks here first. True: the token was a mailbox's, and its sender has
 * been told.
 */
bool tp_mailbox_send_done(struct tp_mailbox *mb, uint64_t token, enum sy_err err);

/*
 * From any thread but the loop's. Queues the message for the peer, waiting up to timeout_ns for room in the mailbox, for
 * the loop and for room in the channel's queue. Returns SY_OK (queued), SY_TIMEOUT (not queued; after the grace, when the
 * loop hangs: not known), SY_NO_PEER, SY_NO_CHANNEL, SY_MESSAGE_SIZE, SY_LIMIT, SY_NO_MEMORY, SY_NOT_RUNNING.
 */
SY_MUST enum sy_err tp_mailbox_send(struct tp_mailbox *mb, struct sy_ref peer, uint8_t channel, struct sy_span bytes, uint64_t timeout_ns);
/*
 * From any thread but the loop's. As sy_try_send: waits for the loop's turn, at most TP_MAILBOX_GRACE_NS, but never for
 * room. SY_AGAIN: the mailbox is full. SY_QUEUE_FULL: the channel is. Otherwise as tp_mailbox_send.
 */
SY_MUST enum sy_err tp_mailbox_try_send(struct tp_mailbox *mb, struct sy_ref peer, uint8_t channel, struct sy_span bytes);
/* From any thread: how many threads are in one of the two calls above. */
uint32_t tp_mailbox_waiting(struct tp_mailbox *mb);

#endif
