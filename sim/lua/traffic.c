/*
 * traffic {}: artificial load on a channel, from each node of `from` to each of `to`. It begins when the two are
 * peers (or at `after`), pauses while they are not, and sends messages of the size given: as fast as the channel takes
 * them (saturate), at a rate, or at an interval.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/engine/rand.h"
#include "sim/lua/pages.h"

#define SEND_TIMEOUT_NS UINT64_C(10000000000) /* protocol.md 0.5: blocking Send */
#define SATURATE_TIMEOUT_NS UINT64_C(3600000000000)
#define RETRY_NS UINT64_C(10000000)
#define BURST_MAX 100000u /* messages in one go: more than any queue takes */
#define LOADS_MAX 1000000u
#define NEVER UINT64_MAX

struct traffic {
	struct traffic *next;
	struct scenario *s;
	uint8_t channel;
	uint64_t size_min, size_max;
	bool saturate, poisson;
	uint64_t interval_ns;
	uint64_t wakeup_ns; /* saturate: mean time until a Send that was queued is followed by the next one */
	uint64_t count;     /* messages of each pair; 0: no end */
	uint64_t after_ns, until_ns;
	uint8_t *bytes;
	const char *where;
};

/* One pair. */
struct load {
	struct traffic *t;
	struct load *next; /* of the same sender */
	struct node *from, *to;
	uint32_t serial;
	uint32_t messages; /* asked for so far; part of the token */
	struct sy_ref ref;
	bool up, waiting; /* connected; a Send waits for room */
	uint64_t wake_ns; /* 0, or when the generator, whose Send has been queued, will run again */
	struct stream stream;
	struct task task;
};

static void on_turn(void *arg);

static uint64_t next_size(struct load *l)
{
	struct traffic *t = l->t;
	if (t->size_min == t->size_max)
		return t->size_min;
	return t->size_min + stream_draw(t->s, &l->stream) % (t->size_max - t->size_min + 1);
}

/* SY_AGAIN: the load is over. */
static enum sy_err send_one(struct load *l, enum sy_in_kind kind, uint64_t timeout_ns)
{
	struct traffic *t = l->t;
	struct scenario *s = t->s;
	if ((t->count && l->messages >= t->count) || scenario_now(s) >= t->until_ns)
		return SY_AGAIN;
	if (!s->host.core(l->from))
		return SY_NOT_RUNNING;
	uint64_t size = next_size(l);
	uint64_t token = ((uint64_t)l->serial << 32 | l->messages) << 1 | 1;
	struct sy_input in = {
	    .kind = kind, .conn = l->ref, .channel = t->channel, .bytes = {t->bytes, (size_t)size}, .token = token, .timeout_ns = timeout_ns};
	l->messages++;
	flow_asked(l->from, &l->to->addr.id, t->channel, (size_t)size, token, t->saturate);
	enum sy_err err = s->host.input(l->from, &in).err;
	if (err != SY_OK) {
		l->messages--;
		flow_refused(l->from, &l->to->addr.id, t->channel, token);
	}
	return err;
}

/* Fills the queue, then leaves one Send waiting: its answer is the next turn. */
static void saturate(struct load *l)
{
	enum sy_err err = SY_OK;
	if (l->waiting)
		return;
	for (unsigned i = 0; i < BURST_MAX && err == SY_OK; i++)
		err = send_one(l, SY_IN_TRY_SEND, 0);
	if (err != SY_QUEUE_FULL)
		return; /* over, or the peer is gone: peer_up comes again */
	l->waiting = true;
	err = send_one(l, SY_IN_SEND, SATURATE_TIMEOUT_NS);
	if (err == SY_OK)
		return;
	l->waiting = false;
	if (err == SY_QUEUE_FULL)
		task_at(l->t->s, &l->task, scenario_now(l->t->s) + RETRY_NS, SIM_SCRIPT, on_turn, l);
}

/* The time between two messages; exponential with poisson = true. */
static uint64_t next_interval(struct load *l)
{
	const struct traffic *t = l->t;
	if (!t->poisson)
		return t->interval_ns;
	uint64_t u = stream_draw(t->s, &l->stream);
	unsigned __int128 ns = (unsigned __int128)t->interval_ns * (uint64_t)sim_exponential_q32(u);
	return (uint64_t)(ns >> 32);
}

/* A generator that slept in Send runs again only after its machine has woken it; a queue that runs dry meanwhile stays so. */
static uint64_t next_wakeup(struct load *l)
{
	uint64_t u = stream_draw(l->t->s, &l->stream);
	return (uint64_t)((unsigned __int128)l->t->wakeup_ns * (uint64_t)sim_exponential_q32(u) >> 32);
}

/* Whoever was woken last runs first, as with goroutines: the others of this node that have not run yet run one later. */
static void wake(struct load *l)
{
	struct scenario *s = l->t->s;
	uint64_t now = scenario_now(s);
	l->wake_ns = now;
	if (l->t->wakeup_ns != 0) {
		for (struct load *other = l->from->loads; other; other = other->next) {
			if (other == l || other->wake_ns <= now)
				continue;
			other->wake_ns += next_wakeup(other);
			task_cancel(&other->task);
			task_at(s, &other->task, other->wake_ns, SIM_SCRIPT, on_turn, other);
		}
		l->wake_ns += next_wakeup(l);
	}
	task_cancel(&l->task);
	task_at(s, &l->task, l->wake_ns, SIM_SCRIPT, on_turn, l);
}

static void on_turn(void *arg)
{
	struct load *l = arg;
	struct traffic *t = l->t;
	uint64_t now = scenario_now(t->s);
	l->wake_ns = 0;
	if (t->s->host.failed || !l->up)
		return;
	if (now < t->after_ns) {
		task_at(t->s, &l->task, t->after_ns, SIM_SCRIPT, on_turn, l);
		return;
	}
	if (t->saturate) {
		saturate(l);
		return;
	}
	enum sy_err err = send_one(l, SY_IN_SEND, SEND_TIMEOUT_NS);
	if (err != SY_AGAIN && l->up)
		task_at(t->s, &l->task, now + next_interval(l), SIM_SCRIPT, on_turn, l);
}

/* ------------------------------------------------------------------ news */

void traffic_peer_up(struct node *n, const struct sy_id *id, struct sy_ref ref)
{
	for (struct load *l = n->loads; l; l = l->next) {
		if (memcmp(&l->to->addr.id, id, sizeof *id) != 0)
			continue;
		l->ref = ref;
		l->up = true;
		l->waiting = false;
		task_cancel(&l->task);
		task_at(l->t->s, &l->task, scenario_now(l->t->s), SIM_SCRIPT, on_turn, l);
	}
}

static void put_down(struct load *l)
{
	l->up = false;
	l->waiting = false;
	l->wake_ns = 0;
	task_cancel(&l->task);
}

void traffic_peer_down(struct node *n, const struct sy_id *id)
{
	for (struct load *l = n->loads; l; l = l->next)
		if (memcmp(&l->to->addr.id, id, sizeof *id) == 0)
			put_down(l);
}

void traffic_node_gone(struct node *n)
{
	for (struct load *l = n->loads; l; l = l->next)
		put_down(l);
}

bool traffic_send_done(struct scenario *s, uint64_t token, enum sy_err err)
{
	if ((token & 1) == 0)
		return false;
	uint64_t serial = token >> 33;
	if (serial >= s->num_loads)
		return false;
	struct load *l = s->loads[serial];
	if (err != SY_OK)
		flow_refused(l->from, &l->to->addr.id, l->t->channel, token);
	if (!l->t->saturate || !l->waiting)
		return true;
	l->waiting = false;
	if (l->up && (err == SY_OK || err == SY_TIMEOUT))
		wake(l);
	return true;
}

void traffics_free(struct scenario *s)
{
	for (struct traffic *t = s->traffics; t; t = t->next)
		free(t->bytes);
	free(s->loads);
	s->traffics = NULL;
	s->loads = NULL;
	s->num_loads = 0;
}

/* ------------------------------------------------------------------ declaring */

static const char *const keys[] = {"from",    "to",    "channel", "size",   "saturate", "rate", "interval",
                                   "poisson", "count", "after",   "before", "wakeup",   NULL};
#define WHAT "traffic"

/* "64KiB", or { "1KiB", "64KiB" }: uniform between the two. */
static void read_size(lua_State *L, struct traffic *t)
{
	int type = lua_getfield(L, 1, "size");
	int v = lua_gettop(L);
	if (type == LUA_TNIL)
		luaL_error(L, WHAT ": size is missing");
	if (type == LUA_TTABLE) {
		lua_geti(L, v, 1);
		lua_geti(L, v, 2);
		t->size_min = unit_check(L, v + 1, UNIT_SIZE, WHAT ": size: least");
		t->size_max = unit_check(L, v + 2, UNIT_SIZE, WHAT ": size: greatest");
	} else {
		t->size_min = t->size_max = unit_check(L, v, UNIT_SIZE, WHAT ": size");
	}
	lua_settop(L, 1);
	if (t->size_min == 0 || t->size_max < t->size_min || t->size_max > SY_LIMIT_RECV_BYTES_PER_PEER)
		luaL_error(L, WHAT ": size lies between 1 byte and %d MiB", (int)(SY_LIMIT_RECV_BYTES_PER_PEER >> 20));
}

static void read_pace(lua_State *L, struct traffic *t)
{
	uint64_t rate = 0;
	keys_bool(L, 1, WHAT, "saturate", &t->saturate);
	bool has_rate = keys_unit(L, 1, WHAT, "rate", UNIT_RATE, &rate);
	bool has_interval = keys_unit(L, 1, WHAT, "interval", UNIT_TIME, &t->interval_ns);
	keys_bool(L, 1, WHAT, "poisson", &t->poisson);
	if (t->saturate + has_rate + has_interval != 1)
		luaL_error(L, WHAT ": one of saturate, rate and interval is needed");
	if (has_rate && rate > 0)
		t->interval_ns = (uint64_t)((unsigned __int128)(t->size_min + t->size_max) * 4 * 1000000000u / rate);
	if (!t->saturate && t->interval_ns < 1000)
		luaL_error(L, WHAT ": a message each microsecond is the most");
	if (keys_unit(L, 1, WHAT, "wakeup", UNIT_TIME, &t->wakeup_ns) && !t->saturate)
		luaL_error(L, WHAT ": wakeup goes with saturate");
	if (t->saturate && t->poisson)
		luaL_error(L, WHAT ": poisson goes with rate or interval");
}

static void read_rest(lua_State *L, struct traffic *t)
{
	uint64_t channel;
	t->until_ns = NEVER;
	if (!keys_uint(L, 1, WHAT, "channel", 0, 255, &channel))
		luaL_error(L, WHAT ": channel is missing");
	t->channel = (uint8_t)channel;
	keys_uint(L, 1, WHAT, "count", 1, UINT32_MAX, &t->count);
	keys_unit(L, 1, WHAT, "after", UNIT_TIME, &t->after_ns);
	keys_unit(L, 1, WHAT, "before", UNIT_TIME, &t->until_ns);
}

static bool has_channel(const struct node *n, uint8_t channel)
{
	for (size_t i = 0; i < n->num_instances; i++)
		for (size_t k = 0; k < n->instances[i].class_->num_channels; k++)
			if (n->instances[i].class_->channels[k].id == channel)
				return true;
	return false;
}

static void add_load(lua_State *L, struct traffic *t, struct node *from, struct node *to)
{
	struct scenario *s = t->s;
	if (s->num_loads == LOADS_MAX)
		luaL_error(L, WHAT ": at most %d pairs", (int)LOADS_MAX);
	host_grow(L, &s->loads, &s->cap_loads, s->num_loads + 1, sizeof(struct load *));
	struct load *l = host_new(L, sizeof *l);
	l->t = t;
	l->from = from;
	l->to = to;
	l->serial = (uint32_t)s->num_loads;
	l->stream.entity = host_entity(from->name, to->name) + t->channel;
	l->next = from->loads;
	from->loads = l;
	s->loads[s->num_loads++] = l;
	struct sy_peer p;
	const struct sy_node *core = from->world ? s->host.core(from) : NULL;
	if (core && to->world && sy_node_peer_by_id(core, &to->addr.id, &p) == SY_OK) {
		l->up = true;
		l->ref = p.ref;
		task_at(s, &l->task, scenario_now(s), SIM_SCRIPT, on_turn, l);
	}
}

static void add_loads(lua_State *L, struct traffic *t)
{
	lua_getfield(L, 1, "from");
	struct node_list from = nodes_check(L, -1, WHAT ": from");
	lua_getfield(L, 1, "to");
	struct node_list to = nodes_check(L, -1, WHAT ": to");
	for (size_t i = 0; i < from.n; i++) {
		if (!has_channel(from.at[i], t->channel))
			luaL_error(L, WHAT ": node '%s' has no reactor with channel %d", from.at[i]->name, (int)t->channel);
		for (size_t k = 0; k < to.n; k++)
			if (from.at[i] != to.at[k])
				add_load(L, t, from.at[i], to.at[k]);
	}
}

static int api_traffic(lua_State *L)
{
	struct scenario *s = host_scenario(L, WHAT);
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	host_must_act(L, WHAT);
	keys_check(L, 1, WHAT, keys, 0);
	struct traffic *t = host_new(L, sizeof *t);
	t->s = s;
	t->where = host_where(L);
	read_size(L, t);
	read_pace(L, t);
	read_rest(L, t);
	t->bytes = calloc(1, (size_t)t->size_max);
	if (!t->bytes)
		return luaL_error(L, "out of memory");
	t->next = s->traffics;
	s->traffics = t;
	add_loads(L, t);
	return 0;
}

static const luaL_Reg functions[] = {{"traffic", api_traffic}, {NULL, NULL}};
const struct api_page traffic_page = {"", functions, keys};

void traffic_open(lua_State *L)
{
	luaL_setfuncs(L, functions, 0);
}
