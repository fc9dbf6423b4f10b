#include "core/conn/upgrade.h"

#include "core/base/assert.h"
#include "core/wire/cursor.h"

#include <string.h>

/* Makes our node info's bytes once for all connections. Sizes are tried, since most are small and few are large. */
static enum sy_err encode_info(struct sy_conn_shared *shared)
{
	static const uint32_t sizes[] = {256, 1024, SY_NODE_INFO_MAX};
	for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		uint32_t cap = sizes[i] + 10;
		uint8_t *buf = sy_mem_new(shared->env, cap);
		if (!buf)
			return SY_NO_MEMORY;
		uint8_t *payload = buf + 10;
		size_t n = sy_node_info_encode(shared->our_info, payload, sizes[i]);
		if (!n) {
			sy_mem_free(shared->env, buf, cap);
			continue;
		}
		struct sy_writer w = sy_writer_of(buf, cap);
		sy_write_uvarint(&w, n);
		memmove(buf + sy_written(&w), payload, n);
		shared->info_len = (uint32_t)(sy_written(&w) + n);
		shared->info = sy_mem_new(shared->env, shared->info_len);
		if (shared->info)
			memcpy(shared->info, buf, shared->info_len);
		sy_mem_free(shared->env, buf, cap);
		return shared->info ? SY_OK : SY_NO_MEMORY;
	}
	return SY_INVALID;
}

enum sy_err sy_upgrade_new(struct sy_upgrade **out, struct sy_conn_shared *shared, uint64_t entity, const struct sy_id *dialled)
{
	enum sy_err err = shared->info ? SY_OK : encode_info(shared);
	if (err)
		return err;
	struct sy_upgrade *u = sy_pool_take(&shared->upgrades, shared->env);
	if (!u)
		return SY_NO_MEMORY;
	memset(u, 0, sizeof *u);
	u->message = u->small;
	u->cap = SY_UPGRADE_SMALL;
	u->has_dialled = dialled;
	if (dialled)
		u->dialled = *dialled;
	uint8_t priv[32];
	shared->env->rand(shared->env->ctx, SY_RAND_EPHEMERAL, entity, 0, priv, sizeof priv);
	sy_handshake_init(&u->handshake, shared->env->crypto, priv);
	sy_mem_wipe(priv, sizeof priv);
	*out = u;
	return SY_OK;
}

void sy_upgrade_wipe(struct sy_upgrade *u)
{
	sy_handshake_fini(&u->handshake);
	sy_mem_wipe(u->signature, sizeof u->signature);
}

void sy_upgrade_free(struct sy_upgrade *u, struct sy_conn_shared *shared)
{
	if (!u)
		return;
	sy_upgrade_wipe(u);
	if (u->message != u->small)
		sy_mem_free(shared->env, u->message, u->cap);
	sy_pool_give(&shared->upgrades, shared->env, u);
}

/* Grows in two steps only: what is honest fits the first size, and the last one is bounded by the node info. */
static bool reserve(struct sy_upgrade *u, struct sy_conn_shared *shared, size_t need)
{
	if (need <= u->cap)
		return true;
	SY_ASSERT(need <= SY_UPGRADE_MESSAGE_MAX);
	uint8_t *grown = shared->env->alloc(shared->env->ctx, NULL, 0, SY_UPGRADE_MESSAGE_MAX);
	if (!grown)
		return false;
	memcpy(grown, u->message, u->len);
	u->message = grown;
	u->cap = SY_UPGRADE_MESSAGE_MAX;
	return true;
}

enum sy_err sy_upgrade_collect(struct sy_upgrade *u, struct sy_conn_shared *shared, uint32_t max, const uint8_t *bytes, size_t n,
                               size_t *used, struct sy_span *payload)
{
	SY_ASSERT(max <= SY_NODE_INFO_MAX);
	for (*used = 0;;) {
		size_t header = 0, length = 0, want = 1;
		enum sy_err err = sy_delimiter_parse(u->message, u->len, max, &header, &length);
		if (err && err != SY_AGAIN)
			return SY_PARSE;
		if (!err)
			want = header + length - u->len;
		if (!want) {
			*payload = (struct sy_span){u->message + header, length};
			u->len = 0;
			return SY_OK;
		}
		if (*used == n)
			return SY_AGAIN;
		want = want < n - *used ? want : n - *used;
		if (!reserve(u, shared, u->len + want))
			return SY_NO_MEMORY;
		memcpy(u->message + u->len, bytes + *used, want);
		u->len += (uint32_t)want;
		*used += want;
	}
}

enum sy_err sy_upgrade_auth(struct sy_upgrade *u, const struct sy_conn_shared *shared, struct sy_span payload)
{
	struct sy_conn_identity *id = &u->identity;
	enum sy_err err =
	    sy_handshake_verify(&u->handshake, shared->env->crypto, payload.ptr, payload.len, shared->policy->strict_keys, id->pubkey);
	if (err)
		return err;
	sy_id_from_pubkey(&id->id, id->pubkey);
	if (u->has_dialled && memcmp(&u->dialled, &id->id, sizeof u->dialled) != 0)
		return SY_PEER_WRONG_ID;
	u->verified = true;
	return SY_OK;
}

enum sy_err sy_upgrade_info(struct sy_upgrade *u, const struct sy_conn_shared *shared, struct sy_span payload)
{
	struct sy_conn_identity *id = &u->identity;
	struct sy_netaddr listen = {0};
	u->heard = true;
	enum sy_err err = sy_node_info_decode(payload.ptr, payload.len, &id->info);
	if (err)
		return err;
	err = sy_node_info_validate(&id->info, &listen, u->host, NULL);
	u->valid = err == SY_OK || err == SY_ADDR_NEEDS_DNS;
	if (err == SY_OK)
		id->reported = listen;
	if (err != SY_ADDR_NEEDS_DNS)
		return err;
	/* Upstream looks the name up before it goes on; ours leaves the address open (D-10). */
	if (!shared->policy->resolve_node_info)
		return SY_OK;
	id->reported = listen;
	return SY_ADDR_NEEDS_DNS;
}

static bool names_its_key(const struct sy_conn_identity *id)
{
	char text[SY_ID_TEXT];
	sy_id_format(&id->id, text);
	return id->info.id_text.len == SY_ID_TEXT - 1 && memcmp(id->info.id_text.ptr, text, SY_ID_TEXT - 1) == 0;
}

/* Our node info has changed. What an upgrade has sent of the old one stays; SY_NO_MEMORY: nothing happened. */
static enum sy_err renew_info(struct sy_conn_shared *shared)
{
	uint8_t *old = shared->info;
	uint32_t old_len = shared->info_len;
	enum sy_err err = encode_info(shared);
	if (err) {
		shared->info = old;
		shared->info_len = old_len;
		return err;
	}
	sy_mem_free(shared->env, old, old_len);
	return SY_OK;
}

static bool learns(const struct sy_upgrade *u, const struct sy_conn_shared *shared)
{
	return shared->learn == SY_CONN_LEARN_ANY || (shared->learn == SY_CONN_LEARN_DIALLED && u->has_dialled);
}

/*
 * Takes their block version for ours if they fit in all else. What a stranger who dialled us says stands only until we
 * have dialled somebody ourselves: he may be of another network's version, or lie, to keep us out of our own.
 */
static enum sy_err learn(struct sy_upgrade *u, struct sy_conn_shared *shared)
{
	struct sy_node_info *ours = shared->our_info;
	uint64_t before = ours->block_version;
	ours->block_version = u->identity.info.block_version;
	enum sy_err err = sy_node_info_compatible(ours, &u->identity.info);
	if (!err && ours->block_version != before)
		err = renew_info(shared);
	if (err)
		ours->block_version = before;
	else
		shared->learn = u->has_dialled ? SY_CONN_LEARN_NOTHING : SY_CONN_LEARN_DIALLED;
	return err;
}

enum sy_err sy_upgrade_judge(struct sy_upgrade *u, struct sy_conn_shared *shared)
{
	const struct sy_conn_identity *id = &u->identity;
	if (!names_its_key(id))
		return SY_PEER_NODE_INFO_ID;
	if (memcmp(&id->id, shared->our_id, sizeof id->id) == 0)
		return SY_PEER_SELF;
	return learns(u, shared) ? learn(u, shared) : sy_node_info_compatible(shared->our_info, &id->info);
}

uint16_t sy_upgrade_channels(const struct sy_upgrade *u, const struct sy_conn_shared *shared)
{
	const struct sy_channel_set *set = shared->mconn.channels;
	struct sy_span theirs = u->identity.info.channels;
	uint16_t mask = 0;
	for (size_t i = 0; i < theirs.len; i++)
		if (set->index_of[theirs.ptr[i]])
			mask |= (uint16_t)(1u << (set->index_of[theirs.ptr[i]] - 1));
	return mask;
}

bool sy_upgrade_has_output(const struct sy_upgrade *u, const struct sy_conn *c, const struct sy_conn_shared *shared)
{
	switch (u->out) {
	case SY_UPGRADE_OUT_EPHEMERAL:
		return true;
	case SY_UPGRADE_OUT_AUTH:
		return u->signature_ready && c->state != SY_CONN_EPHEMERAL;
	case SY_UPGRADE_OUT_INFO:
		/* Only the dialler waits, so that two that learn do not wait for each other. */
		return u->signature_ready && u->verified && (u->heard || !u->has_dialled || !learns(u, shared));
	case SY_UPGRADE_OUT_DONE:
		return false;
	}
	return false;
}

/* One of our messages, or one frame of it, at buf. Returns the bytes. */
static size_t fill_step(struct sy_upgrade *u, struct sy_conn *c, struct sy_conn_shared *shared, uint8_t *buf, enum sy_err *err)
{
	uint8_t *chunk = buf + 4;
	size_t n = SY_AUTH_MESSAGE;
	if (u->out == SY_UPGRADE_OUT_EPHEMERAL) {
		sy_handshake_ephemeral(&u->handshake, buf);
		u->out = SY_UPGRADE_OUT_AUTH;
		return SY_EPHEMERAL_MESSAGE;
	}
	if (u->out == SY_UPGRADE_OUT_AUTH) {
		sy_handshake_auth(chunk, shared->our_pubkey, u->signature);
		u->out = SY_UPGRADE_OUT_INFO;
	} else {
		/* A node info of several frames may have been renewed between two of them, by a shorter one. */
		n = u->info_at < shared->info_len ? shared->info_len - u->info_at : 0;
		n = n < SY_FRAME_CHUNK ? n : SY_FRAME_CHUNK;
		memcpy(chunk, shared->info + u->info_at, n);
		u->info_at += (uint32_t)n;
		if (u->info_at >= shared->info_len)
			u->out = SY_UPGRADE_OUT_DONE;
	}
	*err = sy_frames_seal(&c->frames, shared->env->crypto, buf, n, buf);
	return *err ? 0 : SY_FRAME_SEALED;
}

size_t sy_upgrade_fill(struct sy_upgrade *u, struct sy_conn *c, struct sy_conn_shared *shared, uint8_t *buf, size_t cap, enum sy_err *err)
{
	size_t n = 0;
	while (!*err && cap - n >= SY_FRAME_SEALED && sy_upgrade_has_output(u, c, shared))
		n += fill_step(u, c, shared, buf + n, err);
	return n;
}
