/* crawl: walks a real network and writes down who is there. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/book/snapshot.h"
#include "sim/cli/settings.h"
#include "sim/crawl/crawl.h"
#include "transport/files/addrbook_json.h"
#include "transport/files/genesis.h"
#include "transport/files/home.h"

#define STARTS_MAX (4 * CRAWL_STARTS) /* words, --seeds, and the two lists of a home */

struct crawl_args {
	const char *home, *book, *seeds, *network, *out, *format;
	uint64_t block_version;
	uint32_t workers, max_addresses;
	uint64_t until_ns, dial_timeout_ns, handshake_timeout_ns, answer_timeout_ns;
	bool strict, quiet;
	/* what they lead to */
	struct cli_positional words;
	struct settings settings; /* of the home */
	const char *starts[STARTS_MAX];
	size_t num_starts;
	char *lists[4];
	size_t num_lists;
	struct sy_netaddr *known; /* of the book */
	size_t num_known;
	char chain_id[TP_CHAIN_ID_TEXT];
};

#define AT(member) offsetof(struct crawl_args, member)
static const struct cli_option options[] = {
    {"seeds", 's', CLI_TEXT, AT(seeds), "LIST", "id@host:port to begin with, separated by commas; words do the same"},
    {"home", 0, CLI_TEXT, AT(home), "DIR",
     "begins with the seeds, persistent peers and address book of this CometBFT home, and its network"},
    {"book", 0, CLI_TEXT, AT(book), "FILE", "begins with the addresses of this address book"},
    {"network", 0, CLI_TEXT, AT(network), "CHAIN", "chain id; auto: that of the first node that answers (default: the home's, else auto)"},
    {"block_version", 0, CLI_U64, AT(block_version), "N", "block protocol version (default: that of the first node, else the current one)"},
    {"workers", 'j', CLI_U32, AT(workers), "N", "addresses looked at at once (default: 32)"},
    {"until", 0, CLI_TIME, AT(until_ns), "TIME", "ends after this time (default: when nothing is left to try)"},
    {"max-addresses", 0, CLI_U32, AT(max_addresses), "N", "looks at so many at most (default: 100000)"},
    {"dial_timeout", 0, CLI_TIME, AT(dial_timeout_ns), "TIME", "for one connection to open (default: 3s)"},
    {"handshake_timeout", 0, CLI_TIME, AT(handshake_timeout_ns), "TIME", "for each half of a handshake (default: 10s)"},
    {"answer_timeout", 0, CLI_TIME, AT(answer_timeout_ns), "TIME", "for the answer with addresses (default: 15s)"},
    {"addr_book_strict", 0, CLI_FLAG, AT(strict), NULL, "leaves addresses alone that are not routable (default: the home's, else true)"},
    {"out", 'o', CLI_TEXT, AT(out), "FILE", "writes there (default: standard output)"},
    {"format", 0, CLI_CHOICE, AT(format), "json|csv", "(default: by the file's ending, else json)"},
    {"quiet", 'q', CLI_FLAG, AT(quiet), NULL, "no progress, no summary on standard error"},
};

#define OPTIONS (sizeof options / sizeof options[0])

/* ------------------------------------------------------------------ where to begin */

static bool add_start(struct crawl_args *a, const char *text, const char *what, char error[CLI_ERROR_TEXT])
{
	struct sy_netaddr addr;
	char host[SY_HOST_TEXT];
	enum sy_err err = sy_netaddr_parse(text, &addr, host);

	if (err != SY_OK && err != SY_ADDR_NEEDS_DNS) {
		snprintf(error, CLI_ERROR_TEXT, "%s: \"%.200s\" is no id@host:port: %s", what, text, sy_err_text(err));
		return false;
	}
	if (a->num_starts == STARTS_MAX) {
		snprintf(error, CLI_ERROR_TEXT, "%s: more than %u addresses to begin with; put them into an address book (--book)", what,
		         STARTS_MAX);
		return false;
	}
	a->starts[a->num_starts++] = text;
	return true;
}

/* A comma list; spaces around an element and empty elements go. */
static bool add_list(struct crawl_args *a, const char *list, const char *what, char error[CLI_ERROR_TEXT])
{
	char *copy = strdup(list), *rest = NULL;

	if (copy == NULL) {
		snprintf(error, CLI_ERROR_TEXT, "out of memory");
		return false;
	}
	a->lists[a->num_lists++] = copy;
	for (char *word = strtok_r(copy, ", \t", &rest); word != NULL; word = strtok_r(NULL, ", \t", &rest))
		if (!add_start(a, word, what, error))
			return false;
	return true;
}

/* The entries of a book that are no bans; a file that is not there has none. */
static bool add_book(struct crawl_args *a, const char *path, bool must_be_there, char error[CLI_ERROR_TEXT])
{
	struct tp_message msg;
	uint8_t *bytes = NULL;
	size_t len;
	char key[25];
	uint32_t n = 0;
	enum sy_err err = tp_addrbook_load(path, &bytes, &len, &msg);

	if (err == SY_NOT_FOUND && !must_be_there)
		return true;
	if (err == SY_OK)
		err = sy_snapshot_open((struct sy_span){bytes, len}, key, &n);
	a->known = err == SY_OK ? calloc(n + 1u, sizeof *a->known) : NULL;
	for (uint32_t i = 0; a->known != NULL && i < n; i++) {
		struct sy_book_record r;

		if (sy_snapshot_get((struct sy_span){bytes, len}, i, &r) == SY_OK && r.type != SY_RECORD_BAN && sy_netaddr_valid(&r.addr))
			a->known[a->num_known++] = r.addr;
	}
	free(bytes);
	if (a->known != NULL)
		return true;
	snprintf(error, CLI_ERROR_TEXT, "%.600s", err == SY_OK ? "out of memory" : err == SY_NOT_FOUND ? "" : msg.text);
	if (err == SY_NOT_FOUND)
		snprintf(error, CLI_ERROR_TEXT, "there is no address book %.500s", path);
	return false;
}

/* ------------------------------------------------------------------ a home */

static bool load_home(struct crawl_args *a, const struct cli_call *call, char error[CLI_ERROR_TEXT])
{
	static const struct cli_option home[] = {{"home", 0, CLI_TEXT, offsetof(struct settings, home), "DIR", ""}};
	const struct cli_command command = {.name = call->command->name, .usage = "", .options = home, .num_options = 1};
	char word[] = "--home", *words[] = {word, (char *)a->home};
	const struct cli_call from = {.command = &command, .argc = 2, .argv = words};

	if (access(a->home, R_OK | X_OK) != 0) {
		snprintf(error, CLI_ERROR_TEXT, "there is no home that can be read: %.500s", a->home);
		return false;
	}
	return settings_load(&a->settings, &from, NULL, error);
}

static bool use_home(struct crawl_args *a, char error[CLI_ERROR_TEXT])
{
	const struct settings *s = &a->settings;
	char path[TP_PATH_MAX];
	struct tp_message msg;

	if (!add_list(a, s->seeds, "p2p.seeds", error) || !add_list(a, s->persistent_peers, "p2p.persistent_peers", error))
		return false;
	if (a->book == NULL && tp_home_path(s->home, s->addr_book_file, path, &msg) == SY_OK && !add_book(a, path, false, error))
		return false;
	if (a->network != NULL)
		return true;
	a->network = s->network;
	if (a->network != NULL || tp_home_path(s->home, s->genesis_file, path, &msg) != SY_OK)
		return true;
	enum sy_err err = tp_genesis_chain_id(path, a->chain_id, &msg);
	if (err == SY_OK)
		a->network = a->chain_id;
	if (err == SY_OK || err == SY_NOT_FOUND)
		return true;
	snprintf(error, CLI_ERROR_TEXT, "%.600s", msg.text);
	return false;
}

/* ------------------------------------------------------------------ arguments */

static bool check(const struct crawl_args *a, char error[CLI_ERROR_TEXT])
{
	if (a->workers < 1 || a->workers > CRAWL_WORKERS_MAX)
		snprintf(error, CLI_ERROR_TEXT, "--workers wants 1 to %u", CRAWL_WORKERS_MAX);
	else if (a->max_addresses < 1 || a->max_addresses > CRAWL_ADDRESSES_MAX)
		snprintf(error, CLI_ERROR_TEXT, "--max-addresses wants 1 to %u", CRAWL_ADDRESSES_MAX);
	else if (a->dial_timeout_ns == 0 || a->handshake_timeout_ns == 0 || a->answer_timeout_ns == 0)
		snprintf(error, CLI_ERROR_TEXT, "a time-out of 0 lets nobody answer");
	else if (a->network != NULL && strlen(a->network) >= CRAWL_NETWORK)
		snprintf(error, CLI_ERROR_TEXT, "--network: a chain id has at most %u characters", CRAWL_NETWORK - 1);
	else if (a->num_starts == 0 && a->num_known == 0)
		snprintf(error, CLI_ERROR_TEXT, "where to begin? Name an id@host:port, a --home or a --book that has some");
	else
		return true;
	return false;
}

static bool read_args(struct crawl_args *a, const struct cli_call *call, char error[CLI_ERROR_TEXT])
{
	*a = (struct crawl_args){.workers = CRAWL_WORKERS_MAX < 32 ? CRAWL_WORKERS_MAX : 32,
	                         .max_addresses = 100000,
	                         .dial_timeout_ns = 3000000000u,
	                         .handshake_timeout_ns = 10000000000u,
	                         .answer_timeout_ns = 15000000000u,
	                         .strict = true};
	if (!cli_parse(call->command, call->argc, call->argv, a, &a->words, error))
		return false;
	for (size_t i = 0; i < a->words.n; i++)
		if (!add_start(a, a->words.at[i], "crawl", error))
			return false;
	if (a->seeds != NULL && !add_list(a, a->seeds, "--seeds", error))
		return false;
	if (a->book != NULL && !add_book(a, a->book, true, error))
		return false;
	if (a->home != NULL && (!load_home(a, call, error) || !use_home(a, error)))
		return false;
	if (a->home != NULL && !a->words.given[cli_find(options, OPTIONS, "addr_book_strict") - options])
		a->strict = a->settings.addr_book_strict;
	if (a->network != NULL && strcmp(a->network, "auto") == 0)
		a->network = NULL;
	return check(a, error);
}

static void free_args(struct crawl_args *a)
{
	for (size_t i = 0; i < a->num_lists; i++)
		free(a->lists[i]);
	free(a->known);
	settings_fini(&a->settings);
}

/* ------------------------------------------------------------------ what is written */

static bool wants_csv(const struct crawl_args *a)
{
	const char *dot = a->out == NULL ? NULL : strrchr(a->out, '.');

	if (a->format != NULL)
		return strcmp(a->format, "csv") == 0;
	return dot != NULL && strcmp(dot, ".csv") == 0;
}

static int write_result(const struct crawl_args *a, const struct crawl_result *r)
{
	size_t len = 0;
	struct tp_message msg;
	char *text = wants_csv(a) ? crawl_csv(r, &len) : crawl_json(r, &len);

	if (text == NULL)
		return cli_fail(CLI_INTERNAL, "out of memory");
	enum sy_err err = SY_OK;
	if (a->out != NULL)
		err = tp_file_write(a->out, text, len, 0644, &msg);
	else if (fwrite(text, 1, len, stdout) == len && !wants_csv(a))
		putchar('\n');
	free(text);
	return err == SY_OK ? CLI_HELD : cli_fail(CLI_USAGE, "%s", msg.text);
}

static void summarise(const struct crawl_result *r)
{
	static const char *const ends[] = {"", ", interrupted", ", time is up"};

	fprintf(stderr, "switchyard: %s: %u of %u addresses reachable, %u refused, %u unreachable, %u skipped, %u not tried; %.1f s%s\n",
	        r->network[0] == '\0' ? "no network" : r->network, r->counts[CRAWL_REACHABLE], r->table.n, r->counts[CRAWL_REFUSED],
	        r->counts[CRAWL_UNREACHABLE], r->counts[CRAWL_SKIPPED], r->counts[CRAWL_NOT_TRIED], (double)r->took_ns / 1e9, ends[r->end]);
}

static int crawl(const struct crawl_args *a)
{
	const struct crawl_config config = {
	    .network = a->network,
	    .block_version = a->block_version,
	    .workers = a->workers,
	    .max_addresses = a->max_addresses,
	    .until_ns = a->until_ns,
	    .dial_timeout_ns = a->dial_timeout_ns,
	    .handshake_timeout_ns = a->handshake_timeout_ns,
	    .answer_timeout_ns = a->answer_timeout_ns,
	    .strict = a->strict,
	    .progress = !a->quiet && isatty(STDERR_FILENO) == 1,
	    .starts = a->starts,
	    .num_starts = a->num_starts,
	    .book = a->known,
	    .num_book = a->num_known,
	};
	struct crawl_result result;
	char error[CRAWL_ERROR_TEXT];
	int code;

	if (crawl_run(&config, &result, error) != SY_OK) {
		code = cli_fail(CLI_INTERNAL, "%s", error);
	} else {
		code = write_result(a, &result);
		if (!a->quiet)
			summarise(&result);
		if (code == CLI_HELD && result.counts[CRAWL_REACHABLE] == 0)
			code = CLI_CHECK_FAILED;
	}
	crawl_result_fini(&result);
	return code;
}

static int run_crawl(const struct cli_call *call)
{
	struct crawl_args *args = malloc(sizeof *args);
	char error[CLI_ERROR_TEXT];

	if (args == NULL)
		return cli_fail(CLI_INTERNAL, "out of memory");
	int code = read_args(args, call, error) ? crawl(args) : cli_usage(call->command, error);
	free_args(args);
	free(args);
	return code;
}

const struct cli_command cmd_crawl = {
    .name = "crawl",
    .usage = "[ID@HOST:PORT]... [option]...",
    .summary = "walks a real network from a few addresses and writes who is there",
    .details = "Every address is dialled once, from a key of its own; who answers is asked once for addresses and left. Written\n"
               "for each, in the order of ids: outcome (reachable, refused, unreachable, skipped: not routable, not_tried) and\n"
               "why, network, versions, moniker, channels, how long connect, handshake and answer took in microseconds, how\n"
               "many addresses it gave, whether it hung up itself as a seed does, and who told of it first. SIGINT and\n"
               "SIGTERM end it and write what was found. Exit code 1: nobody was reachable.",
    .options = options,
    .num_options = OPTIONS,
    .max_positional = CLI_POSITIONAL_MAX,
    .run = run_crawl,
};
