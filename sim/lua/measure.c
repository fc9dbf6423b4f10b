/*
 * measure {}: what arrives at `to` from `from`, by channel. Bytes count when their message is delivered; a delay runs
 * from the moment somebody asked to send until receipt, first in first out by pair and channel; a gap is a time in
 * which a channel had work and nothing arrived.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "sim/lua/flow.h"
#include "sim/lua/pages.h"

#define ASKED_MAX 65536u /* messages under way by pair and channel that are remembered */
#define BIN_NS UINT64_C(1000000000)

/* ------------------------------------------------------------------ what is known of a pair */

static struct tap *find_tap(struct node *to, struct node *from, struct tap *after)
{
	for (struct tap *t = after ? after->next : to->taps; t; t = t->next)
		if (t->from == from)
			return t;
	return NULL;
}

static uint32_t priority_of(const struct node *n, uint8_t channel, const char **reactor)
{
	*reactor = channel == 0 ? "pex" : "";
	for (size_t i = 0; i < n->num_instances; i++) {
		const struct reactor_class *c = n->instances[i].class_;
		for (size_t k = 0; k < c->num_channels; k++) {
			if (c->channels[k].id == channel) {
				*reactor = c->name;
				return c->channels[k].priority;
			}
		}
	}
	return 1;
}

/* The measure's line of this channel; made when it is first seen. Null: not asked for, or no memory. */
static struct line *line_of(struct tap *t, uint8_t channel)
{
	struct measure *m = t->m;
	if (m->by_id[channel] != NULL || !m->wanted[channel])
		return m->by_id[channel];
	struct line *l = arena_new(&m->s->host.arena, sizeof *l);
	if (!l)
		return NULL;
	l->id = channel;
	l->priority = priority_of(t->from, channel, &l->reactor);
	l->bin_ns = m->bin_ns;
	m->by_id[channel] = l;
	return l;
}

static struct way *way_of(struct tap *t, uint8_t channel)
{
	for (struct way *w = t->ways; w; w = w->next)
		if (w->line->id == channel)
			return w;
	struct line *l = line_of(t, channel);
	struct way *w = l ? arena_new(&t->m->s->host.arena, sizeof *w) : NULL;
	if (!w)
		return NULL;
	w->line = l;
	w->next = t->ways;
	t->ways = w;
	return w;
}

/* ------------------------------------------------------------------ asking */

static bool asked_grow(struct way *w)
{
	if (w->count < w->cap)
		return true;
	uint32_t cap = w->cap ? w->cap * 2 : 16;
	struct asked *ring = cap <= ASKED_MAX ? malloc(cap * sizeof *ring) : NULL;
	if (!ring)
		return false;
	for (uint32_t i = 0; w->cap && i < w->count; i++)
		ring[i] = w->ring[(w->head + i) % w->cap];
	free(w->ring);
	w->ring = ring;
	w->cap = cap;
	w->head = 0;
	return true;
}

static void asked_push(struct way *w, uint64_t now, uint64_t token, size_t bytes)
{
	bool grown = asked_grow(w);
	if (w->cap == 0)
		return;
	if (!grown) { /* the oldest is forgotten: its delay will not be known */
		w->head = (w->head + 1) % w->cap;
		w->count--;
	}
	if (w->count == 0)
		w->since_ns = now;
	w->ring[(w->head + w->count++) % w->cap] = (struct asked){.at_ns = now, .token = token, .bytes = (uint32_t)bytes};
}

void flow_asked(struct node *from, const struct sy_id *to_id, uint8_t channel, size_t bytes, uint64_t token, bool saturated)
{
	struct scenario *s = from->host->scenario;
	if (!s || !s->measures)
		return;
	struct node *to = scenario_node_by_id(s, to_id);
	uint64_t now = scenario_now(s);
	for (struct tap *t = to ? find_tap(to, from, NULL) : NULL; t; t = find_tap(to, from, t)) {
		struct way *w = way_of(t, channel);
		if (!w)
			continue;
		asked_push(w, now, token, bytes);
		if (now >= t->m->end_ns)
			continue;
		w->line->saturated |= saturated;
		if (now >= t->m->start_ns)
			w->line->offered += bytes;
	}
}

static void take_back(struct way *w, uint64_t token, const struct measure *m)
{
	for (uint32_t i = w->count; i-- > 0;) {
		struct asked *a = &w->ring[(w->head + i) % w->cap];
		if (a->token != token)
			continue;
		if (a->at_ns >= m->start_ns && a->at_ns < m->end_ns)
			w->line->offered -= a->bytes;
		for (uint32_t k = i; k + 1 < w->count; k++)
			w->ring[(w->head + k) % w->cap] = w->ring[(w->head + k + 1) % w->cap];
		w->count--;
		return;
	}
}

void flow_refused(struct node *from, const struct sy_id *to_id, uint8_t channel, uint64_t token)
{
	struct scenario *s = from->host->scenario;
	if (!s || !s->measures)
		return;
	struct node *to = scenario_node_by_id(s, to_id);
	for (struct tap *t = to ? find_tap(to, from, NULL) : NULL; t; t = find_tap(to, from, t)) {
		struct way *w = way_of(t, channel);
		if (w)
			take_back(w, token, t->m);
	}
}

void flow_peer_down(struct node *n, const struct sy_id *id)
{
	struct scenario *s = n->host->scenario;
	struct node *to = s->measures ? scenario_node_by_id(s, id) : NULL;
	for (struct tap *t = to ? find_tap(to, n, NULL) : NULL; t; t = find_tap(to, n, t))
		for (struct way *w = t->ways; w; w = w->next)
			w->count = 0; /* what was under way is lost with the connection */
}

void flow_node_gone(struct node *n)
{
	struct scenario *s = n->host->scenario;
	for (size_t i = 0; s->measures && i < s->num_nodes; i++)
		flow_peer_down(n, &s->nodes[i]->addr.id);
}

/* ------------------------------------------------------------------ arriving */

#define MATCH_DEPTH 8u

/* The message that this one answers to: the first of this size among those under way. 0: not known. */
static uint64_t match(struct way *w, size_t bytes)
{
	uint32_t depth = w->count < MATCH_DEPTH ? w->count : MATCH_DEPTH;
	for (uint32_t i = 0; i < depth; i++) {
		struct asked a = w->ring[(w->head + i) % w->cap];
		if (a.bytes != bytes)
			continue;
		w->head = (w->head + i + 1) % w->cap;
		w->count -= i + 1;
		return a.at_ns + 1;
	}
	return 0;
}

static void sample_add(struct samples *d, uint64_t delay_ns)
{
	d->seen++;
	if (!d->at) {
		d->at = malloc(SCENARIO_MAX_DELAYS * sizeof *d->at);
		if (!d->at)
			return;
	}
	if (delay_ns > d->max_ns)
		d->max_ns = delay_ns;
	if (d->n < SCENARIO_MAX_DELAYS) {
		d->at[d->n++] = delay_ns;
		return;
	}
	/* A reservoir; what is kept is a function of how many were seen, not a draw of the run. */
	uint64_t place = sy_mix64(d->seen) % d->seen;
	if (place < SCENARIO_MAX_DELAYS)
		d->at[place] = delay_ns;
}

static void bin_add(struct line *l, uint64_t offset_ns, size_t bytes)
{
	while (offset_ns / l->bin_ns >= SCENARIO_MAX_BINS) {
		for (size_t i = 0; i < SCENARIO_MAX_BINS / 2; i++)
			l->bins[i] = l->bins[2 * i] + l->bins[2 * i + 1];
		memset(l->bins + SCENARIO_MAX_BINS / 2, 0, SCENARIO_MAX_BINS / 2 * sizeof *l->bins);
		l->bin_ns *= 2;
	}
	if (!l->bins)
		l->bins = calloc(SCENARIO_MAX_BINS, sizeof *l->bins);
	if (l->bins)
		l->bins[offset_ns / l->bin_ns] += bytes;
}

static void arrived(struct measure *m, struct way *w, uint64_t now, size_t bytes)
{
	struct line *l = w->line;
	bool had_work = w->count > 0;
	uint64_t since = w->since_ns > m->start_ns ? w->since_ns : m->start_ns;
	uint64_t asked = match(w, bytes);
	w->since_ns = now;
	if (now < m->start_ns)
		return;
	uint64_t seen = now < m->end_ns ? now : m->end_ns;
	if (had_work && seen > since && seen - since > l->gap_ns)
		l->gap_ns = seen - since;
	if (now >= m->end_ns)
		return;
	l->bytes += bytes;
	l->messages++;
	bin_add(l, now - m->start_ns, bytes);
	if (asked) {
		sample_add(&l->delays, now - (asked - 1));
		sample_add(&m->delays, now - (asked - 1));
	} else {
		l->unasked += bytes;
	}
}

void flow_delivered(struct node *to, const struct sy_id *from_id, uint8_t channel, size_t bytes)
{
	struct scenario *s = to->host->scenario;
	struct node *from = s ? scenario_node_by_id(s, from_id) : NULL;
	for (struct tap *t = from ? find_tap(to, from, NULL) : NULL; t; t = find_tap(to, from, t)) {
		struct way *w = way_of(t, channel);
		if (w)
			arrived(t->m, w, scenario_now(s), bytes);
	}
}

/* Channels of reactors in C (PEX) are seen by their traces; those of reactors in Lua are counted where they receive. */
void flow_traced(struct node *to, const struct sy_trace *trace)
{
	const char *reactor;
	struct sy_peer p;
	uint8_t channel = (uint8_t)trace->a;
	priority_of(to, channel, &reactor);
	if (channel != 0 && reactor[0] != '\0')
		return;
	struct sy_id id = trace->addr.id;
	if (!(trace->addr.flags & SY_ADDR_HAS_ID)) {
		if (!node_peer(to, trace->conn, &p))
			return;
		id = p.id;
	}
	flow_delivered(to, &id, channel, (size_t)trace->b);
}

/* ------------------------------------------------------------------ declaring */

static const char *const keys[] = {"from", "to", "after", "before", "every", "name", "rate", "channels", NULL};
#define WHAT "measure"

static void read_channels(lua_State *L, struct measure *m)
{
	if (lua_getfield(L, 1, "channels") == LUA_TNIL) {
		memset(m->wanted, 1, sizeof m->wanted);
		lua_pop(L, 1);
		return;
	}
	luaL_checktype(L, -1, LUA_TTABLE);
	lua_Integer n = luaL_len(L, -1);
	for (lua_Integer i = 1; i <= n; i++) {
		lua_geti(L, -1, i);
		lua_Integer id = lua_tointeger(L, -1);
		if (!lua_isinteger(L, -1) || id < 0 || id > 255)
			luaL_error(L, WHAT ": channels is a list of channel ids");
		m->wanted[id] = true;
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

static uint64_t link_rate(const struct sim_net_config *c)
{
	uint64_t rates[] = {c->link.rate_bits, c->uplink_bits, c->downlink_bits}, least = 0;
	for (size_t i = 0; i < 3; i++)
		if (rates[i] && (!least || rates[i] < least))
			least = rates[i];
	return least;
}

static void add_taps(lua_State *L, struct measure *m, struct node_list from, struct node_list to)
{
	for (size_t i = 0; i < to.n; i++) {
		for (size_t k = 0; k < from.n; k++) {
			if (from.at[k] == to.at[i])
				continue;
			struct tap *t = host_new(L, sizeof *t);
			t->m = m;
			t->from = from.at[k];
			t->next = to.at[i]->taps;
			to.at[i]->taps = t;
			t->next_of_measure = m->taps;
			m->taps = t;
			m->num_pairs++;
		}
	}
	if (m->num_pairs == 0)
		luaL_error(L, WHAT ": from and to are the same node");
}

static const char *shown(lua_State *L, struct node_list list)
{
	return list.n == 1 ? list.at[0]->name : host_keep(L, lua_pushfstring(L, "%d nodes", (int)list.n));
}

static int api_measure(lua_State *L)
{
	struct scenario *s = host_scenario(L, WHAT);
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	host_must_act(L, WHAT);
	keys_check(L, 1, WHAT, keys, 0);
	struct measure *m = host_new(L, sizeof *m);
	m->s = s;
	m->bin_ns = BIN_NS;
	m->start_ns = scenario_now(s);
	m->rate_bits = link_rate(&s->network.config);
	m->end_ns = UINT64_MAX;
	keys_unit(L, 1, WHAT, "after", UNIT_TIME, &m->start_ns);
	keys_unit(L, 1, WHAT, "before", UNIT_TIME, &m->end_ns);
	if (m->end_ns <= m->start_ns)
		return luaL_error(L, WHAT ": before is later than after");
	keys_unit(L, 1, WHAT, "every", UNIT_TIME, &m->bin_ns);
	keys_unit(L, 1, WHAT, "rate", UNIT_RATE, &m->rate_bits);
	if (m->bin_ns < 1000000)
		return luaL_error(L, WHAT ": every is at least 1ms");
	read_channels(L, m);
	lua_getfield(L, 1, "from");
	struct node_list from = nodes_check(L, -1, WHAT ": from");
	lua_getfield(L, 1, "to");
	struct node_list to = nodes_check(L, -1, WHAT ": to");
	m->from = shown(L, from);
	m->to = shown(L, to);
	m->name = host_keep(L, lua_pushfstring(L, "%s -> %s", m->from, m->to));
	const char *name;
	if (keys_text(L, 1, WHAT, "name", &name))
		m->name = host_keep(L, name);
	add_taps(L, m, from, to);
	if (s->last_measure)
		s->last_measure->next = m;
	else
		s->measures = m;
	s->last_measure = m;
	flow_push(L, m);
	return 1;
}

static const luaL_Reg functions[] = {{"measure", api_measure}, {NULL, NULL}};
const struct api_page measure_page = {"", functions, keys};

void measure_open(lua_State *L)
{
	luaL_setfuncs(L, functions, 0);
	flow_open(L);
}

void measures_free(struct scenario *s)
{
	for (struct measure *m = s->measures; m; m = m->next) {
		for (struct tap *t = m->taps; t; t = t->next_of_measure)
			for (struct way *w = t->ways; w; w = w->next)
				free(w->ring);
		for (size_t i = 0; i < 256; i++) {
			if (!m->by_id[i])
				continue;
			free(m->by_id[i]->bins);
			free(m->by_id[i]->delays.at);
		}
		free(m->delays.at);
	}
	s->measures = NULL;
}
