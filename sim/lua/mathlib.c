/*
 * math: what IEEE arithmetic does exactly stays; what libm computes to the last digit or nearly so is refused, since
 * libraries differ; random draws come from the run's seed.
 */
#include "sim/lua/sandbox.h"

static uint64_t draw(lua_State *L)
{
	struct sandbox *sb = sandbox_of(L);
	uint64_t word = 0;
	const char *why = "there is no source of randomness here";
	if (!sb->hooks.random || !sb->hooks.random(sb->hooks.ctx, &word, &why))
		luaL_error(L, "math.random: %s", why);
	return word;
}

/* Uniform in 0..span, without bias: words above the last whole multiple are drawn again. */
static uint64_t draw_upto(lua_State *L, uint64_t span)
{
	if (span == UINT64_MAX)
		return draw(L);
	uint64_t n = span + 1;
	uint64_t limit = UINT64_MAX - (UINT64_MAX % n + 1) % n;
	uint64_t word;
	do {
		word = draw(L);
	} while (word > limit);
	return word % n;
}

static int math_random(lua_State *L)
{
	lua_Integer low = 1, high;
	switch (lua_gettop(L)) {
	case 0:
		lua_pushnumber(L, (lua_Number)(draw(L) >> 11) * (0.5 / ((uint64_t)1 << 52)));
		return 1;
	case 1:
		high = luaL_checkinteger(L, 1);
		if (high == 0) {
			lua_pushinteger(L, (lua_Integer)draw(L));
			return 1;
		}
		break;
	case 2:
		low = luaL_checkinteger(L, 1);
		high = luaL_checkinteger(L, 2);
		break;
	default:
		return luaL_error(L, "math.random: wrong number of arguments");
	}
	luaL_argcheck(L, low <= high, lua_gettop(L), "interval is empty");
	uint64_t offset = draw_upto(L, (uint64_t)high - (uint64_t)low);
	uint64_t value = (uint64_t)low + offset;
	lua_pushinteger(L, (lua_Integer)value);
	return 1;
}

static int math_randomseed(lua_State *L)
{
	return luaL_error(L, "math.randomseed: the seed is the run's (--seed N); seed() reads it");
}

/* x to a whole power by repeated squaring: the same operations on every machine. */
static int math_pow(lua_State *L)
{
	lua_Number x = luaL_checknumber(L, 1);
	lua_Integer n = luaL_checkinteger(L, 2);
	luaL_argcheck(L, n >= -1024 && n <= 1024, 2, "exponents go from -1024 to 1024");
	lua_Number r = 1;
	for (lua_Integer e = n < 0 ? -n : n; e > 0; e >>= 1) {
		if (e & 1)
			r *= x;
		x *= x;
	}
	lua_pushnumber(L, n < 0 ? 1 / r : r);
	return 1;
}

static int math_refused(lua_State *L)
{
	return luaL_error(L, "math.%s is not available: its last digits differ between machines", lua_tostring(L, lua_upvalueindex(1)));
}

void mathlib_open(lua_State *L)
{
	static const char *const refused[] = {"sin", "cos", "tan", "asin", "acos", "atan", "exp", "log"};
	lua_getfield(L, -1, LUA_MATHLIBNAME);
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		lua_pushstring(L, refused[i]);
		lua_pushcclosure(L, math_refused, 1);
		lua_setfield(L, -2, refused[i]);
	}
	lua_pushcfunction(L, math_random);
	lua_setfield(L, -2, "random");
	lua_pushcfunction(L, math_randomseed);
	lua_setfield(L, -2, "randomseed");
	lua_pushcfunction(L, math_pow);
	lua_setfield(L, -2, "pow");
	lua_pop(L, 1);
}
