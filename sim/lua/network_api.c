/* network { ... }: the links between hosts. Latency is one way, rate per direction of a pair. */
#include "sim/lua/latency.h"
#include "sim/lua/pages.h"

#include <stdio.h>
#include <string.h>

static const char *const keys[] = {"latency", "rate", "loss", "queue", "mtu", "uplink", "downlink", "regions", "tcp", "crypto", NULL};
static const char *const link_keys[] = {"latency", "rate", "loss", "queue", "mtu", NULL};

void link_params_read(lua_State *L, int t, const char *what, struct sim_link_params *p)
{
	uint64_t v;
	if (lua_getfield(L, t, "latency") != LUA_TNIL)
		latency_check(L, lua_gettop(L), what, &p->latency);
	lua_pop(L, 1);
	keys_unit(L, t, what, "rate", UNIT_RATE, &p->rate_bits);
	if (keys_unit(L, t, what, "loss", UNIT_FRACTION, &v))
		p->loss_ppm = (uint32_t)v;
	keys_unit(L, t, what, "queue", UNIT_SIZE, &p->queue_bytes);
	if (keys_unit(L, t, what, "mtu", UNIT_SIZE, &v)) {
		if (v < 576 || v > 65535)
			luaL_error(L, "%s: mtu lies between 576 and 65535 bytes", what);
		p->mtu = (uint32_t)v;
	}
}

const char *const *link_param_keys(void)
{
	return link_keys;
}

static void read_regions(lua_State *L, struct network_decl *n)
{
	if (lua_getfield(L, 1, "regions") == LUA_TNIL) {
		lua_pop(L, 1);
		return;
	}
	luaL_checktype(L, -1, LUA_TTABLE);
	int t = lua_gettop(L);
	lua_Integer count = luaL_len(L, t);
	if (count < 1 || count > 256)
		luaL_error(L, "network: regions is a list of 1 to 256 names");
	n->regions = host_new(L, (size_t)count * sizeof *n->regions);
	for (lua_Integer i = 0; i < count; i++) {
		if (lua_geti(L, t, i + 1) != LUA_TSTRING)
			luaL_error(L, "network: regions is a list of names");
		n->regions[i] = host_keep(L, lua_tostring(L, -1));
		lua_pop(L, 1);
	}
	n->config.regions = n->regions;
	n->config.num_regions = (size_t)count;
	lua_pop(L, 1);
}

static void refuse_in_tcp(lua_State *L, const char *key)
{
	if (lua_getfield(L, 1, key) != LUA_TNIL)
		luaL_error(L, "network: %s can only be simulated, not kept over real connections (--transport tcp)", key);
	lua_pop(L, 1);
}

static int api_network(lua_State *L)
{
	static const char *const tcps[] = {"none", "segment", "flow", NULL};
	static const char *const cryptos[] = {"real", "null", NULL};
	struct scenario *s = host_scenario(L, "network");
	struct network_decl *n = &s->network;
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	host_must_load(L, "network");
	if (n->given)
		return luaL_error(L, "network: it is described already, at %s", n->where);
	if (s->world || s->num_nodes)
		return luaL_error(L, "network: stands before the first node");
	keys_check(L, 1, "network", keys, 0);
	n->given = true;
	n->where = host_where(L);
	link_params_read(L, 1, "network", &n->config.link);
	keys_unit(L, 1, "network", "uplink", UNIT_RATE, &n->config.uplink_bits);
	keys_unit(L, 1, "network", "downlink", UNIT_RATE, &n->config.downlink_bits);
	read_regions(L, n);
	int choice;
	if (keys_choice(L, 1, "network", "tcp", tcps, &choice)) {
		n->config.tcp = (enum sim_tcp_model)choice;
		n->tcp_given = true;
	}
	if (keys_choice(L, 1, "network", "crypto", cryptos, &choice)) {
		n->null_crypto = choice == 1;
		n->crypto_given = true;
	}
	if (s->options.world == WORLD_TCP) {
		static const char *const simulated[] = {"loss", "queue", "mtu", "tcp"};
		for (size_t i = 0; i < sizeof simulated / sizeof simulated[0]; i++)
			refuse_in_tcp(L, simulated[i]);
	}
	return 0;
}

static const luaL_Reg functions[] = {{"network", api_network}, {NULL, NULL}};
const struct api_page network_page = {"", functions, keys};

void network_open(lua_State *L)
{
	luaL_setfuncs(L, functions, 0);
}
