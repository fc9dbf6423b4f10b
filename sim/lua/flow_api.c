/* What a measure answers: shares, ideal shares, delays, gaps, use of the link; and its part of the results. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lua/flow.h"
#include "sim/lua/pages.h"

#define FLOW_TYPE "measure"

struct flow {
	struct handle handle;
	struct measure *m;
};

static struct measure *check(lua_State *L)
{
	return ((struct flow *)luaL_checkudata(L, 1, FLOW_TYPE))->m;
}

void flow_push(lua_State *L, struct measure *m)
{
	struct flow *f = host_handle(L, FLOW_TYPE, sizeof *f, 0);
	f->m = m;
}

void measure_set_plotted(lua_State *L, int index)
{
	((struct flow *)luaL_checkudata(L, index, FLOW_TYPE))->m->plotted = true;
}

/* ------------------------------------------------------------------ numbers */

static uint64_t total_bytes(const struct measure *m)
{
	uint64_t sum = 0;
	for (int i = 0; i < 256; i++)
		if (m->by_id[i])
			sum += m->by_id[i]->bytes;
	return sum;
}

uint64_t measure_now(const struct measure *m)
{
	uint64_t now = scenario_now(m->s);
	return now < m->end_ns ? now : m->end_ns;
}

static double elapsed_s(const struct measure *m)
{
	uint64_t now = measure_now(m);
	return now > m->start_ns ? (double)(now - m->start_ns) / 1e9 : 0;
}

static double share(const struct measure *m, const struct line *l)
{
	uint64_t total = total_bytes(m);
	return l && total ? (double)l->bytes / (double)total : 0;
}

/* What a channel could use: all of it when it always has more, else what was asked for (or came unasked). */
static double demand(const struct line *l)
{
	if (l->saturated)
		return HUGE_VAL;
	return (double)(l->offered > l->bytes ? l->offered : l->bytes);
}

/*
 * The weighted max-min division of what was delivered: channels that want less than their part by priority get what
 * they want, the others divide the rest by priority. shares: by channel id.
 */
static void ideal_shares(const struct measure *m, double shares[256])
{
	double left = (double)total_bytes(m), total = left;
	bool settled[256] = {false};
	memset(shares, 0, 256 * sizeof *shares);
	for (bool again = total > 0; again;) {
		double weights = 0;
		for (int i = 0; i < 256; i++)
			if (m->by_id[i] && !settled[i])
				weights += m->by_id[i]->priority;
		double level = weights > 0 ? left / weights : 0;
		again = false;
		for (int i = 0; i < 256; i++) {
			const struct line *l = m->by_id[i];
			if (!l || settled[i])
				continue;
			shares[i] = level * l->priority / total;
			if (demand(l) > level * l->priority)
				continue;
			shares[i] = demand(l) / total;
			settled[i] = true;
			again = true;
		}
		left = total;
		for (int i = 0; i < 256; i++)
			if (settled[i])
				left -= demand(m->by_id[i]);
	}
}

static double share_error(const struct measure *m)
{
	double ideal[256], worst = total_bytes(m) ? 0 : HUGE_VAL;
	ideal_shares(m, ideal);
	for (int i = 0; i < 256; i++) {
		if (!m->by_id[i] || !(ideal[i] > 0))
			continue;
		double e = fabs(share(m, m->by_id[i]) / ideal[i] - 1);
		if (e > worst)
			worst = e;
	}
	return worst;
}

static double utilisation(const struct measure *m)
{
	double time = elapsed_s(m);
	if (!m->rate_bits || !(time > 0))
		return NAN;
	return (double)total_bytes(m) * 8 / ((double)m->rate_bits * time * m->num_pairs);
}

/* The longest time without a delivered byte of a channel that had work; the present one counts. only < 0: all channels. */
static uint64_t longest_gap(const struct measure *m, int only)
{
	uint64_t now = measure_now(m), longest = 0;
	for (int i = 0; i < 256; i++)
		if (m->by_id[i] && (only < 0 || only == i) && m->by_id[i]->gap_ns > longest)
			longest = m->by_id[i]->gap_ns;
	for (const struct tap *t = m->taps; t; t = t->next_of_measure) {
		for (const struct way *w = t->ways; w; w = w->next) {
			uint64_t since = w->since_ns > m->start_ns ? w->since_ns : m->start_ns;
			if (w->count && (only < 0 || only == w->line->id) && now > since && now - since > longest)
				longest = now - since;
		}
	}
	return longest;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* Sorted copy of the samples; null when there are none. */
static uint64_t *sorted(const struct samples *d)
{
	uint64_t *copy = d->n ? malloc(d->n * sizeof *copy) : NULL;
	if (copy) {
		memcpy(copy, d->at, d->n * sizeof *copy);
		qsort(copy, d->n, sizeof *copy, compare_u64);
	}
	return copy;
}

/* The nearest-rank percentile in seconds. */
static double rank(const uint64_t *at, size_t n, double percent)
{
	size_t k = (size_t)((double)n * percent / 100);
	return at ? (double)at[k < n ? k : n - 1] / 1e9 : NAN;
}

static double percentile(const struct samples *d, double percent)
{
	if (percent >= 100 && d->n)
		return (double)d->max_ns / 1e9;
	uint64_t *at = sorted(d);
	double v = rank(at, d->n, percent);
	free(at);
	return v;
}

/* ------------------------------------------------------------------ methods */

/* The channel at a stack index, -1 when there is none; an error when the measure leaves it out. */
static int channel_opt(lua_State *L, int index, const struct measure *m)
{
	if (lua_isnoneornil(L, index))
		return -1;
	lua_Integer ch = luaL_checkinteger(L, index);
	luaL_argcheck(L, ch >= 0 && ch <= 255 && m->wanted[ch], index, "no channel of this measure");
	return (int)ch;
}

static int m_share_error(lua_State *L)
{
	lua_pushnumber(L, share_error(check(L)));
	return 1;
}

static int m_utilisation(lua_State *L)
{
	struct measure *m = check(L);
	if (!m->rate_bits)
		return luaL_error(L, "utilisation: the link has no rate; give one with network { rate = ... } or measure { rate = ... }");
	lua_pushnumber(L, utilisation(m));
	return 1;
}

static int m_longest_gap(lua_State *L)
{
	struct measure *m = check(L);
	lua_pushnumber(L, (lua_Number)longest_gap(m, channel_opt(L, 2, m)) / 1e9);
	return 1;
}

static int m_delay(lua_State *L)
{
	struct measure *m = check(L);
	lua_Number p = luaL_checknumber(L, 2);
	luaL_argcheck(L, p >= 0 && p <= 100, 2, "a percentile lies between 0 and 100");
	int ch = channel_opt(L, 3, m);
	static const struct samples none;
	const struct samples *d = ch < 0 ? &m->delays : m->by_id[ch] ? &m->by_id[ch]->delays : &none;
	lua_pushnumber(L, percentile(d, p));
	return 1;
}

static int m_bytes(lua_State *L)
{
	struct measure *m = check(L);
	int ch = channel_opt(L, 2, m);
	lua_pushinteger(L, (lua_Integer)(ch < 0 ? total_bytes(m) : m->by_id[ch] ? m->by_id[ch]->bytes : 0));
	return 1;
}

static int m_messages(lua_State *L)
{
	struct measure *m = check(L);
	int ch = channel_opt(L, 2, m);
	uint64_t sum = 0;
	for (int i = 0; i < 256; i++)
		if (m->by_id[i] && (ch < 0 || ch == i))
			sum += m->by_id[i]->messages;
	lua_pushinteger(L, (lua_Integer)sum);
	return 1;
}

static int m_throughput(lua_State *L)
{
	struct measure *m = check(L);
	int ch = channel_opt(L, 2, m);
	uint64_t bytes = ch < 0 ? total_bytes(m) : m->by_id[ch] ? m->by_id[ch]->bytes : 0;
	double time = elapsed_s(m);
	lua_pushnumber(L, time > 0 ? (double)bytes / time : 0);
	return 1;
}

static int m_share(lua_State *L)
{
	struct measure *m = check(L);
	luaL_checkinteger(L, 2);
	lua_pushnumber(L, share(m, m->by_id[channel_opt(L, 2, m)]));
	return 1;
}

static int m_ideal(lua_State *L)
{
	struct measure *m = check(L);
	double ideal[256];
	luaL_checkinteger(L, 2);
	ideal_shares(m, ideal);
	lua_pushnumber(L, ideal[channel_opt(L, 2, m)]);
	return 1;
}

static const luaL_Reg methods[] = {{"share_error", m_share_error},
                                   {"utilisation", m_utilisation},
                                   {"longest_gap", m_longest_gap},
                                   {"delay", m_delay},
                                   {"bytes", m_bytes},
                                   {"messages", m_messages},
                                   {"throughput", m_throughput},
                                   {"share", m_share},
                                   {"ideal", m_ideal},
                                   {NULL, NULL}};
const struct api_page flow_page = {"flow:", methods, NULL};

static int flow_index(lua_State *L)
{
	lua_pushvalue(L, 2);
	if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
		return 1;
	const char *names[32];
	size_t n = 0;
	for (const luaL_Reg *r = methods; r->name; r++)
		names[n++] = r->name;
	names[n] = NULL;
	const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
	return luaL_error(L, "a measure has no '%s'; the nearest known name is '%s'", key, keys_nearest(key, names));
}

void flow_open(lua_State *L)
{
	sandbox_handle_type(L, FLOW_TYPE);
	luaL_newlib(L, methods);
	lua_pushcclosure(L, flow_index, 1);
	lua_setfield(L, -2, "__index");
	lua_pop(L, 1);
}

/* ------------------------------------------------------------------ results */

static void finish_line(struct measure *m, struct line *l, double ideal, struct scenario_channel *c)
{
	struct arena *a = &m->s->host.arena;
	uint64_t *at = sorted(&l->delays);
	double *delays = arena_new(a, (l->delays.n + 1) * sizeof *delays);
	for (size_t i = 0; at && delays && i < l->delays.n; i++)
		delays[i] = (double)at[i] / 1e9;
	uint64_t span = measure_now(m) > m->start_ns ? measure_now(m) - m->start_ns : 0;
	size_t bins = (size_t)((span + l->bin_ns - 1) / l->bin_ns);
	*c = (struct scenario_channel){.id = l->id,
	                               .priority = l->priority,
	                               .reactor = l->reactor,
	                               .bytes = l->bytes,
	                               .messages = l->messages,
	                               .share = share(m, l),
	                               .ideal = ideal,
	                               .longest_gap_s = (double)longest_gap(m, l->id) / 1e9,
	                               .num_bins = !l->bins                   ? 0
	                                           : bins < SCENARIO_MAX_BINS ? bins
	                                                                      : SCENARIO_MAX_BINS,
	                               .bin_bytes = l->bins,
	                               .num_delays = at && delays ? l->delays.n : 0,
	                               .delay_s = delays,
	                               .delays_seen = l->delays.seen,
	                               .delay_p50_s = rank(at, l->delays.n, 50),
	                               .delay_p90_s = rank(at, l->delays.n, 90),
	                               .delay_p99_s = rank(at, l->delays.n, 99),
	                               .delay_max_s = at ? (double)l->delays.max_ns / 1e9 : NAN};
	free(at);
}

/* All lines of a measure have bins of one width in the results: that of the coarsest. */
static void level_bins(struct measure *m)
{
	for (int i = 0; i < 256; i++)
		if (m->by_id[i] && m->by_id[i]->bin_ns > m->bin_ns)
			m->bin_ns = m->by_id[i]->bin_ns;
	for (int i = 0; i < 256; i++) {
		struct line *l = m->by_id[i];
		for (; l && l->bin_ns < m->bin_ns; l->bin_ns *= 2) {
			for (size_t k = 0; l->bins && k < SCENARIO_MAX_BINS / 2; k++)
				l->bins[k] = l->bins[2 * k] + l->bins[2 * k + 1];
			if (l->bins)
				memset(l->bins + SCENARIO_MAX_BINS / 2, 0, SCENARIO_MAX_BINS / 2 * sizeof *l->bins);
		}
	}
}

static void finish_one(struct measure *m, struct scenario_measure *r)
{
	double ideal[256], time = elapsed_s(m);
	ideal_shares(m, ideal);
	level_bins(m);
	*r = (struct scenario_measure){.name = m->name,
	                               .from = m->from,
	                               .to = m->to,
	                               .plotted = m->plotted,
	                               .start_s = (double)m->start_ns / 1e9,
	                               .end_s = (double)measure_now(m) / 1e9,
	                               .bin_s = (double)m->bin_ns / 1e9,
	                               .link_rate_bits = (double)m->rate_bits,
	                               .throughput_bytes_s = time > 0 ? (double)total_bytes(m) / time : 0,
	                               .utilisation = utilisation(m),
	                               .share_error = total_bytes(m) ? share_error(m) : NAN};
	struct scenario_channel *channels = arena_new(&m->s->host.arena, 256 * sizeof *channels);
	for (int i = 0; channels && i < 256; i++)
		if (m->by_id[i] && (m->by_id[i]->messages || m->by_id[i]->offered))
			finish_line(m, m->by_id[i], ideal[i], &channels[r->num_channels++]);
	r->channels = channels;
}

void measures_finish(struct scenario *s)
{
	size_t n = 0;
	for (struct measure *m = s->measures; m; m = m->next)
		n++;
	struct scenario_measure *list = n ? arena_new(&s->host.arena, n * sizeof *list) : NULL;
	size_t k = 0;
	for (struct measure *m = s->measures; m && list; m = m->next)
		finish_one(m, &list[k++]);
	s->results.measures = list;
	s->results.num_measures = k;
}
