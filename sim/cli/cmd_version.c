/* version: what this program is made of. */
#include <jansson.h>
#include <lua.h>
#include <microhttpd.h>
#include <protobuf-c/protobuf-c.h>
#include <sodium.h>
#include <stddef.h>
#include <uv.h>

#include "core/switchyard.h"
#include "sim/cli/cli.h"

struct version_args {
	bool json;
};

static const struct cli_option options[] = {
    {"json", 0, CLI_FLAG, offsetof(struct version_args, json), NULL, "as one JSON object"},
};

#define PROTOCOL "CometBFT v0.38.26 and v0.40.0 (p2p 8, block 11)"

/* Versions as loaded where a library tells them; Lua only tells what was compiled against. */
static void put_json(void)
{
	json_t *object = json_pack("{s:s, s:s, s:{s:b, s:b, s:b, s:b, s:b, s:b}, s:{s:s, s:s, s:s, s:s, s:s, s:s}}", "version", SY_VERSION,
	                           "protocol", PROTOCOL, "features", "sim", true, "tcp", true, "lua_reactors", true, "null_crypto", true,
	                           "tcp_segment", true, "tcp_flow", true, "libraries", "libsodium", sodium_version_string(), "lua",
	                           LUA_VERSION_MAJOR "." LUA_VERSION_MINOR "." LUA_VERSION_RELEASE, "libuv", uv_version_string(), "jansson",
	                           jansson_version_str(), "libmicrohttpd", MHD_get_version(), "protobuf-c", protobuf_c_version());

	json_dumpf(object, stdout, 0);
	fputc('\n', stdout);
	json_decref(object);
}

static int run_version(const struct cli_call *call)
{
	struct version_args args = {0};
	struct cli_positional positional;
	char error[CLI_ERROR_TEXT];

	if (!cli_parse(call->command, call->argc, call->argv, &args, &positional, error))
		return cli_usage(call->command, error);
	if (args.json) {
		put_json();
		return CLI_HELD;
	}
	printf("switchyard %s\n", SY_VERSION);
	printf("protocol:  %s\n", PROTOCOL);
	printf("profiles:  default, upstream, upstream-v0.38\n");
	printf("features:  simulator (tcp = \"none\"), real TCP, Lua reactors, null crypto (simulator only)\n");
	printf("libraries: libsodium %s, Lua %s.%s.%s, libuv %s, jansson %s, libmicrohttpd %s, protobuf-c %s\n", sodium_version_string(),
	       LUA_VERSION_MAJOR, LUA_VERSION_MINOR, LUA_VERSION_RELEASE, uv_version_string(), jansson_version_str(), MHD_get_version(),
	       protobuf_c_version());
	return CLI_HELD;
}

const struct cli_command cmd_version = {
    .name = "version",
    .usage = "[--json]",
    .summary = "tells the version, the features and the libraries",
    .options = options,
    .num_options = sizeof options / sizeof options[0],
    .run = run_version,
};
