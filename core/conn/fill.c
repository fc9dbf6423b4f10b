/* Our bytes: what the upgrade has to say first, then packets, in frames sealed straight into the caller's buffer. */
#include "core/conn/upgrade.h"

bool sy_conn_has_output_upgrading(const struct sy_conn *c, const struct sy_conn_shared *shared, uint64_t now_ns)
{
	if (c->state == SY_CONN_CLOSED)
		return false;
	if (c->upgrade && sy_upgrade_has_output(c->upgrade, c, shared))
		return true;
	if (c->upgrade && c->verdict)
		return c->upgrade->out == SY_UPGRADE_OUT_DONE;
	return c->mconn && sy_mconn_has_output(c->mconn, &shared->mconn, now_ns);
}

static size_t fill_upgrade(struct sy_conn *c, struct sy_conn_shared *shared, uint8_t *buf, size_t cap, enum sy_err *err)
{
	size_t n = sy_upgrade_fill(c->upgrade, c, shared, buf, cap, err);
	/* The verdict comes with a call of its own, so that the bytes before it are out. */
	if (!n && !*err && c->verdict && c->upgrade->out == SY_UPGRADE_OUT_DONE)
		*err = (enum sy_err)c->verdict;
	if (c->mconn && c->upgrade->out == SY_UPGRADE_OUT_DONE) {
		sy_upgrade_free(c->upgrade, shared);
		c->upgrade = NULL;
	}
	return n;
}

size_t sy_conn_fill(struct sy_conn *c, struct sy_conn_shared *shared, uint64_t now_ns, uint8_t *buf, size_t cap, enum sy_err *err)
{
	size_t n = 0;
	*err = SY_OK;
	if (c->state == SY_CONN_CLOSED)
		return 0;
	if (c->upgrade)
		n = fill_upgrade(c, shared, buf, cap, err);
	/* Packets only follow our node info. */
	if (!c->mconn || c->upgrade || *err)
		return n;
	/* Packets chosen late fill a frame as long as there are any: one that is not full was the last. */
	bool more = true;
	while (more && cap - n >= SY_FRAME_SEALED) {
		/* Packed where it is sealed, behind the length word. */
		size_t len = sy_mconn_drain(c->mconn, &shared->mconn, now_ns, buf + n + 4, SY_FRAME_CHUNK);
		if (!len)
			break;
		*err = sy_frames_seal(&c->frames, shared->env->crypto, buf + n, len, buf + n);
		if (*err)
			break;
		n += SY_FRAME_SEALED;
		more = len == SY_FRAME_CHUNK || !shared->policy->seal_late;
	}
	return n;
}
