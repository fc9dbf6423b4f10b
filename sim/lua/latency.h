/* Delay distributions and link parameters out of Lua values. */
#ifndef SIM_LUA_LATENCY_H
#define SIM_LUA_LATENCY_H

#include "sim/lua/host.h"
#include "sim/net/net.h"

/*
 * "40ms", 0.04, "normal(40ms, 5ms)", or { "normal", mean = "40ms", deviation = "5ms", max = "100ms" }. Kinds:
 *   constant  delay                uniform  from, to          normal  mean, deviation
 *   lognormal median, sigma        exponential  min, mean (of what is above min)        pareto  min, shape
 *   table     values (a list; only as a table)
 */
void latency_check(lua_State *L, int index, const char *what, struct sim_dist *d);
/* "20ms", "normal(40ms, 5ms)": for the report. */
void latency_format(const struct sim_dist *d, char *buf, size_t cap);
#define LINK_KEYS \
	"latency", "rate", "loss", "queue", "mtu", "bursts", "loss_trace", "drop", "duplicate", "reorder", "reorder_by", "overtake", "codel"
extern const char *const cc_names[]; /* in the order of enum sim_tcp_cc */
/* The keys of link_param_keys at t; absent ones leave *p alone. */
void link_params_read(lua_State *L, int t, const char *what, struct sim_link_params *p);
const char *const *link_param_keys(void);
#define LINE_KEYS "latency", "uplink", "downlink", "queue"
/* The line of a host or a site; absent keys leave *line alone. */
void line_read(lua_State *L, int t, const char *what, struct sim_line *line);

#endif
