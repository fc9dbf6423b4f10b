/*
 * Time for scripts: spawn, sleep, wait_until, wait_peer, at, every. A process is a coroutine over virtual time; only
 * it may wait. What it waits for wakes it through an event of class SIM_SCRIPT, never from inside a node.
 *
 *   new --(its first event)--> running --wait--> waiting --(timer, peer, send)--> running --return--> gone
 *                                                   |
 *                                                   +--(a wait timed out: a failed check)--> gone
 */
#include <stdio.h>
#include <string.h>

#include "sim/lua/pages.h"

#define POLL_NS UINT64_C(10000000) /* wait_until looks every 10 ms */
#define NEVER UINT64_MAX

enum wait_kind { WAIT_NONE, WAIT_TIME, WAIT_PEER, WAIT_SEND };

struct process {
	struct process *next;
	struct scenario *s;
	lua_State *co;
	int ref;
	struct stream stream;
	struct task task;
	enum wait_kind wait;
	bool woken;        /* what was waited for has come */
	bool over;         /* a wait has failed: it does not run on */
	const char *where; /* of the wait */
	struct node *node; /* WAIT_PEER */
	struct sy_id id;
	uint64_t token; /* WAIT_SEND; 0: none under way */
	enum sy_err err;
};

static void process_end(struct process *p)
{
	struct scenario *s = p->s;
	task_cancel(&p->task);
	for (struct process **at = &s->processes; *at; at = &(*at)->next) {
		if (*at == p) {
			*at = p->next;
			break;
		}
	}
	p->wait = WAIT_NONE;
	luaL_unref(s->host.sb.L, LUA_REGISTRYINDEX, p->ref);
	p->co = NULL;
}

static void process_resume(struct process *p)
{
	struct scenario *s = p->s;
	struct host *h = &s->host;
	if (h->failed || !p->co)
		return;
	p->wait = WAIT_NONE;
	struct frame before = h->frame;
	h->frame = (struct frame){.kind = FRAME_PROCESS, .stream = &p->stream, .process = p};
	int results;
	int status = sandbox_resume(&h->sb, p->co, 0, &results);
	h->frame = before;
	if (status == LUA_YIELD && !p->over && p->wait != WAIT_NONE)
		return;
	if (status == LUA_YIELD && !p->over)
		host_breakf(h, "%s: coroutine.yield outside of a coroutine; processes wait with sleep and wait_until", p->where ? p->where : "?");
	else if (status != LUA_OK && status != LUA_YIELD)
		host_break(h);
	process_end(p);
}

/* A wait that timed out counts as a check that failed. */
static void wait_failed(struct process *p, const char *what, const char *detail)
{
	struct scenario *s = p->s;
	char name[256], text[256];
	snprintf(name, sizeof name, "%s at %s", what, p->where);
	struct scenario_check *c = result_check(s, SCENARIO_WAIT, name, p->where);
	snprintf(text, sizeof text, "timed out at %.9g s: %s", (double)scenario_now(s) / 1e9, detail);
	if (c)
		result_decide(s, c, false, text);
	p->over = true;
}

static void on_wake(void *arg)
{
	struct process *p = arg;
	if (p->wait == WAIT_PEER && !p->woken) {
		char detail[160];
		snprintf(detail, sizeof detail, "%s did not get this peer", p->node->name);
		wait_failed(p, "wait_peer", detail);
		process_end(p);
		return;
	}
	process_resume(p);
}

static struct process *running_process(lua_State *L)
{
	struct process *p = host_of(L)->frame.process;
	return host_of(L)->frame.kind == FRAME_PROCESS && p && p->co == L ? p : NULL;
}

/* The same after a wait. */
static struct process *resumed_process(lua_State *L)
{
	struct process *p = running_process(L);
	if (!p)
		luaL_error(L, "a process goes on by itself, it cannot be resumed");
	return p;
}

bool process_may_wait(lua_State *L, const char *what)
{
	host_scenario(L, what);
	if (running_process(L))
		return true;
	if (host_of(L)->frame.kind == FRAME_PROCESS)
		luaL_error(L, "%s: waits only in the process itself, not in a coroutine of the script's own", what);
	luaL_error(L, "%s: waits, and only a process may wait: put it into spawn(function() ... end)", what);
	return false;
}

/* Sets the running process to sleep until at_ns (NEVER: until it is woken); the caller yields. */
static struct process *prepare(lua_State *L, enum wait_kind kind, uint64_t at_ns)
{
	struct process *p = running_process(L);
	p->wait = kind;
	p->woken = false;
	p->where = host_where(L);
	if (at_ns != NEVER)
		task_at(p->s, &p->task, at_ns, SIM_SCRIPT, on_wake, p);
	return p;
}

static void wake(struct process *p)
{
	p->woken = true;
	task_cancel(&p->task);
	task_at(p->s, &p->task, scenario_now(p->s), SIM_SCRIPT, on_wake, p);
}

static uint64_t later(const struct scenario *s, uint64_t delay)
{
	uint64_t now = scenario_now(s);
	return delay > NEVER - 1 - now ? NEVER : now + delay;
}

/* ------------------------------------------------------------------ waiting */

static int api_sleep(lua_State *L)
{
	uint64_t delay = unit_check(L, 1, UNIT_TIME, "sleep");
	process_may_wait(L, "sleep");
	prepare(L, WAIT_TIME, later(host_of(L)->scenario, delay));
	return lua_yield(L, 0);
}

/* Stack: 1 the condition, 2 the deadline, 3 the step. */
static int until_called(lua_State *L, int status, lua_KContext ctx);

static int until_call(lua_State *L, int status, lua_KContext ctx)
{
	lua_settop(L, 3);
	lua_pushvalue(L, 1);
	lua_callk(L, 0, LUA_MULTRET, 0, until_called);
	return until_called(L, LUA_OK, 0);
}

static int until_called(lua_State *L, int status, lua_KContext ctx)
{
	struct process *p = resumed_process(L);
	uint64_t now = scenario_now(p->s), deadline = (uint64_t)lua_tointeger(L, 2);
	if (lua_toboolean(L, 4))
		return lua_gettop(L) - 3;
	if (now >= deadline) {
		p->where = host_where(L);
		wait_failed(p, "wait_until", "the condition did not come true");
		return lua_yield(L, 0);
	}
	uint64_t next = now + (uint64_t)lua_tointeger(L, 3);
	prepare(L, WAIT_TIME, next < deadline ? next : deadline);
	return lua_yieldk(L, 0, 0, until_call);
}

static int api_wait_until(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TFUNCTION);
	uint64_t timeout = unit_opt(L, 2, UNIT_TIME, "wait_until: timeout", NEVER);
	uint64_t every = unit_opt(L, 3, UNIT_TIME, "wait_until: every", POLL_NS);
	process_may_wait(L, "wait_until");
	luaL_argcheck(L, every > 0, 3, "must be more than 0");
	uint64_t deadline = later(host_of(L)->scenario, timeout);
	lua_settop(L, 1);
	lua_pushinteger(L, (lua_Integer)(deadline > INT64_MAX ? INT64_MAX : deadline));
	lua_pushinteger(L, (lua_Integer)every);
	return until_call(L, LUA_OK, 0);
}

/* Stack: 1 the node, 2 the other one. */
static int peer_there(lua_State *L, int status, lua_KContext ctx)
{
	struct node *n = node_check(L, 1);
	struct sy_peer sp;
	if (!peer_find(L, n, 2, &sp))
		return 0; /* it was there, and is gone already */
	peer_push(L, n, &sp);
	return 1;
}

int process_wait_peer(lua_State *L, struct node *n, const struct sy_id *id, uint64_t timeout_ns)
{
	struct sy_peer sp;
	process_may_wait(L, "wait_peer");
	if (peer_find(L, n, 2, &sp)) {
		peer_push(L, n, &sp);
		return 1;
	}
	struct process *p = prepare(L, WAIT_PEER, later(host_of(L)->scenario, timeout_ns));
	p->node = n;
	p->id = *id;
	return lua_yieldk(L, 0, 0, peer_there);
}

void process_peer_up(struct scenario *s, struct node *n, const struct sy_id *id)
{
	for (struct process *p = s->processes; p; p = p->next)
		if (p->wait == WAIT_PEER && !p->woken && p->node == n && memcmp(&p->id, id, sizeof *id) == 0)
			wake(p);
}

static int send_result(lua_State *L, enum sy_err err)
{
	lua_pushboolean(L, err == SY_OK);
	if (err == SY_OK)
		return 1;
	lua_pushstring(L, sy_err_name(err));
	return 2;
}

static int sent(lua_State *L, int status, lua_KContext ctx)
{
	return send_result(L, resumed_process(L)->err);
}

int process_send(lua_State *L, struct node *n, struct sy_ref ref, const struct sy_id *id, uint8_t channel, struct sy_span bytes,
                 uint64_t timeout_ns)
{
	struct process *p = running_process(L);
	struct scenario *s = p->s;
	p->token = ++s->last_token << 1; /* odd tokens are those of traffic */
	p->err = SY_AGAIN;
	struct sy_input in = {.kind = SY_IN_SEND, .conn = ref, .channel = channel, .bytes = bytes, .token = p->token, .timeout_ns = timeout_ns};
	flow_asked(n, id, channel, bytes.len, p->token, false);
	enum sy_err err = node_input(L, n, &in, "peer:send").err;
	if (err != SY_OK || p->token == 0) {
		if (err != SY_OK)
			flow_refused(n, id, channel, p->token);
		p->token = 0;
		return send_result(L, err != SY_OK ? err : p->err); /* the answer may have come before we could wait for it */
	}
	p->node = n;
	p->id = *id;
	prepare(L, WAIT_SEND, NEVER);
	return lua_yieldk(L, 0, 0, sent);
}

bool process_send_done(struct scenario *s, struct node *n, uint64_t token, enum sy_err err)
{
	for (struct process *p = s->processes; p; p = p->next) {
		if (p->token != token || token == 0)
			continue;
		p->token = 0;
		p->err = err;
		if (p->wait == WAIT_SEND)
			wake(p);
		return true;
	}
	return false;
}

void process_node_gone(struct scenario *s, struct node *n)
{
	for (struct process *p = s->processes; p; p = p->next) {
		if (p->token == 0 || p->wait != WAIT_SEND || p->node != n)
			continue;
		p->token = 0;
		p->err = SY_NOT_RUNNING;
		wake(p);
	}
}

/* ------------------------------------------------------------------ starting */

static void on_first(void *arg)
{
	process_resume(arg);
}

static int api_spawn(lua_State *L)
{
	struct scenario *s = host_scenario(L, "spawn");
	luaL_checktype(L, 1, LUA_TFUNCTION);
	host_must_act(L, "spawn");
	struct process *p = host_new(L, sizeof *p);
	p->s = s;
	p->where = host_where(L);
	stream_init(s, &p->stream);
	p->co = lua_newthread(L);
	p->ref = luaL_ref(L, LUA_REGISTRYINDEX);
	lua_pushvalue(L, 1);
	lua_xmove(L, p->co, 1);
	struct process **last = &s->processes;
	while (*last)
		last = &(*last)->next;
	*last = p;
	task_at(s, &p->task, scenario_now(s), SIM_SCRIPT, on_first, p);
	return 0;
}

void processes_free(struct scenario *s)
{
	s->processes = NULL; /* they lie in the arena, their coroutines in the state */
}

/* ------------------------------------------------------------------ at, every */

struct timed {
	struct scenario *s;
	int fn_ref;
	uint64_t every_ns, until_ns;
	struct stream stream;
	struct task task;
};

static void on_timed(void *arg)
{
	struct timed *t = arg;
	struct scenario *s = t->s;
	lua_State *L = s->host.sb.L;
	struct frame frame = {.kind = FRAME_SCRIPT, .stream = &t->stream};
	if (s->host.failed || !lua_checkstack(L, 20))
		return;
	lua_rawgeti(L, LUA_REGISTRYINDEX, t->fn_ref);
	if (!host_call(&s->host, &frame, 0, 1))
		return;
	bool enough = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
	lua_pop(L, 1);
	uint64_t next = scenario_now(s) + t->every_ns;
	if (t->every_ns && !enough && next <= t->until_ns)
		task_at(s, &t->task, next, SIM_SCRIPT, on_timed, t);
	else
		luaL_unref(L, LUA_REGISTRYINDEX, t->fn_ref);
}

static struct timed *timed_new(lua_State *L, struct scenario *s, int fn)
{
	luaL_checktype(L, fn, LUA_TFUNCTION);
	struct timed *t = host_new(L, sizeof *t);
	t->s = s;
	t->until_ns = NEVER;
	stream_init(s, &t->stream);
	lua_pushvalue(L, fn);
	t->fn_ref = luaL_ref(L, LUA_REGISTRYINDEX);
	return t;
}

/* at(t, fn): once, at the time t of the run. */
static int api_at(lua_State *L)
{
	struct scenario *s = host_scenario(L, "at");
	uint64_t at = unit_check(L, 1, UNIT_TIME, "at");
	host_must_act(L, "at");
	if (at < scenario_now(s))
		return luaL_error(L, "at: that time is past: it is %f s already", (lua_Number)scenario_now(s) / 1e9);
	struct timed *t = timed_new(L, s, 2);
	task_at(s, &t->task, at, SIM_SCRIPT, on_timed, t);
	return 0;
}

/* every(t, fn, { after, before }): again and again, until fn returns false. */
static int api_every(lua_State *L)
{
	static const char *const keys[] = {"after", "before", NULL};
	struct scenario *s = host_scenario(L, "every");
	uint64_t every = unit_check(L, 1, UNIT_TIME, "every");
	host_must_act(L, "every");
	luaL_argcheck(L, every > 0, 1, "must be more than 0");
	uint64_t first = scenario_now(s) + every, until = NEVER;
	if (!lua_isnoneornil(L, 3)) {
		luaL_checktype(L, 3, LUA_TTABLE);
		keys_check(L, 3, "every", keys, 0);
		keys_unit(L, 3, "every", "after", UNIT_TIME, &first);
		keys_unit(L, 3, "every", "before", UNIT_TIME, &until);
	}
	struct timed *t = timed_new(L, s, 2);
	t->every_ns = every;
	t->until_ns = until;
	task_at(s, &t->task, first, SIM_SCRIPT, on_timed, t);
	return 0;
}

static const luaL_Reg functions[] = {{"spawn", api_spawn}, {"sleep", api_sleep}, {"wait_until", api_wait_until},
                                     {"at", api_at},       {"every", api_every}, {NULL, NULL}};
const struct api_page process_page = {"", functions, NULL};

void process_open(lua_State *L)
{
	luaL_setfuncs(L, functions, 0);
}
