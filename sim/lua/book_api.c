/* node.book: the address book of a node, or of each node of a group, to look at. */
#include "sim/lua/lifecycle.h"
#include "sim/lua/pages.h"

struct book {
	struct handle handle;
	struct node *node;   /* one of the two; nodes live as long as the state, */
	struct group *group; /* a group is kept by a user value */
};

void book_push(lua_State *L, struct node *n, struct group *g)
{
	struct book *b = host_handle(L, BOOK_TYPE, sizeof *b, g ? 1 : 0);
	b->node = n;
	b->group = g;
}

static struct book *book_check(lua_State *L)
{
	return luaL_checkudata(L, 1, BOOK_TYPE);
}

/* A group's book answers with a list of what each node's book answers. */
static int over_group(lua_State *L, lua_CFunction method)
{
	struct group *g = book_check(L)->group;
	struct scenario *s = host_of(L)->scenario;
	int args = lua_gettop(L);
	lua_createtable(L, (int)g->n, 0);
	for (uint32_t i = 0; i < g->n; i++) {
		lua_pushcfunction(L, method);
		node_push(L, s->nodes[g->at[i]]);
		lua_getiuservalue(L, -1, 2);
		lua_remove(L, -2);
		for (int a = 2; a <= args; a++)
			lua_pushvalue(L, a);
		lua_call(L, args, 1);
		lua_rawseti(L, args + 1, (lua_Integer)i + 1);
	}
	return 1;
}

static struct sy_book_counts counts(const struct node *n)
{
	const struct sy_node *core = n->host->core(n);
	return core ? sy_node_book_counts(core) : (struct sy_book_counts){0};
}

static int m_size(lua_State *L)
{
	struct book *b = book_check(L);
	if (b->group)
		return over_group(L, m_size);
	lua_pushinteger(L, counts(b->node).total);
	return 1;
}

static int m_counts(lua_State *L)
{
	struct book *b = book_check(L);
	if (b->group)
		return over_group(L, m_counts);
	struct sy_book_counts c = counts(b->node);
	const struct sy_node *core = b->node->host->core(b->node);
	lua_createtable(L, 0, 5);
	lua_pushinteger(L, core ? sy_node_pex_counts(core).verified : 0);
	lua_setfield(L, -2, "verified");
	lua_pushinteger(L, c.total);
	lua_setfield(L, -2, "total");
	lua_pushinteger(L, c.new_addrs);
	lua_setfield(L, -2, "new");
	lua_pushinteger(L, c.old_addrs);
	lua_setfield(L, -2, "old");
	lua_pushinteger(L, c.banned);
	lua_setfield(L, -2, "banned");
	return 1;
}

static int m_has(lua_State *L)
{
	struct book *b = book_check(L);
	if (b->group)
		return over_group(L, m_has);
	const struct sy_node *core = b->node->host->core(b->node);
	struct sy_id id;
	struct node *other = node_test(L, 2);
	if (!other && host_of(L)->scenario && lua_type(L, 2) == LUA_TSTRING)
		other = scenario_node_by_name(host_of(L)->scenario, lua_tostring(L, 2));
	if (other) {
		node_need_address(L, other);
		id = other->addr.id;
	} else {
		size_t len;
		const char *text = luaL_checklstring(L, 2, &len);
		if (sy_id_parse(text, len, &id, NULL) != SY_OK)
			return luaL_error(L, "book:has: '%s' is neither a node nor an id", text);
	}
	lua_pushboolean(L, core && sy_node_book_has(core, &id));
	return 1;
}

struct listing {
	lua_State *L;
	lua_Integer n;
};

static void list_one(void *arg, const struct sy_netaddr *addr, bool old)
{
	struct listing *l = arg;
	char text[SY_ADDR_TEXT];
	sy_netaddr_format(addr, text);
	lua_pushstring(l->L, text);
	lua_rawseti(l->L, -2, ++l->n);
}

static int m_addresses(lua_State *L)
{
	struct book *b = book_check(L);
	if (b->group)
		return over_group(L, m_addresses);
	const struct sy_node *core = b->node->host->core(b->node);
	struct listing l = {.L = L};
	lua_newtable(L);
	if (core)
		sy_node_book_each(core, list_one, &l);
	return 1;
}

static const luaL_Reg methods[] = {{"size", m_size}, {"has", m_has}, {"counts", m_counts}, {"addresses", m_addresses}, {NULL, NULL}};
const struct api_page book_page = {"book:", methods, NULL};

static int book_index(lua_State *L)
{
	lua_pushvalue(L, 2);
	if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
		return 1;
	return node_unknown_field(L, "book", sandbox_tostring(L, 2, NULL), &book_page);
}

void book_open(lua_State *L)
{
	sandbox_handle_type(L, BOOK_TYPE);
	luaL_newlib(L, methods);
	lua_pushcclosure(L, book_index, 1);
	lua_setfield(L, -2, "__index");
	lua_pop(L, 1);
}
