/*
 * graph: the peer graph of the running nodes of a group. An edge is there when either side has the other as its peer.
 * Results are kept while no peer comes or goes: most looks at a network at rest cost nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/lua/pages.h"

/* Undirected, in compressed rows: the neighbours of i are at[first[i]] .. at[first[i + 1] - 1]; an edge is in there twice. */
struct graph {
	struct node_list nodes;
	uint32_t n;       /* running nodes */
	uint32_t *parent; /* union-find */
	uint8_t *looked;  /* its peers were looked at */
	uint32_t *first, *at;
	uint32_t edges; /* entries of at */
};

#define NONE UINT32_MAX

static uint32_t find_root(uint32_t *parent, uint32_t i)
{
	while (parent[i] != i) {
		parent[i] = parent[parent[i]];
		i = parent[i];
	}
	return i;
}

/* Marks each running node of the list with its place, plus one, and the others with 0. */
static uint32_t mark_running(struct scenario *s, struct node_list *list)
{
	uint32_t n = 0;
	for (size_t i = 0; i < s->num_nodes; i++)
		s->nodes[i]->mark = 0;
	for (size_t i = 0; i < list->n; i++) {
		struct node *node = list->at[i];
		if (node->world && node_running(node))
			list->at[n++] = node;
	}
	for (uint32_t i = 0; i < n; i++)
		list->at[i]->mark = i + 1;
	list->n = n;
	return n;
}

/* The place of the node behind a peer, or NONE. */
static uint32_t place_of(const struct scenario *s, const struct sy_id *id)
{
	const struct node *other = scenario_node_by_id(s, id);
	return other && other->mark ? other->mark - 1 : NONE;
}

/* Joins a node with its peers. Returns by how many the pieces became fewer. */
static uint32_t join_peers(const struct scenario *s, struct graph *g, uint32_t i)
{
	struct sy_peer p;
	uint32_t joined = 0;
	for (uint32_t k = 0; node_peer_at(g->nodes.at[i], k, &p); k++) {
		uint32_t j = place_of(s, &p.id);
		if (j == NONE)
			continue;
		uint32_t a = find_root(g->parent, i), b = find_root(g->parent, j);
		if (a != b) {
			g->parent[a > b ? a : b] = a > b ? b : a;
			joined++;
		}
	}
	return joined;
}

/*
 * Looking at a node's peers is what costs, and most nodes need no look: first those that nobody has led to yet (the root of a
 * piece is its first node, so some that were led to count among them), then those away from the piece of the first node, then
 * the rest. It ends when all is one piece: of a network with 20 peers a node a fifth is looked at.
 */
static uint32_t count_components(struct scenario *s, struct graph *g)
{
	enum { ALONE, AWAY, REST, PASSES };
	uint32_t parts = g->n;
	for (uint32_t i = 0; i < g->n; i++)
		g->parent[i] = i;
	memset(g->looked, 0, g->n);
	for (int pass = ALONE; pass < PASSES; pass++) {
		for (uint32_t i = 0; i < g->n && parts > 1; i++) {
			if (g->looked[i] || (pass == ALONE && g->parent[i] != i) || (pass == AWAY && find_root(g->parent, i) == 0))
				continue;
			g->looked[i] = 1;
			parts -= join_peers(s, g, i);
		}
	}
	return parts;
}

/* ------------------------------------------------------------------ cached answers */

enum answer_kind { ANSWER_COMPONENTS, ANSWER_DIAMETER };

/* The last answers, by kind and the group asked about; a group of the same nodes has the same hash. */
#define ANSWERS 16u
struct answer {
	uint64_t topology, key;
	enum answer_kind kind;
	lua_Integer value;
	bool known;
};
struct answers {
	struct answer at[ANSWERS];
};

static uint64_t list_key(const struct node_list *list)
{
	uint64_t h = list->n;
	for (size_t i = 0; i < list->n; i++)
		h = (h ^ list->at[i]->index) * UINT64_C(0x9e3779b97f4a7c15) + (h >> 29);
	return h;
}

static struct answer *answer_slot(lua_State *L, uint64_t key, enum answer_kind kind)
{
	struct answers *a = lua_touserdata(L, lua_upvalueindex(1));
	return &a->at[(key ^ (key >> 32) ^ (uint64_t)kind) % ANSWERS];
}

static bool answer_find(lua_State *L, const struct scenario *s, uint64_t key, enum answer_kind kind)
{
	const struct answer *a = answer_slot(L, key, kind);
	if (!a->known || a->topology != s->topology || a->key != key || a->kind != kind)
		return false;
	lua_pushinteger(L, a->value);
	return true;
}

static void answer_keep(lua_State *L, const struct scenario *s, uint64_t key, enum answer_kind kind, lua_Integer value)
{
	*answer_slot(L, key, kind) = (struct answer){.topology = s->topology, .key = key, .kind = kind, .value = value, .known = true};
	lua_pushinteger(L, value);
}

/* ------------------------------------------------------------------ functions */

/* The group given, or all nodes. */
static struct node_list group_arg(lua_State *L, struct scenario *s, const char *what)
{
	if (!lua_isnoneornil(L, 1))
		return nodes_check(L, 1, what);
	struct node_list list = {lua_newuserdatauv(L, (s->num_nodes + 1) * sizeof(struct node *), 0), s->num_nodes};
	if (s->num_nodes)
		memcpy(list.at, s->nodes, s->num_nodes * sizeof(struct node *));
	return list;
}

static int api_components(lua_State *L)
{
	struct scenario *s = host_scenario(L, "graph.components");
	struct graph g = {.nodes = group_arg(L, s, "graph.components")};
	uint64_t key = list_key(&g.nodes);
	if (answer_find(L, s, key, ANSWER_COMPONENTS))
		return 1;
	g.n = mark_running(s, &g.nodes);
	g.parent = lua_newuserdatauv(L, (g.n + 1u) * sizeof *g.parent, 0);
	g.looked = lua_newuserdatauv(L, g.n + 1u, 0);
	answer_keep(L, s, key, ANSWER_COMPONENTS, count_components(s, &g));
	return 1;
}

/* Fills the rows in two passes: degrees, then neighbours. */
static void build_rows(lua_State *L, struct scenario *s, struct graph *g)
{
	struct sy_peer p;
	g->first = lua_newuserdatauv(L, (g->n + 2u) * sizeof *g->first, 0);
	memset(g->first, 0, (g->n + 2u) * sizeof *g->first);
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < g->n; i++) {
			for (uint32_t k = 0; node_peer_at(g->nodes.at[i], k, &p); k++) {
				uint32_t j = place_of(s, &p.id);
				if (j == NONE)
					continue;
				if (pass == 0) {
					g->first[i + 1]++;
					g->first[j + 1]++;
				} else {
					g->at[g->first[i]++] = j;
					g->at[g->first[j]++] = i;
				}
			}
		}
		if (pass == 0) {
			for (uint32_t i = 0; i < g->n; i++)
				g->first[i + 1] += g->first[i];
			g->edges = g->first[g->n];
			g->at = lua_newuserdatauv(L, (g->edges + 1u) * sizeof *g->at, 0);
		}
	}
	/* Filling moved each start to the next row's: they are moved back. */
	for (uint32_t i = g->n; i > 0; i--)
		g->first[i] = g->first[i - 1];
	g->first[0] = 0;
}

/* The greatest distance from `from`; -1 when something cannot be reached. */
static lua_Integer eccentricity(const struct graph *g, uint32_t from, uint32_t *queue, uint32_t *distance)
{
	uint32_t head = 0, tail = 0;
	for (uint32_t i = 0; i < g->n; i++)
		distance[i] = NONE;
	distance[from] = 0;
	queue[tail++] = from;
	while (head < tail) {
		uint32_t i = queue[head++];
		for (uint32_t k = g->first[i]; k < g->first[i + 1]; k++) {
			uint32_t j = g->at[k];
			if (distance[j] != NONE)
				continue;
			distance[j] = distance[i] + 1;
			queue[tail++] = j;
		}
	}
	return tail == g->n ? (lua_Integer)distance[queue[tail - 1]] : -1;
}

/* The longest of the shortest ways between two nodes; math.huge when the graph is in pieces. */
static int api_diameter(lua_State *L)
{
	struct scenario *s = host_scenario(L, "graph.diameter");
	struct graph g = {.nodes = group_arg(L, s, "graph.diameter")};
	uint64_t key = list_key(&g.nodes);
	if (!answer_find(L, s, key, ANSWER_DIAMETER)) {
		g.n = mark_running(s, &g.nodes);
		build_rows(L, s, &g);
		uint32_t *queue = lua_newuserdatauv(L, (g.n + 1u) * sizeof *queue, 0);
		uint32_t *distance = lua_newuserdatauv(L, (g.n + 1u) * sizeof *distance, 0);
		lua_Integer longest = 0;
		for (uint32_t i = 0; i < g.n && longest >= 0; i++) {
			lua_Integer e = eccentricity(&g, i, queue, distance);
			longest = e < 0 || e > longest ? e : longest;
		}
		answer_keep(L, s, key, ANSWER_DIAMETER, longest);
	}
	if (lua_tointeger(L, -1) < 0)
		lua_pushnumber(L, (lua_Number)__builtin_inf());
	return 1;
}

/* The numbers of peers as min, mean, max. */
static int api_degree(lua_State *L)
{
	struct scenario *s = host_scenario(L, "graph.degree");
	struct node_list list = group_arg(L, s, "graph.degree");
	uint32_t n = mark_running(s, &list), least = NONE, most = 0;
	uint64_t sum = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t d = node_counts(list.at[i]).total;
		sum += d;
		least = d < least ? d : least;
		most = d > most ? d : most;
	}
	lua_pushinteger(L, n ? least : 0);
	lua_pushnumber(L, n ? (lua_Number)sum / n : 0);
	lua_pushinteger(L, most);
	return 3;
}

static const luaL_Reg functions[] = {{"components", api_components}, {"diameter", api_diameter}, {"degree", api_degree}, {NULL, NULL}};
const struct api_page graph_page = {"graph.", functions, NULL};

void graph_open(lua_State *L)
{
	luaL_newlibtable(L, functions);
	struct answers *a = lua_newuserdatauv(L, sizeof *a, 0);
	memset(a, 0, sizeof *a);
	luaL_setfuncs(L, functions, 1);
	lua_setfield(L, -2, "graph");
}
