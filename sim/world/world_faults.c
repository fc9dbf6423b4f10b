/* What is done to one node of a simulated world: its machine, its process, its disk. */
#include "sim/world/impl.h"

#include "sim/engine/rand.h"

#define RARE_DRIVER_SHIFT 16u
#define ROT_BYTES 8u

static bool is_simulated(struct world *w, const char *thing, const char **what)
{
	if (w->options.kind == WORLD_SIM)
		return true;
	(void)world_say(w, what, SY_INVALID, "%s: only a simulator can do this", thing);
	return false;
}

/* The fault belongs to the run's hash, whatever comes of it. */
static void leave_mark(struct world_node *n, uint64_t kind, uint64_t value)
{
	n->w->script_hash = sy_hash_u64(sy_hash_u64(n->w->script_hash, n->entity + kind), value);
}

enum sy_err world_half_open(struct world_node *a, struct world_node *b, const char **what)
{
	if (!is_simulated(a->w, "half open connections", what))
		return SY_INVALID;
	world_sim_half_open(a, b);
	return SY_OK;
}

enum sy_err world_node_rough(struct world_node *n, enum sim_rough_kind kind, int64_t value, const char **what)
{
	if (!is_simulated(n->w, "a fault of a process", what))
		return SY_INVALID;
	enum sy_err err = sim_host_rough(n->host, kind, value);
	n->has_cpu_cost |= kind == SIM_ROUGH_CPU && err == SY_OK;
	return err == SY_INVALID ? world_say(n->w, what, err, "the value is out of range") : err;
}

enum sy_err world_node_hide(struct world_node *n, bool hidden, const char **what)
{
	if (!is_simulated(n->w, "a host behind a NAT", what))
		return SY_INVALID;
	sim_host_hide(n->host, hidden);
	return SY_OK;
}

enum sy_err world_node_power(struct world_node *n, bool on, const char **what)
{
	if (!is_simulated(n->w, "a machine without power", what))
		return SY_INVALID;
	sim_host_power(n->host, on);
	if (on)
		return world_raws_back(n);
	world_raws_lost(n);
	world_node_crash(n);
	return SY_OK;
}

enum sy_err world_node_move(struct world_node *n, const uint8_t *ip, bool home, const char **what)
{
	if (!is_simulated(n->w, "another address", what))
		return SY_INVALID;
	ip = home ? n->home_ip : ip;
	if (ip != NULL && memcmp(ip, sim_host_public_ip(n->host), sizeof n->home_ip) == 0)
		return SY_OK; /* it is there already */
	enum sy_err err = world_sim_move(n, ip);
	return err == SY_IN_USE ? world_say(n->w, what, err, "the address is taken") : err;
}

enum sy_err world_site(struct world *w, const struct sim_site_config *config, const char **what)
{
	return is_simulated(w, "a site", what) ? world_sim_site(w, config, what) : SY_INVALID;
}

/* ------------------------------------------------------------------ buggify */

bool world_node_rare(void *ctx, enum tp_rare point)
{
	struct world_node *n = ctx;

	if (!(n->rare_points >> point & 1))
		return false;
	uint64_t entity = sy_hash_u64(n->entity, point);
	return sim_rand_below(n->w->options.seed, SIM_RAND_BUGGIFY, entity, n->rare_draws++, 1000000) < n->rare_ppm;
}

enum sy_err world_node_buggify(struct world_node *n, uint32_t points, uint32_t rate_ppm, const char **what)
{
	if (!is_simulated(n->w, "buggify", what))
		return SY_INVALID;
	n->rare_points = rate_ppm == 0 ? 0 : points >> RARE_DRIVER_SHIFT;
	n->rare_ppm = rate_ppm;
	return sim_host_buggify(n->host, points & ((1u << RARE_DRIVER_SHIFT) - 1), rate_ppm);
}

/* ------------------------------------------------------------------ its disk */

static uint64_t disk_draw(struct world_node *n, uint64_t bound)
{
	return sim_rand_below(n->w->options.seed, SIM_RAND_DISK, n->entity, n->disk_draws++, bound);
}

size_t world_disk_written(struct world_node *n, size_t len)
{
	return n->disk_faults & WORLD_DISK_TORN && len != 0 ? (size_t)disk_draw(n, len) : len;
}

enum sy_err world_node_disk(struct world_node *n, uint32_t faults, const char **what)
{
	if (!is_simulated(n->w, "a fault of a disk", what))
		return SY_INVALID;
	n->disk_faults = faults;
	leave_mark(n, 1, faults);
	return SY_OK;
}

enum sy_err world_node_rot(struct world_node *n, const char **what)
{
	if (!is_simulated(n->w, "a fault of a disk", what))
		return SY_INVALID;
	for (uint32_t i = 0; i < ROT_BYTES && n->disk_len != 0; i++) {
		uint64_t at = disk_draw(n, n->disk_len);
		uint64_t bits = 1 + disk_draw(n, 255);

		n->disk[at] ^= (uint8_t)bits;
	}
	leave_mark(n, 2, n->disk_len);
	return SY_OK;
}

/* ------------------------------------------------------------------ its key */

enum sy_err world_node_lose_key(struct world_node *n, const char **what)
{
	if (!is_simulated(n->w, "the loss of a node key", what))
		return SY_INVALID;
	n->key_lost = true;
	leave_mark(n, 3, n->keys);
	return SY_OK;
}

enum sy_err world_disk_mount(struct world_node *n)
{
	if (n->disk_faults & WORLD_DISK_UNREADABLE)
		return SY_IO;
	if (n->key_lost) {
		n->key_lost = false;
		n->disk_faults &= ~(uint32_t)WORLD_DISK_BAD_KEY;
		n->keys++;
		world_node_make_key(n);
		world_node_tell_renamed(n);
	}
	return n->disk_faults & WORLD_DISK_BAD_KEY ? SY_CORRUPT : SY_OK;
}
