#include "tests/support/conn_kit.h"

#include "core/base/hash.h"
#include "core/secret/suite.h"
#include "tests/support/unit.h"

#include <stdlib.h>

static struct sy_span text(const char *s)
{
	return (struct sy_span){(const uint8_t *)s, strlen(s)};
}

static void side_init(struct conn_side *s, enum sy_profile profile, uint8_t seed)
{
	uint8_t key_seed[32];
	memset(key_seed, seed, sizeof key_seed);
	test_env_init(&s->env, seed);
	sy_config_init(&s->config, profile);
	s->env.env.crypto->keypair(s->config.pubkey, s->secret, key_seed);
	sy_id_from_pubkey(&s->id, s->config.pubkey);
	sy_id_format(&s->id, s->id_text);
	sy_channel_set_init(&s->set);
	static const struct sy_channel channels[] = {{.id = 0x20, .priority = 6, .send_queue_capacity = 100, .send_queue_bytes = 64u << 20},
	                                             {.id = 0x22, .priority = 7, .send_queue_capacity = 100, .send_queue_bytes = 64u << 20}};
	for (size_t i = 0; i < ARRAY_LEN(channels); i++) {
		assert_int_equal(sy_channel_set_add(&s->set, &channels[i], 0), SY_OK);
		s->channels[i] = channels[i].id;
	}
	s->info = (struct sy_node_info){.p2p_version = 8,
	                                .block_version = 11,
	                                .id_text = text(s->id_text),
	                                .listen_addr = text("tcp://127.0.0.1:26656"),
	                                .network = text("test-chain"),
	                                .version = text("0.40.0"),
	                                .channels = {s->channels, ARRAY_LEN(channels)},
	                                .moniker = text("node"),
	                                .tx_index = text("on"),
	                                .rpc_address = text("")};
}

void conn_kit_init(struct conn_kit *k, enum sy_profile a, enum sy_profile b)
{
	memset(k, 0, sizeof *k);
	side_init(&k->a, a, 1);
	side_init(&k->b, b, 2);
	k->now = 500 * SEC;
	k->rng = 1;
}

static void side_open(struct conn_side *s, bool outbound, const struct sy_id *dialled, uint64_t now)
{
	const struct sy_policy *policy = sy_policy_of(s->config.profile);
	assert_int_equal(sy_conn_shared_init(&s->shared, &s->env.env, policy, &s->set, &s->config, &s->info, &s->id), SY_OK);
	sy_conn_init(&s->conn, outbound, 7);
	assert_int_equal(s->conn.state, outbound ? SY_CONN_DIALLING : SY_CONN_FILTERING);
	sy_conn_opened(&s->conn);
	assert_int_equal(s->conn.state, SY_CONN_FILTERING);
	assert_int_equal(sy_conn_read_window(&s->conn, &s->shared, now), 0);
	assert_int_equal(sy_conn_start(&s->conn, &s->shared, now, dialled), SY_OK);
	assert_int_equal(s->conn.state, SY_CONN_EPHEMERAL);
}

void conn_kit_open(struct conn_kit *k, const struct sy_id *dialled)
{
	side_open(&k->a, true, dialled ? dialled : &k->b.id, k->now);
	side_open(&k->b, false, NULL, k->now);
}

static void side_close(struct conn_side *s)
{
	sy_conn_fini(&s->conn, &s->shared);
	sy_conn_fini(&s->conn, &s->shared);
	sy_conn_shared_fini(&s->shared);
	free(s->wire);
	test_env_check_empty(&s->env);
}

void conn_kit_close(struct conn_kit *k)
{
	side_close(&k->a);
	side_close(&k->b);
}

static size_t cut(struct conn_kit *k, size_t n)
{
	if (!k->piece)
		return n;
	k->rng = sy_mix64(k->rng + 0x9e3779b97f4a7c15ull);
	size_t take = 1 + (size_t)(k->rng % k->piece);
	return take < n ? take : n;
}

static void die(struct conn_side *s, enum sy_err err)
{
	s->dead = true;
	s->err = err;
	sy_conn_close(&s->conn, &s->shared);
}

void conn_kit_wire(struct conn_side *to, const uint8_t *bytes, size_t n)
{
	if (to->wire_len + n > to->wire_cap) {
		to->wire_cap = (to->wire_len + n) * 2;
		to->wire = realloc(to->wire, to->wire_cap);
	}
	memcpy(to->wire + to->wire_len, bytes, n);
	to->wire_len += n;
}

bool conn_kit_fill(struct conn_kit *k, struct conn_side *from, struct conn_side *to)
{
	static uint8_t buf[SY_FILL_MAX];
	if (from->dead || !sy_conn_has_output(&from->conn, &from->shared, k->now))
		return false;
	size_t frames = 1 + (cut(k, 64 * 20) - 1) / 20;
	enum sy_err err;
	size_t n = sy_conn_fill(&from->conn, &from->shared, k->now, buf, frames * SY_FRAME_SEALED, &err);
	assert_true(n || err);
	conn_kit_wire(to, buf, n);
	if (err)
		die(from, err);
	return true;
}

static void on_event(struct conn_kit *k, struct conn_side *s, const struct sy_conn_event *ev)
{
	uint8_t sig[64];
	switch (ev->kind) {
	case SY_CONN_EV_NONE:
		break;
	case SY_CONN_EV_SIGN:
		memcpy(s->challenge, ev->challenge, sizeof s->challenge);
		s->env.env.crypto->sign(sig, s->secret, ev->challenge);
		if (!s->hold_signature)
			sy_conn_signed(&s->conn, &s->shared, sig, k->now);
		break;
	case SY_CONN_EV_RESOLVE:
		s->asked_resolve = true;
		assert_string_equal(ev->host, "node.example");
		break;
	case SY_CONN_EV_UPGRADED:
		s->upgraded = true;
		s->identity = *ev->identity;
		if (!s->hold_judgement) {
			enum sy_err err = sy_conn_run(&s->conn, &s->shared, k->now);
			if (err)
				die(s, err);
		}
		break;
	case SY_CONN_EV_MESSAGE:
		s->messages++;
		s->message_bytes += ev->message.len;
		s->last_channel = ev->channel;
		s->last_fill = ev->message.len ? ev->message.ptr[0] : 0;
		for (size_t i = 0; i < ev->message.len; i++)
			assert_int_equal(ev->message.ptr[i], s->last_fill);
		break;
	}
}

void conn_kit_feed(struct conn_kit *k, struct conn_side *to, const uint8_t *bytes, size_t n)
{
	static const uint8_t nothing[1];
	/* Memory of its own, freed afterwards: whoever keeps a pointer into the input is found out. */
	uint8_t *copy = malloc(n + 1);
	if (n)
		memcpy(copy, bytes, n);
	struct sy_conn_event ev;
	size_t at = 0, used;
	do {
		enum sy_err err = sy_conn_feed(&to->conn, &to->shared, k->now, n ? copy + at : nothing, n - at, &used, &ev);
		at += used;
		if (err) {
			die(to, err);
			break;
		}
		on_event(k, to, &ev);
	} while (ev.kind != SY_CONN_EV_NONE && !to->dead);
	assert_true(to->dead || at == n);
	free(copy);
}

bool conn_kit_deliver(struct conn_kit *k, struct conn_side *to)
{
	if (to->dead || !to->wire_len)
		return false;
	size_t window = sy_conn_read_window(&to->conn, &to->shared, k->now);
	if (!window)
		return false;
	size_t n = cut(k, window < to->wire_len ? window : to->wire_len);
	conn_kit_feed(k, to, to->wire, n);
	memmove(to->wire, to->wire + n, to->wire_len - n);
	to->wire_len -= n;
	to->taken += n;
	return true;
}

void conn_kit_pump(struct conn_kit *k)
{
	bool moved = true;
	while (moved) {
		moved = conn_kit_fill(k, &k->a, &k->b);
		moved |= conn_kit_fill(k, &k->b, &k->a);
		moved |= conn_kit_deliver(k, &k->a);
		moved |= conn_kit_deliver(k, &k->b);
	}
}

static void expire(struct conn_kit *k, struct conn_side *s)
{
	if (s->dead || sy_conn_deadline(&s->conn, &s->shared) > k->now)
		return;
	enum sy_err err = sy_conn_expire(&s->conn, &s->shared, k->now);
	if (err)
		die(s, err);
	else if (s->conn.rest_len)
		conn_kit_feed(k, s, NULL, 0);
	assert_true(s->dead || sy_conn_deadline(&s->conn, &s->shared) > k->now);
}

static uint64_t deadline(const struct conn_side *s)
{
	return s->dead ? UINT64_MAX : sy_conn_deadline(&s->conn, &s->shared);
}

void conn_kit_until(struct conn_kit *k, uint64_t until)
{
	conn_kit_pump(k);
	for (;;) {
		uint64_t a = deadline(&k->a), b = deadline(&k->b), at = a < b ? a : b;
		if (at > until)
			break;
		k->now = at > k->now ? at : k->now;
		expire(k, &k->a);
		expire(k, &k->b);
		conn_kit_pump(k);
	}
	k->now = until > k->now ? until : k->now;
	conn_kit_pump(k);
}

enum sy_err conn_kit_try(struct conn_kit *k, struct conn_side *from, uint8_t channel, size_t n, uint8_t fill)
{
	uint8_t *bytes = malloc(n + 1);
	memset(bytes, fill, n + 1);
	struct sy_payload_heap *heap = &from->shared.mconn.payloads;
	struct sy_payload *p = sy_payload_new(heap, &from->env.env, (struct sy_span){bytes, n});
	free(bytes);
	enum sy_err err = p ? sy_mconn_try_send(from->conn.mconn, &from->shared.mconn, channel, p, k->now) : SY_NO_MEMORY;
	sy_payload_unref(heap, &from->env.env, p);
	return err;
}
