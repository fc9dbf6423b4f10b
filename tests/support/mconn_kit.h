/* Two ends of a packet stream for tests: shared state of each side, connections, and the bytes between them. */
#ifndef TESTS_SUPPORT_MCONN_KIT_H
#define TESTS_SUPPORT_MCONN_KIT_H

#include "core/mconn/mconn.h"
#include "tests/support/env.h"

#define MS 1000000ull
#define SEC 1000000000ull

struct mconn_kit {
	struct test_env env;
	struct sy_config config;
	struct sy_channel_set set;
	struct sy_mconn_shared shared;
	struct sy_mconn *m;
	uint64_t now;
};

/* Profile's policy; change config before mconn_kit_open. No channels yet. */
void mconn_kit_init(struct mconn_kit *k, enum sy_profile profile);
void mconn_kit_channel(struct mconn_kit *k, uint8_t id, uint32_t priority, uint32_t queue, uint32_t recv_capacity);
/* Shared state and one connection at k->now, under the profile's policy or another one. */
void mconn_kit_open(struct mconn_kit *k);
void mconn_kit_open_policy(struct mconn_kit *k, const struct sy_policy *policy);
/* Closes and fails the test when memory is still held. */
void mconn_kit_close(struct mconn_kit *k);

/* Queues a message of n bytes of `fill`. */
enum sy_err mconn_kit_try(struct mconn_kit *k, uint8_t channel, size_t n, uint8_t fill);
enum sy_err mconn_kit_send(struct mconn_kit *k, uint8_t channel, size_t n, uint64_t deadline_ns, uint64_t token);
/* Runs expire for what is due until `until`, in the order of deadlines. */
enum sy_err mconn_kit_until(struct mconn_kit *k, uint64_t until);
/* Drains everything that comes now. */
size_t mconn_kit_drain(struct mconn_kit *k, uint8_t *buf, size_t cap);

/* What arrived, as far as tests look at it. */
struct mconn_log {
	uint32_t messages;
	uint64_t bytes;
	uint8_t last_channel;
	size_t last_len;
	uint8_t last_fill; /* first byte of the last message; every other byte is checked to be equal */
};
/* Feeds all bytes in pieces of at most `piece` (0: in one); stops at an error or when the limiter closes. */
enum sy_err mconn_kit_feed(struct mconn_kit *k, const uint8_t *bytes, size_t n, size_t piece, struct mconn_log *log);

#endif
