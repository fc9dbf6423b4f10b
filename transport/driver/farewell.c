/*
 * Sockets that outlive their connection: the node has closed it in good order and its slot may serve another already,
 * but its last frames wait for room. They have a few seconds.
 *
 * An orderly end is promised only behind the last byte: whoever reads a FIN in the middle of a frame would take a cut
 * for a goodbye. So a socket whose last bytes are given up (too late, too many of them, no memory to remember them, the
 * driver goes) is reset; those that were given up for want of a place are counted.
 */
#include "transport/driver/driver_private.h"

void tp_drive_farewell(struct tp_driver *d, struct driver_conn *c, uint64_t cookie)
{
	struct driver_farewell *f = d->num_farewells < DRIVER_FAREWELLS ? sy_mem_new(d->env, sizeof(*f)) : NULL;
	if (!f) {
		d->farewells_refused++;
		d->tp->ops->close(d->tp, c->sock, TP_CLOSE_ABORT);
		return;
	}
	f->rest = c->rest;
	f->cookie = cookie;
	f->sock = c->sock;
	f->deadline_ns = d->now_ns + DRIVER_FAREWELL_NS;
	c->rest = NULL;
	*d->farewells_tail = f;
	d->farewells_tail = &f->next;
	d->num_farewells++;
	d->tp->ops->read_window(d->tp, f->sock, 0);
}

struct driver_farewell *tp_drive_farewell_find(const struct tp_driver *d, uint64_t cookie)
{
	struct driver_farewell *f = d->farewells;
	while (f && f->cookie != cookie)
		f = f->next;
	return f;
}

void tp_drive_farewell_end(struct tp_driver *d, struct driver_farewell *f, enum tp_close how)
{
	struct driver_farewell **at = &d->farewells;
	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	if (!*at)
		d->farewells_tail = at;
	d->num_farewells--;
	d->tp->ops->close(d->tp, f->sock, how);
	tp_drive_bytes_free(d, f->rest);
	sy_mem_free(d->env, f, sizeof(*f));
}

void tp_drive_farewell_writable(struct tp_driver *d, struct driver_farewell *f)
{
	if (tp_drive_push(d, f->sock, &f->rest))
		tp_drive_farewell_end(d, f, TP_CLOSE_FLUSH);
}

void tp_drive_farewells_expire(struct tp_driver *d)
{
	while (d->farewells && d->farewells->deadline_ns <= d->now_ns)
		tp_drive_farewell_end(d, d->farewells, TP_CLOSE_ABORT);
}
