/* What node {} and nodes {} say of a node: the keys of [p2p] under CometBFT's names and in CometBFT's units, and where it stands. */
#include <stdio.h>
#include <string.h>

#include "core/wire/group.h"
#include "sim/lua/latency.h"
#include "sim/lua/lifecycle.h"

#define PLACE_KEYS "region", "ip", "cc", "line", "site", "forward"
#define NODE_KEYS "name", "book", "p2p", "reactors", "profile", "network", "version", "moniker", PLACE_KEYS
static const char *const node_keys[] = {NODE_KEYS, NULL};
static const char *const nodes_keys[] = {"count", NODE_KEYS, NULL};
static const char *const stranger_keys[] = {"name", "listen", PLACE_KEYS, NULL};
static const char *const strangers_keys[] = {"name", "count", "listen", PLACE_KEYS, NULL};
static const char *const p2p_keys[] = {"seeds",
                                       "persistent_peers",
                                       "unconditional_peer_ids",
                                       "private_peer_ids",
                                       "addr_book_strict",
                                       "allow_duplicate_ip",
                                       "pex",
                                       "seed_mode",
                                       "max_num_inbound_peers",
                                       "max_num_outbound_peers",
                                       "max_inbound_per_ip",
                                       "max_inbound_per_net",
                                       "accept_rate_per_ip",
                                       "accept_rate",
                                       "max_packet_msg_payload_size",
                                       "send_rate",
                                       "recv_rate",
                                       "flush_throttle_timeout",
                                       "persistent_peers_max_dial_period",
                                       "handshake_timeout",
                                       "dial_timeout",
                                       "external_address",
                                       "ping_interval",
                                       "pong_timeout",
                                       "ensure_peers_period",
                                       "seed_disconnect_wait_period",
                                       "verify_interval",
                                       "crawl_interval",
                                       "crawl_dials",
                                       NULL};

#define P2P "p2p"
#define BOOK_NAMES 16384u

/* ------------------------------------------------------------------ lists of peers */

static void add_name(lua_State *L, struct peer_names *list, size_t cap, struct node *node, const char *text, const char *what,
                     const char *key)
{
	if (list->n == cap)
		luaL_error(L, "%s: %s: at most %d entries", what, key, (int)cap);
	list->at[list->n++] = (struct peer_name){.node = node, .text = text};
}

/* A comma list, as in config.toml: spaces around the parts go, empty ones are left out. */
static void add_text(lua_State *L, struct peer_names *list, size_t cap, const char *text, const char *what, const char *key)
{
	while (*text) {
		size_t n = strcspn(text, ","), skip = strspn(text, " ");
		const char *part = text + (skip < n ? skip : n);
		size_t len = n - (size_t)(part - text);
		while (len > 0 && part[len - 1] == ' ')
			len--;
		if (len > 0) {
			char *kept = arena_text(&host_of(L)->arena, part, len);
			if (!kept)
				luaL_error(L, "out of memory");
			add_name(L, list, cap, NULL, kept, what, key);
		}
		text += n + (text[n] == ',');
	}
}

static void add_value(lua_State *L, int v, struct peer_names *list, size_t cap, const char *what, const char *key)
{
	struct node *node = node_test(L, v);
	struct group *group = group_test(L, v);
	struct scenario *s = host_of(L)->scenario;
	if (node) {
		add_name(L, list, cap, node, NULL, what, key);
	} else if (group) {
		for (uint32_t i = 0; i < group->n; i++)
			add_name(L, list, cap, s->nodes[group->at[i]], NULL, what, key);
	} else if (lua_type(L, v) == LUA_TSTRING) {
		add_text(L, list, cap, lua_tostring(L, v), what, key);
	} else {
		luaL_error(L, "%s: %s: entries are nodes, groups, names of nodes or id@host:port", what, key);
	}
}

static void read_names(lua_State *L, int t, const char *what, const char *key, size_t cap, struct peer_names *list)
{
	if (lua_getfield(L, t, key) == LUA_TNIL) {
		lua_pop(L, 1);
		return;
	}
	int v = lua_gettop(L);
	list->at = host_new(L, cap * sizeof *list->at);
	list->n = 0;
	if (lua_type(L, v) != LUA_TTABLE) {
		add_value(L, v, list, cap, what, key);
	} else {
		lua_Integer n = luaL_len(L, v);
		for (lua_Integer i = 1; i <= n; i++) {
			lua_geti(L, v, i);
			add_value(L, v + 1, list, cap, what, key);
			lua_pop(L, 1);
		}
	}
	lua_pop(L, 1);
}

/* ------------------------------------------------------------------ [p2p] */

/* Rates of CometBFT are bytes per second; a text with a unit of bits is turned. */
static void read_rate(lua_State *L, int t, const char *key, uint64_t *bytes)
{
	if (lua_getfield(L, t, key) == LUA_TNUMBER) {
		lua_pop(L, 1);
		keys_uint(L, t, P2P, key, 0, UINT64_C(1) << 50, bytes);
		return;
	}
	lua_pop(L, 1);
	uint64_t bits;
	if (keys_unit(L, t, P2P, key, UNIT_RATE, &bits))
		*bytes = bits / 8;
}

static void read_u32(lua_State *L, int t, const char *key, uint64_t max, uint32_t *out)
{
	uint64_t v;
	if (keys_uint(L, t, P2P, key, 0, max, &v))
		*out = (uint32_t)v;
}

static void read_times(lua_State *L, int t, struct sy_config *c)
{
	const struct {
		const char *key;
		uint64_t *out;
	} times[] = {
	    {"flush_throttle_timeout", &c->flush_throttle_ns},
	    {"persistent_peers_max_dial_period", &c->persistent_peers_max_dial_period_ns},
	    {"handshake_timeout", &c->handshake_timeout_ns},
	    {"dial_timeout", &c->dial_timeout_ns},
	    {"ping_interval", &c->ping_interval_ns},
	    {"pong_timeout", &c->pong_timeout_ns},
	    {"ensure_peers_period", &c->ensure_peers_period_ns},
	    {"seed_disconnect_wait_period", &c->seed_disconnect_wait_ns},
	    {"verify_interval", &c->verify_interval_ns},
	    {"crawl_interval", &c->crawl_interval_ns},
	};
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
		keys_unit(L, t, P2P, times[i].key, UNIT_TIME, times[i].out);
}

static void read_switches(lua_State *L, int t, struct sy_config *c)
{
	keys_bool(L, t, P2P, "addr_book_strict", &c->addr_book_strict);
	keys_bool(L, t, P2P, "allow_duplicate_ip", &c->allow_duplicate_ip);
	keys_bool(L, t, P2P, "pex", &c->pex);
	keys_bool(L, t, P2P, "seed_mode", &c->seed_mode);
	if (c->seed_mode && !c->pex)
		luaL_error(L, P2P ": seed_mode needs pex");
}

static void read_text(lua_State *L, int t, const char *what, const char *key, const char **out)
{
	const char *text;
	if (!keys_text(L, t, what, key, &text))
		return;
	if (strlen(text) >= SY_LIMIT_TEXT)
		luaL_error(L, "%s: %s is longer than %d bytes", what, key, (int)SY_LIMIT_TEXT - 1);
	*out = host_keep(L, text);
}

static void read_p2p(lua_State *L, int t, struct node_decl *d)
{
	struct sy_config *c = &d->p2p;
	keys_check(L, t, P2P, p2p_keys, 0);
	read_names(L, t, P2P, "seeds", SY_LIMIT_SEEDS, &d->seeds);
	read_names(L, t, P2P, "persistent_peers", SY_LIMIT_PERSISTENT, &d->persistent_peers);
	read_names(L, t, P2P, "unconditional_peer_ids", SY_LIMIT_ID_LIST, &d->unconditional_peer_ids);
	read_names(L, t, P2P, "private_peer_ids", SY_LIMIT_ID_LIST, &d->private_peer_ids);
	read_switches(L, t, c);
	read_u32(L, t, "max_num_inbound_peers", UINT32_MAX, &c->max_num_inbound_peers);
	read_u32(L, t, "max_num_outbound_peers", UINT32_MAX, &c->max_num_outbound_peers);
	read_u32(L, t, "max_inbound_per_ip", UINT32_MAX, &c->max_inbound_per_ip);
	read_u32(L, t, "max_inbound_per_net", UINT32_MAX, &c->max_inbound_per_net);
	read_u32(L, t, "accept_rate_per_ip", UINT32_MAX, &c->accept_rate_per_ip);
	read_u32(L, t, "accept_rate", UINT32_MAX, &c->accept_rate);
	read_u32(L, t, "max_packet_msg_payload_size", 1u << 24, &c->max_packet_msg_payload_size);
	read_u32(L, t, "crawl_dials", SY_LIMIT_CRAWL_DIALS, &c->crawl_dials);
	read_rate(L, t, "send_rate", &c->send_rate);
	read_rate(L, t, "recv_rate", &c->recv_rate);
	read_times(L, t, c);
	read_text(L, t, P2P, "external_address", &c->listen_addr);
}

void node_decl_p2p(lua_State *L, struct node_decl *d, int t)
{
	read_p2p(L, t, d);
}

/* ------------------------------------------------------------------ the node */

static enum sy_profile read_profile(lua_State *L, int t, const char *what)
{
	static const char *const profiles[] = {"default", "upstream", "upstream-v0.38", NULL};
	int choice;
	return keys_choice(L, t, what, "profile", profiles, &choice) ? (enum sy_profile)choice : host_of(L)->profile;
}

static bool is_region(const struct scenario *s, const char *name)
{
	for (size_t i = 0; i < s->network.config.num_regions; i++)
		if (strcmp(s->network.regions[i], name) == 0)
			return true;
	return false;
}

void ip_check(lua_State *L, const char *text, const char *what, uint8_t ip[16])
{
	struct sy_netaddr addr = {0};
	if (sy_ip_parse(text, strlen(text), addr.ip) != SY_OK)
		luaL_error(L, "%s: ip: '%s' is no IP address", what, text);
	memcpy(ip, addr.ip, sizeof addr.ip);
}

/* line = { latency, uplink, downlink, queue }; site and forward. */
static void read_line(lua_State *L, int t, const char *what, struct node_decl *d)
{
	int type = lua_getfield(L, t, "line");
	if (type != LUA_TNIL) {
		static const char *const keys[] = {LINE_KEYS, NULL};
		if (type != LUA_TTABLE)
			luaL_error(L, "%s: line is a table: { latency, uplink, downlink, queue }", what);
		int line = lua_gettop(L);
		const char *label = lua_pushfstring(L, "%s: line", what);
		keys_check(L, line, label, keys, 0);
		line_read(L, line, label, &d->line);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	uint64_t port = 0;
	read_text(L, t, what, "site", &d->site);
	keys_uint(L, t, what, "forward", 1, UINT16_MAX, &port);
	d->forward = (uint16_t)port;
	if (port && !d->site)
		luaL_error(L, "%s: forward is a port of its site's address; site is missing", what);
	if ((type != LUA_TNIL || d->site) && host_of(L)->scenario->options.world == WORLD_TCP)
		luaL_error(L, "%s: line and site can only be simulated, not kept over real connections (--transport tcp)", what);
}

static void read_place(lua_State *L, int t, const char *what, struct node_decl *d)
{
	struct scenario *s = host_of(L)->scenario;
	const char *ip = NULL;
	read_text(L, t, what, "region", &d->region);
	if (d->region && !is_region(s, d->region))
		luaL_error(L, "%s: region '%s' is not among the network's", what, d->region);
	int choice;
	if (keys_choice(L, t, what, "cc", cc_names, &choice)) {
		d->has_cc = true;
		d->cc = (enum sim_tcp_cc)choice;
	}
	read_text(L, t, what, "ip", &ip);
	d->has_ip = ip != NULL;
	if (ip)
		ip_check(L, ip, what, d->ip);
	read_line(L, t, what, d);
}

static struct node_decl *begin(lua_State *L, int t, const char *what, const char *const *keys, bool many)
{
	luaL_checktype(L, t, LUA_TTABLE);
	keys_check(L, t, what, keys, 0);
	struct node_decl *d = host_new(L, sizeof *d);
	d->where = host_where(L);
	sy_config_init(&d->p2p, read_profile(L, t, what));
	read_place(L, t, what, d);
	if (many && d->has_ip)
		luaL_error(L, "%s: ip: they cannot share one; give each its own, one by one", what);
	d->p2p.network = "switchyard";
	d->p2p.moniker = NULL;
	return d;
}

/* A host without a node: where it stands, and whether it listens. */
struct node_decl *stranger_decl_read(lua_State *L, int t, const char *what, bool many)
{
	struct node_decl *d = begin(L, t, what, many ? strangers_keys : stranger_keys, many);
	d->is_stranger = true;
	keys_bool(L, t, what, "listen", &d->listens);
	return d;
}

struct node_decl *node_decl_read(lua_State *L, int t, const char *what, bool many)
{
	struct node_decl *d = begin(L, t, what, many ? nodes_keys : node_keys, many);
	read_text(L, t, what, "network", &d->p2p.network);
	read_text(L, t, what, "version", &d->p2p.version);
	read_text(L, t, what, "moniker", &d->p2p.moniker);
	int type = lua_getfield(L, t, "p2p");
	if (type == LUA_TTABLE)
		read_p2p(L, lua_gettop(L), d);
	else if (type != LUA_TNIL)
		luaL_error(L, "%s: p2p is a table", what);
	lua_pop(L, 1);
	read_names(L, t, what, "book", BOOK_NAMES, &d->book);
	return d;
}

/* reactors = { A, B }: an instance of each for the node. */
void node_decl_instances(lua_State *L, struct node *n, int t, const char *what)
{
	int type = lua_getfield(L, t, "reactors");
	if (type == LUA_TNIL) {
		lua_pop(L, 1);
		return;
	}
	if (type != LUA_TTABLE)
		luaL_error(L, "%s: reactors is a list of reactors", what);
	int list = lua_gettop(L);
	lua_Integer count = luaL_len(L, list);
	if (count > (lua_Integer)SY_LIMIT_REACTORS)
		luaL_error(L, "%s: at most %d reactors", what, (int)SY_LIMIT_REACTORS);
	n->instances = host_new(L, (size_t)(count ? count : 1) * sizeof *n->instances);
	for (lua_Integer i = 1; i <= count; i++) {
		lua_geti(L, list, i);
		struct reactor_class *c = reactor_at(L, lua_gettop(L));
		if (!c) {
			luaL_error(L, "%s: reactors: entry %d is not what reactor {} made", what, (int)i);
			return;
		}
		for (size_t k = 0; k < n->num_instances; k++)
			if (strcmp(n->instances[k].class_->name, c->name) == 0)
				luaL_error(L, "%s: reactors: two are named '%s'", what, c->name);
		instance_init(L, &n->instances[n->num_instances++], c, n);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}
