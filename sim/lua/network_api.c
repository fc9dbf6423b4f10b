/* network { ... }: the links between hosts. Latency is one way, rate per direction of a pair. */
#include "sim/lua/latency.h"
#include "sim/lua/pages.h"

static const char *const keys[] = {LINK_KEYS, "uplink",        "downlink",   "regions",        "tcp", "crypto", "cc", "sndbuf",
                                   "rcvbuf",  "notsent_lowat", "frame_cost", "handshake_cost", NULL};
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

#define BUFFER_MIN 4096u
#define BUFFER_MAX (1u << 30)
#define HANDSHAKE_MAX UINT64_C(1000000000)

/* cc, sndbuf, rcvbuf, notsent_lowat, frame_cost, handshake_cost: of the simulated kernel and its machine. */
static void read_kernel(lua_State *L, struct network_decl *n)
{
	int choice;
	if (keys_choice(L, 1, "network", "cc", cc_names, &choice))
		n->config.cc = (enum sim_tcp_cc)choice;
	static const char *const buffers[] = {"sndbuf", "rcvbuf"};
	uint64_t *const places[] = {&n->config.sndbuf, &n->config.rcvbuf};
	for (int i = 0; i < 2; i++)
		if (keys_unit(L, 1, "network", buffers[i], UNIT_SIZE, places[i]) && (*places[i] < BUFFER_MIN || *places[i] > BUFFER_MAX))
			luaL_error(L, "network: %s lies between 4 KiB and 1 GiB", buffers[i]);
	keys_unit(L, 1, "network", "notsent_lowat", UNIT_SIZE, &n->config.notsent_lowat);
	keys_unit(L, 1, "network", "frame_cost", UNIT_TIME, &n->config.frame_ns);
	if (keys_unit(L, 1, "network", "handshake_cost", UNIT_TIME, &n->config.handshake_ns) && n->config.handshake_ns > HANDSHAKE_MAX)
		luaL_error(L, "network: handshake_cost is at most 1 s");
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
	read_kernel(L, n);
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
		static const char *const simulated[] = {"loss", "queue",     "mtu",     "tcp",           "bursts",     "loss_trace",
		                                        "drop", "duplicate", "reorder", "reorder_by",    "overtake",   "codel",
		                                        "cc",   "sndbuf",    "rcvbuf",  "notsent_lowat", "frame_cost", "handshake_cost"};
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
