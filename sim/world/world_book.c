/* The address book on a node's disk: saved by its driver, lost by a fault, and there from the beginning when the script says so. */
#include <stdlib.h>
#include <string.h>

#include "core/book/snapshot.h"
#include "sim/world/impl.h"

/* The disk itself: at scale books are copied often enough for one copy less to be seen. */
enum sy_err world_node_book_room(void *ctx, size_t size, uint8_t **room)
{
	struct world_node *n = ctx;

	if (n->disk_faults & (WORLD_DISK_FULL | WORLD_DISK_UNREADABLE))
		return SY_IO;
	if (size > n->disk_cap) {
		uint8_t *disk = realloc(n->disk, size);

		if (disk == NULL)
			return SY_IO;
		n->disk = disk;
		n->disk_cap = size;
	}
	*room = n->disk;
	return SY_OK;
}

enum sy_err world_node_save_book(void *ctx, struct sy_span snapshot)
{
	struct world_node *n = ctx;

	n->disk_len = world_disk_written(n, snapshot.len);
	n->disk_holds = true;
	return SY_OK;
}

static void forget(struct world_node *n)
{
	free(n->known);
	n->known = NULL;
	n->num_known = 0;
}

void world_node_lose_disk(struct world_node *n)
{
	forget(n);
	n->disk_holds = false;
	n->disk_len = 0;
}

enum sy_err world_node_knows(struct world_node *n, const struct sy_netaddr *addrs, size_t count)
{
	if (n->core != NULL || n->disk_holds)
		return SY_INVALID;
	forget(n);
	if (count == 0)
		return SY_OK;
	n->known = malloc(count * sizeof *addrs);
	if (n->known == NULL)
		return SY_NO_MEMORY;
	memcpy(n->known, addrs, count * sizeof *addrs);
	n->num_known = count;
	return SY_OK;
}

static enum sy_err save(struct world_node *n, const struct sy_book *book)
{
	size_t len = sy_book_save(book, NULL, 0);
	uint8_t *room;
	enum sy_err err = world_node_book_room(n, len, &room);

	return err != SY_OK ? err : world_node_save_book(n, (struct sy_span){room, sy_book_save(book, room, len)});
}

/* What the book refuses (our own address, one that is not routable) is left out, as when a peer announces it. */
enum sy_err world_node_write_known(struct world_node *n)
{
	if (n->num_known == 0)
		return SY_OK;
	const struct sy_config *c = &n->config.p2p;
	uint64_t now_s = n->tp->ops->wall_ns(n->tp) / 1000000000u;
	struct sy_book *book = sy_book_new(&n->env, sy_policy_of(c->profile), c->addr_book_strict, n->entity);
	enum sy_err err = book == NULL ? SY_NO_MEMORY : SY_OK;

	for (size_t i = 0; i < n->num_known && err == SY_OK; i++)
		if (sy_book_add(book, &n->known[i], &n->known[i], now_s) == SY_NO_MEMORY)
			err = SY_NO_MEMORY;
	if (err == SY_OK)
		err = save(n, book);
	sy_book_free(book);
	forget(n);
	return err;
}
