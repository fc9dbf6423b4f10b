#include "sim/lua/lifecycle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/engine/rand.h"
#include "sim/lua/plan.h"

#define RESTART_AFTER_NS UINT64_C(1000000000)
#define RESTART_RETRY_NS UINT64_C(100000000)
#define AGAIN_NS UINT64_C(1000000000) /* a machine that does not start is tried again */
#define AGAIN_TRIES 86400u
#define RESTART_TRIES 100u /* a node that stops in good order is given ten seconds */

/* ------------------------------------------------------------------ configuration */

static bool settle_fail(struct scenario *s, const struct node *n, const char *list, const struct peer_name *p)
{
	const char *names[2] = {NULL, NULL};
	unsigned least = 0;
	for (size_t i = 0; i < s->num_nodes; i++) {
		unsigned d = keys_distance(p->text, s->nodes[i]->name);
		if (!names[0] || d < least) {
			names[0] = s->nodes[i]->name;
			least = d;
		}
	}
	host_breakf(&s->host, "%s: node '%s': %s: there is no node '%s'; the nearest name is '%s'", n->decl->where, n->name, list, p->text,
	            names[0] ? names[0] : "");
	return false;
}

/* The text that stands for a peer: id@ip:port, or only its id. Null: host.error says why. */
static const char *settle_one(struct scenario *s, const struct node *n, const char *list, const struct peer_name *p, bool only_id)
{
	const struct node *other = p->node;
	const char *named = p->text ? p->text : "";
	size_t len = strlen(named);
	struct sy_id id;
	if (!other && (strchr(named, '@') || (only_id && len == SY_ID_TEXT - 1 && sy_id_parse(named, len, &id, NULL) == SY_OK)))
		return named;
	if (!other)
		other = scenario_node_by_name(s, named);
	if (!other) {
		settle_fail(s, n, list, p);
		return NULL;
	}
	char text[SY_ADDR_TEXT];
	if (only_id)
		sy_id_format(&other->addr.id, text);
	else
		sy_netaddr_format(&other->addr, text);
	const char *kept = arena_text(&s->host.arena, text, strlen(text));
	if (!kept)
		host_breakf(&s->host, "out of memory");
	return kept;
}

static bool settle_list(struct scenario *s, const struct node *n, const char *key, const struct peer_names *names, bool only_id,
                        const char *const **list, size_t *count)
{
	*list = NULL;
	*count = 0;
	if (!names->n)
		return true;
	const char **texts = arena_new(&s->host.arena, names->n * sizeof *texts);
	if (!texts) {
		host_breakf(&s->host, "out of memory");
		return false;
	}
	size_t kept = 0;
	for (size_t i = 0; i < names->n; i++) {
		const struct peer_name *p = &names->at[i];
		if (p->node == n || (p->text && strcmp(p->text, n->name) == 0))
			continue; /* a group that names its own members: nobody is his own peer */
		const char *text = settle_one(s, n, key, p, only_id);
		if (!text)
			return false;
		texts[kept++] = text;
	}
	*list = texts;
	*count = kept;
	return true;
}

static bool settle_lists(struct scenario *s, const struct node *n, struct sy_config *c)
{
	const struct node_decl *d = n->decl;
	return settle_list(s, n, "seeds", &d->seeds, false, &c->seeds, &c->num_seeds) &&
	       settle_list(s, n, "persistent_peers", &d->persistent_peers, false, &c->persistent_peers, &c->num_persistent_peers) &&
	       settle_list(s, n, "unconditional_peer_ids", &d->unconditional_peer_ids, true, &c->unconditional_peer_ids,
	                   &c->num_unconditional_peer_ids) &&
	       settle_list(s, n, "private_peer_ids", &d->private_peer_ids, true, &c->private_peer_ids, &c->num_private_peer_ids);
}

/* As a file of configuration it is written once: whoever has another id or address later on is not found by it. */
static bool settle_names(struct scenario *s, struct node *n)
{
	if (n->settled_of == n->decl)
		return true;
	struct sy_config *c = arena_new(&s->host.arena, sizeof *c);
	if (!c) {
		host_breakf(&s->host, "out of memory");
		return false;
	}
	*c = n->decl->p2p;
	if (!settle_lists(s, n, c))
		return false;
	n->settled = c;
	n->settled_of = n->decl;
	return true;
}

bool lifecycle_settle(struct scenario *s, struct node *n)
{
	const struct node_decl *d = n->decl;
	if (!settle_names(s, n))
		return false;
	struct sy_config c = *n->settled;
	if (!c.moniker)
		c.moniker = n->name;
	if (!c.version)
		c.version = SY_VERSION;
	c.trace_messages = n->taps != NULL;
	const char *what = NULL;
	enum sy_err err = world_node_configure(n->world, &c, &what);
	if (err == SY_OK)
		return true;
	host_breakf(&s->host, "%s: node '%s': %s", d->where, n->name, what ? what : sy_err_text(err));
	return false;
}

static bool settle_known(struct scenario *s, const struct node *n, const struct peer_name *p, struct sy_netaddr *addr)
{
	const struct node *other = p->node ? p->node : strchr(p->text, '@') ? NULL : scenario_node_by_name(s, p->text);
	if (other) {
		*addr = other->addr;
		return true;
	}
	if (!strchr(p->text, '@'))
		return settle_fail(s, n, "book", p);
	if (sy_netaddr_parse(p->text, addr, NULL) == SY_OK)
		return true;
	host_breakf(&s->host, "%s: node '%s': book: '%s' is no id@ip:port", n->decl->where, n->name, p->text);
	return false;
}

/* What its address book holds before it has ever run. */
static bool settle_book(struct scenario *s, struct node *n)
{
	const struct peer_names *names = &n->decl->book;
	struct sy_netaddr *addrs = calloc(names->n, sizeof *addrs);
	enum sy_err err = addrs ? SY_OK : SY_NO_MEMORY;
	bool good = true;
	for (size_t i = 0; addrs && good && i < names->n; i++)
		good = settle_known(s, n, &names->at[i], &addrs[i]);
	if (good && !err)
		err = world_node_knows(n->world, addrs, names->n);
	free(addrs);
	if (err)
		host_breakf(&s->host, "%s: node '%s': book: %s", n->decl->where, n->name, sy_err_text(err));
	return good && !err;
}

/* ------------------------------------------------------------------ starting */

struct start {
	struct node *node;
	const char *where;
	unsigned tries;
	unsigned again;
	bool of_restart; /* after a fault; somebody else may have started it meanwhile */
	struct task task;
};

static bool fresh_instances(struct node *n)
{
	struct host *h = n->host;
	n->life++;
	for (size_t i = 0; i < n->num_instances; i++) {
		lua_checkstack(h->sb.L, 20);
		lua_pushcfunction(h->sb.L, instance_reset_protected);
		lua_pushlightuserdata(h->sb.L, &n->instances[i]);
		if (!host_call(h, &h->frame, 1, 0))
			return false;
	}
	return true;
}

static void start_now(struct node *n, const char *where)
{
	struct scenario *s = n->host->scenario;
	if (s->host.failed || !lifecycle_settle(s, n) || !fresh_instances(n))
		return;
	if (!n->was_started && n->decl->book.n && !settle_book(s, n))
		return;
	n->was_started = true;
	s->topology++;
	enum sy_err err = world_node_start(n->world);
	if (err != SY_OK && !s->host.failed)
		host_breakf(&s->host, "%s: node '%s' does not start: %s", where, n->name, sy_err_text(err));
}

static void on_start(void *arg);

/* After a fault a start may meet another one (no power, no disk): it is tried each second, as a supervisor would. */
static void start_after_fault(struct start *st)
{
	struct node *n = st->node;
	struct scenario *s = n->host->scenario;
	if (!lifecycle_settle(s, n) || !fresh_instances(n))
		return;
	s->topology++;
	enum sy_err err = world_node_start(n->world);
	if (err == SY_OK || s->host.failed)
		return;
	if (st->again++ == 0)
		result_log(s, n->name, arena_format(&s->host.arena, "does not start: %s", sy_err_text(err)));
	if (st->again < AGAIN_TRIES)
		task_at(s, &st->task, scenario_now(s) + AGAIN_NS, SIM_SCRIPT, on_start, st);
}

static void on_start(void *arg)
{
	struct start *st = arg;
	struct scenario *s = st->node->host->scenario;
	if (s->host.failed)
		return;
	if (world_node_running(st->node->world)) {
		if (st->tries++ < RESTART_TRIES) {
			task_at(s, &st->task, scenario_now(s) + RESTART_RETRY_NS, SIM_SCRIPT, on_start, st);
			return;
		}
		if (!st->of_restart && !plan_given(s)) /* else the fault that ended it is not in the plan */
			host_breakf(&s->host, "%s: node '%s' runs already", st->where, st->node->name);
		return;
	}
	if (st->of_restart)
		start_after_fault(st);
	else
		start_now(st->node, st->where);
}

static void start_later(lua_State *L, struct node *n, uint64_t at_ns, unsigned tries, bool of_restart)
{
	struct start *st = host_new(L, sizeof *st);
	st->node = n;
	st->where = host_where(L);
	st->tries = tries;
	st->of_restart = of_restart;
	task_at(n->host->scenario, &st->task, at_ns, SIM_SCRIPT, on_start, st);
}

bool lifecycle_begin(struct node *n, const char *where)
{
	struct scenario *s = n->host->scenario;
	struct start *st = arena_new(&s->host.arena, sizeof *st);
	if (!st)
		return false;
	*st = (struct start){.node = n, .where = where, .of_restart = true};
	task_at(s, &st->task, scenario_now(s), SIM_SCRIPT, on_start, st);
	return true;
}

/* Lifecycle calls come from the script, a process or a timer: never from a check, never from inside a node. */
static struct scenario *may_act(lua_State *L, const char *what, bool runs)
{
	struct scenario *s = host_scenario(L, what);
	host_must_act(L, what);
	if (s->host.frame.kind == FRAME_REACTOR)
		luaL_error(L, "%s: not in a callback of a reactor; spawn a process for it", what);
	if (runs && s->host.frame.kind == FRAME_LOAD)
		luaL_error(L, "%s: nothing runs before run_for; use at() or spawn()", what);
	return s;
}

static void check_failed(lua_State *L, const struct scenario *s)
{
	if (s->host.failed)
		luaL_error(L, "%s", s->host.error);
}

int lifecycle_start(lua_State *L)
{
	static const char *const keys[] = {"within", NULL};
	struct node *n = node_check(L, 1);
	struct scenario *s = may_act(L, "start", false);
	uint64_t within = 0, at = scenario_now(s);
	if (!lua_isnoneornil(L, 2)) {
		luaL_checktype(L, 2, LUA_TTABLE);
		keys_check(L, 2, "start", keys, 0);
		keys_unit(L, 2, "start", "within", UNIT_TIME, &within);
	}
	if (n->decl->is_stranger)
		return luaL_error(L, "start: '%s' is a stranger: there is no node behind it", n->name);
	/* Keyed by the node's name: one node more moves nobody's start. */
	if (within)
		at += sim_rand_below(s->options.seed, SIM_RAND_START, host_entity(n->name, "start"), 0, within);
	if (s->host.frame.kind == FRAME_LOAD || within) {
		start_later(L, n, at, RESTART_TRIES, false);
		return 0;
	}
	if (world_node_running(n->world) && plan_given(s))
		return 0; /* the fault that ended it is not in the plan */
	if (world_node_running(n->world))
		return luaL_error(L, "start: node '%s' runs already", n->name);
	start_now(n, host_where(L));
	check_failed(L, s);
	return 0;
}

/* ------------------------------------------------------------------ ending */

static void end_node(lua_State *L, const char *what, void (*end)(struct world_node *n))
{
	struct node *n = node_check(L, 1);
	struct scenario *s = may_act(L, what, true);
	s->topology++;
	if (world_node_running(n->world))
		end(n->world);
	check_failed(L, s);
}

int lifecycle_stop(lua_State *L)
{
	end_node(L, "stop", world_node_stop);
	return 0;
}

static int do_crash(lua_State *L)
{
	end_node(L, "crash", world_node_crash);
	return 0;
}

static int do_lose_disk(lua_State *L)
{
	struct node *n = node_check(L, 1);
	may_act(L, "lose_disk", true);
	world_node_lose_disk(n->world);
	return 0;
}

static void lose_key(lua_State *L, struct node *n)
{
	const char *what = NULL;
	enum sy_err err = world_node_lose_key(n->world, &what);
	if (err != SY_OK)
		luaL_error(L, "lose_key: %s", what ? what : sy_err_text(err));
}

static int do_lose_key(lua_State *L)
{
	struct node *n = node_check(L, 1);
	may_act(L, "lose_key", true);
	lose_key(L, n);
	return 0;
}

static int do_restart(lua_State *L)
{
	static const char *const keys[] = {"after", "crash", "lose_disk", "lose_key", NULL};
	struct node *n = node_check(L, 1);
	struct scenario *s = may_act(L, "restart", true);
	uint64_t after = RESTART_AFTER_NS;
	bool crash = false, lose_disk = false, loses_key = false;
	if (!lua_isnoneornil(L, 2)) {
		luaL_checktype(L, 2, LUA_TTABLE);
		keys_check(L, 2, "restart", keys, 0);
		keys_unit(L, 2, "restart", "after", UNIT_TIME, &after);
		keys_bool(L, 2, "restart", "crash", &crash);
		keys_bool(L, 2, "restart", "lose_disk", &lose_disk);
		keys_bool(L, 2, "restart", "lose_key", &loses_key);
	}
	end_node(L, "restart", crash ? world_node_crash : world_node_stop);
	if (lose_disk)
		world_node_lose_disk(n->world);
	if (loses_key)
		lose_key(L, n);
	if (!n->decl->is_stranger)
		start_later(L, n, scenario_now(s) + after, 0, true);
	return 0;
}

/* ------------------------------------------------------------------ faults of a node */

/* What churn does: a node comes, if it is not there. */
static int do_arrive(lua_State *L)
{
	struct node *n = node_check(L, 1);
	may_act(L, "arrive", true);
	if (n->decl->is_stranger)
		return 0;
	n->was_started = true;
	if (!world_node_running(n->world) && !lifecycle_begin(n, host_where(L)))
		return luaL_error(L, "arrive: out of memory");
	return 0;
}

enum { WORD_CRASH, WORD_RESTART, WORD_LOSE_DISK, WORD_LOSE_KEY, WORD_ARRIVE };

const struct plan_word lifecycle_words[] = {
    [WORD_CRASH] = {.name = "crash", .fn = do_crash, .of_node = true},
    [WORD_RESTART] = {.name = "restart", .fn = do_restart, .of_node = true, .drawn = "restart"},
    [WORD_LOSE_DISK] = {.name = "lose_disk", .fn = do_lose_disk, .of_node = true},
    [WORD_LOSE_KEY] = {.name = "lose_key", .fn = do_lose_key, .of_node = true, .drawn = "key", .only_named = true},
    [WORD_ARRIVE] = {.name = "arrive", .fn = do_arrive, .of_node = true},
    {.name = NULL},
};

int lifecycle_crash(lua_State *L)
{
	return plan_call(L, &lifecycle_words[WORD_CRASH]);
}

int lifecycle_restart(lua_State *L)
{
	return plan_call(L, &lifecycle_words[WORD_RESTART]);
}

int lifecycle_lose_disk(lua_State *L)
{
	return plan_call(L, &lifecycle_words[WORD_LOSE_DISK]);
}

int lifecycle_lose_key(lua_State *L)
{
	return plan_call(L, &lifecycle_words[WORD_LOSE_KEY]);
}

/* Other keys of [p2p] for the next start. */
int lifecycle_configure(lua_State *L)
{
	struct node *n = node_check(L, 1);
	may_act(L, "configure", false);
	luaL_checktype(L, 2, LUA_TTABLE);
	lua_settop(L, 2);
	if (n->world && world_node_running(n->world))
		return luaL_error(L, "configure: node '%s' runs; stop it first", n->name);
	struct node_decl *d = host_new(L, sizeof *d); /* the others of a group keep theirs */
	*d = *n->decl;
	node_decl_p2p(L, d, 2);
	n->decl = d;
	return 0;
}
