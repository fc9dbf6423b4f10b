#include "tests/support/mconn_kit.h"

#include "tests/support/unit.h"

#include <stdlib.h>

void mconn_kit_init(struct mconn_kit *k, enum sy_profile profile)
{
	memset(k, 0, sizeof *k);
	test_env_init(&k->env, 1);
	sy_config_init(&k->config, profile);
	sy_channel_set_init(&k->set);
	k->now = 1000 * SEC;
}

void mconn_kit_channel(struct mconn_kit *k, uint8_t id, uint32_t priority, uint32_t queue, uint32_t recv_capacity)
{
	struct sy_channel c = {.id = id,
	                       .priority = priority,
	                       .send_queue_capacity = queue,
	                       .send_queue_bytes = 64u << 20, /* the count is what tests mean */
	                       .recv_message_capacity = recv_capacity};
	assert_int_equal(sy_channel_set_add(&k->set, &c, 0), SY_OK);
}

void mconn_kit_open_policy(struct mconn_kit *k, const struct sy_policy *policy)
{
	sy_mconn_shared_init(&k->shared, &k->env.env, policy, &k->set, &k->config);
	k->m = sy_mconn_new(&k->shared, k->now);
	assert_non_null(k->m);
}

void mconn_kit_open(struct mconn_kit *k)
{
	mconn_kit_open_policy(k, sy_policy_of(k->config.profile));
}

void mconn_kit_close(struct mconn_kit *k)
{
	sy_mconn_free(k->m, &k->shared);
	sy_mconn_shared_fini(&k->shared);
	test_env_check_empty(&k->env);
}

static struct sy_payload *payload_of(struct mconn_kit *k, size_t n, uint8_t fill)
{
	uint8_t *bytes = malloc(n + 1);
	memset(bytes, fill, n + 1);
	struct sy_payload *p = sy_payload_new(&k->shared.payloads, &k->env.env, (struct sy_span){bytes, n});
	free(bytes);
	return p;
}

enum sy_err mconn_kit_try(struct mconn_kit *k, uint8_t channel, size_t n, uint8_t fill)
{
	struct sy_payload *p = payload_of(k, n, fill);
	enum sy_err err = p ? sy_mconn_try_send(k->m, &k->shared, channel, p, k->now) : SY_NO_MEMORY;
	sy_payload_unref(&k->shared.payloads, &k->env.env, p);
	return err;
}

enum sy_err mconn_kit_send(struct mconn_kit *k, uint8_t channel, size_t n, uint64_t deadline_ns, uint64_t token)
{
	struct sy_payload *p = payload_of(k, n, (uint8_t)token);
	enum sy_err err = p ? sy_mconn_send(k->m, &k->shared, channel, p, k->now, deadline_ns, token) : SY_NO_MEMORY;
	sy_payload_unref(&k->shared.payloads, &k->env.env, p);
	return err;
}

enum sy_err mconn_kit_until(struct mconn_kit *k, uint64_t until)
{
	for (;;) {
		uint64_t at = sy_mconn_deadline(k->m, &k->shared);
		if (at > until)
			break;
		k->now = at > k->now ? at : k->now;
		enum sy_err err = sy_mconn_expire(k->m, &k->shared, k->now);
		if (err)
			return err;
		assert_true(sy_mconn_deadline(k->m, &k->shared) > at);
	}
	k->now = until > k->now ? until : k->now;
	return SY_OK;
}

size_t mconn_kit_drain(struct mconn_kit *k, uint8_t *buf, size_t cap)
{
	size_t n = 0, got;
	while (n < cap && (got = sy_mconn_drain(k->m, &k->shared, k->now, buf + n, cap - n)) > 0)
		n += got;
	return n;
}

static void note(struct mconn_log *log, const struct sy_mconn_in *in)
{
	log->messages++;
	log->bytes += in->bytes.len;
	log->last_channel = in->channel;
	log->last_len = in->bytes.len;
	log->last_fill = in->bytes.len ? in->bytes.ptr[0] : 0;
	for (size_t i = 0; i < in->bytes.len; i++)
		assert_int_equal(in->bytes.ptr[i], log->last_fill);
}

static enum sy_err feed_piece(struct mconn_kit *k, const uint8_t *bytes, size_t n, struct mconn_log *log, bool *gated)
{
	struct sy_mconn_in in;
	/* The piece is in memory of its own, so that a reader past its end is seen. */
	uint8_t *copy = malloc(n ? n : 1);
	memcpy(copy, bytes, n);
	enum sy_err err = SY_OK;
	for (size_t at = 0; !err; at += in.consumed) {
		err = sy_mconn_feed(k->m, &k->shared, k->now, copy + at, n - at, &in);
		*gated = in.gated;
		if (!err && in.message)
			note(log, &in);
		if (!err && !in.message)
			break;
	}
	free(copy);
	return err;
}

enum sy_err mconn_kit_feed(struct mconn_kit *k, const uint8_t *bytes, size_t n, size_t piece, struct mconn_log *log)
{
	bool gated = false;
	for (size_t at = 0; at < n && !gated;) {
		size_t take = piece && piece < n - at ? piece : n - at;
		enum sy_err err = feed_piece(k, bytes + at, take, log, &gated);
		if (err)
			return err;
		at += take;
	}
	return SY_OK;
}
