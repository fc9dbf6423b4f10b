/* book: shows and edits an address book, of a home or by itself, while no node uses it. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/wire/group.h"
#include "sim/book/book.h"
#include "sim/cli/settings.h"
#include "transport/files/home.h"
#include "transport/files/lock.h"

struct book_args {
	const char *home, *file, *out, *sort;
	bool strict, json, dry_run, only_new, only_old, only_banned, failing, never, reached;
	uint32_t limit, attempts;
	uint64_t older_than_ns, for_ns;
	/* what they lead to */
	const struct cli_command *command;
	struct cli_positional words;
	struct settings settings; /* of the home */
	char path[TP_PATH_MAX];
	bool in_home; /* path is that of a home's book */
	struct tp_lock lock;
	struct book_file book;
	uint32_t entries_before;
	bool merging; /* the other book's bans take entries out, too */
	uint64_t now_s;
};

#define AT(member) offsetof(struct book_args, member)
static const struct cli_option options[] = {
    {"home", 0, CLI_TEXT, AT(home), "DIR", "the book of this CometBFT home (default: $CMTHOME, else ~/.cometbft)"},
    {"file", 'f', CLI_TEXT, AT(file), "FILE", "this book instead; its bans are in FILE's .bans.json"},
    {"addr_book_strict", 0, CLI_FLAG, AT(strict), NULL, "only routable addresses may be added (default: the home's, else true)"},
    {"new", 0, CLI_FLAG, AT(only_new), NULL, "only new entries"},
    {"old", 0, CLI_FLAG, AT(only_old), NULL, "only old entries: those that were of use once"},
    {"banned", 0, CLI_FLAG, AT(only_banned), NULL, "bans instead of entries"},
    {"failing", 0, CLI_FLAG, AT(failing), NULL, "only those whose last attempt failed"},
    {"reached", 0, CLI_FLAG, AT(reached), NULL, "only those that were reached once"},
    {"never-reached", 0, CLI_FLAG, AT(never), NULL, "only those that never were"},
    {"attempts", 0, CLI_U32, AT(attempts), "N", "only those with so many failed attempts in a row"},
    {"older-than", 0, CLI_TIME, AT(older_than_ns), "TIME", "only those not reached (or, never reached, not tried) for so long"},
    {"sort", 0, CLI_CHOICE, AT(sort), "address|id|attempts|tried|reached", "order of show and export (default: address)"},
    {"limit", 'n', CLI_U32, AT(limit), "N", "shows so many at most"},
    {"for", 0, CLI_TIME, AT(for_ns), "TIME", "how long a ban holds (default: 24h)"},
    {"out", 'o', CLI_TEXT, AT(out), "FILE", "where export writes, and merge (default: standard output; the first book)"},
    {"dry-run", 0, CLI_FLAG, AT(dry_run), NULL, "says what would change and changes nothing"},
    {"json", 0, CLI_FLAG, AT(json), NULL, "show and stats as JSON"},
};

/* One of the words after `book`. */
struct verb {
	const char *name;
	size_t min, max; /* words after it */
	bool edits;      /* needs the book for itself */
	bool makes;      /* the book need not be there */
	int (*run)(struct book_args *a);
};

/* ------------------------------------------------------------------ the book */

static bool load_home(struct book_args *a, const struct cli_call *call, char error[CLI_ERROR_TEXT])
{
	static const struct cli_option home[] = {{"home", 0, CLI_TEXT, offsetof(struct settings, home), "DIR", ""}};
	const struct cli_command command = {.name = "book", .usage = "", .options = home, .num_options = 1};
	char word[] = "--home", *words[] = {word, (char *)a->home};
	const struct cli_call from = {.command = &command, .argc = a->home == NULL ? 0 : 2, .argv = words};
	struct tp_message msg;

	if (!settings_load(&a->settings, &from, NULL, error))
		return false;
	a->in_home = true;
	if (!a->words.given[cli_find(call->command->options, call->command->num_options, "addr_book_strict") - call->command->options])
		a->strict = a->settings.addr_book_strict;
	if (tp_home_path(a->settings.home, a->settings.addr_book_file, a->path, &msg) == SY_OK)
		return true;
	snprintf(error, CLI_ERROR_TEXT, "%.600s", msg.text);
	return false;
}

/* An editor's work would be lost with the next save of a node that runs: it is refused instead. */
static bool keep_others_out(struct book_args *a, char error[CLI_ERROR_TEXT])
{
	struct tp_message msg;
	enum sy_err err = tp_lock_take(&a->lock, a->path, &msg);

	if (err == SY_OK && a->in_home && tp_lock_comet_runs(a->settings.home)) {
		snprintf(error, CLI_ERROR_TEXT, "a CometBFT node runs in %.400s and would write its own book over this one: stop it first",
		         a->settings.home);
		return false;
	}
	if (err == SY_IN_USE)
		snprintf(error, CLI_ERROR_TEXT, "a node that runs would write its own book over %.400s: stop it first", a->path);
	else if (err != SY_OK)
		snprintf(error, CLI_ERROR_TEXT, "%.600s", msg.text);
	if (err == SY_OK)
		(void)tp_file_sweep(a->path);
	return err == SY_OK;
}

static int save(struct book_args *a)
{
	char error[BOOK_ERROR_TEXT];

	if (a->dry_run)
		return CLI_HELD;
	return book_save(&a->book, error) ? CLI_HELD : cli_fail(CLI_USAGE, "%s", error);
}

static int no_memory(enum sy_err err)
{
	return cli_fail(CLI_INTERNAL, "%s", sy_err_text(err));
}

static const char *word(const struct book_args *a, size_t n)
{
	return a->words.at[n + 1]; /* the first one is the verb */
}

static void say_dropped(const struct book_counts *counts)
{
	if (counts->dropped != 0)
		fprintf(stderr, "switchyard: %u entries that no node would load were left out\n", counts->dropped);
}

/* ------------------------------------------------------------------ looking */

static struct book_filter filter_of(const struct book_args *a)
{
	return (struct book_filter){.only_new = a->only_new,
	                            .only_old = a->only_old,
	                            .only_banned = a->only_banned,
	                            .failing = a->failing,
	                            .never = a->never,
	                            .reached = a->reached,
	                            .attempts = a->attempts,
	                            .older_than_s = a->older_than_ns / 1000000000u,
	                            .now_s = a->now_s};
}

static enum book_order order_of(const struct book_args *a)
{
	static const char *const names[] = {"address", "id", "attempts", "tried", "reached"};

	for (size_t i = 0; a->sort != NULL && i < sizeof names / sizeof *names; i++)
		if (strcmp(a->sort, names[i]) == 0)
			return (enum book_order)i;
	return BOOK_BY_ADDRESS;
}

static int show(struct book_args *a)
{
	const struct book_filter filter = filter_of(a);

	if (!a->json)
		book_show(stdout, &a->book, &filter, order_of(a), a->limit);
	else if (!book_show_json(stdout, &a->book, &filter, order_of(a), a->limit))
		return no_memory(SY_NO_MEMORY);
	return CLI_HELD;
}

static int stats(struct book_args *a)
{
	return book_stats(stdout, &a->book, a->now_s, a->json) ? CLI_HELD : no_memory(SY_NO_MEMORY);
}

static int export_lines(struct book_args *a)
{
	const struct book_filter filter = filter_of(a);
	char *text = NULL;
	size_t len = 0;
	struct tp_message msg;

	if (a->out == NULL) {
		book_export(stdout, &a->book, &filter, order_of(a));
		return CLI_HELD;
	}
	FILE *to = open_memstream(&text, &len);
	if (to == NULL)
		return no_memory(SY_NO_MEMORY);
	book_export(to, &a->book, &filter, order_of(a));
	enum sy_err err = fclose(to) == 0 ? tp_file_write(a->out, text, len, 0644, &msg) : SY_NO_MEMORY;
	free(text);
	if (err == SY_NO_MEMORY)
		return no_memory(err);
	return err == SY_OK ? CLI_HELD : cli_fail(CLI_USAGE, "%s", msg.text);
}

/* ------------------------------------------------------------------ adding */

static int finish_adding(struct book_args *a, enum sy_err err, const struct book_counts *counts)
{
	if (err != SY_OK)
		return no_memory(err);
	int code = save(a); /* what is not saved was not added */
	if (code != CLI_HELD)
		return code;
	say_dropped(counts);
	printf("%u added, %u known already, %u refused", counts->added, counts->known, counts->refused);
	if (counts->refused != 0)
		printf(" (the last one: %s)", sy_err_text(counts->last_refused));
	uint32_t left = book_entries(&a->book), expected = a->entries_before + counts->added - counts->dropped;
	if (!a->merging && left < expected) /* a network has no more buckets than others; what is oldest there goes */
		printf("; %u made room in full buckets", expected - left);
	printf("; %u entries\n", left);
	return code;
}

static int add(struct book_args *a)
{
	struct sy_netaddr addrs[CLI_POSITIONAL_MAX];
	struct book_counts counts = {0};
	char error[BOOK_ERROR_TEXT];
	uint32_t n = 0;

	for (; n + 1 < a->words.n; n++)
		if (!book_read_addr(word(a, n), &addrs[n], error))
			return cli_fail(CLI_USAGE, "%s", error);
	enum sy_err err = book_add(&a->book, addrs, n, a->strict, a->now_s, &counts);
	int code = finish_adding(a, err, &counts);
	return code == CLI_HELD && counts.refused != 0 ? CLI_CHECK_FAILED : code;
}

static int merge_from(struct book_args *a, const char *path)
{
	struct book_file from;
	struct book_counts counts = {0};
	char error[BOOK_ERROR_TEXT];

	if (!book_load(&from, path, true, error))
		return cli_fail(CLI_USAGE, "%s", error);
	a->merging = true;
	enum sy_err err = book_merge(&a->book, &from, a->strict, a->now_s, &counts);
	book_free(&from);
	return finish_adding(a, err, &counts);
}

/* A file that begins with a brace is an address book, any other a list. */
static int import(struct book_args *a)
{
	struct sy_netaddr *addrs = NULL;
	struct book_counts counts = {0};
	char error[BOOK_ERROR_TEXT], first = '\0';
	uint32_t n;
	FILE *file = fopen(word(a, 0), "r");

	if (file == NULL)
		return cli_fail(CLI_USAGE, "%s: it cannot be read", word(a, 0));
	if (fscanf(file, " %c", &first) != 1)
		first = '\0';
	fclose(file);
	if (first == '{')
		return merge_from(a, word(a, 0));
	if (!book_read_list(word(a, 0), &addrs, &n, error))
		return cli_fail(CLI_USAGE, "%s", error);
	enum sy_err err = book_add(&a->book, addrs, n, a->strict, a->now_s, &counts);
	free(addrs);
	return finish_adding(a, err, &counts);
}

/* merge A B: into A, or with --out into a third file. With one word it goes into the book of the home. */
static int merge(struct book_args *a)
{
	if (a->words.n == 2)
		return merge_from(a, word(a, 0));
	if (a->out != NULL)
		snprintf(a->book.path, sizeof a->book.path, "%s", a->out);
	return merge_from(a, word(a, 1));
}

/* ------------------------------------------------------------------ taking away */

/* What a word of remove, ban or unban names. */
struct who {
	struct sy_netaddr addr; /* flags == 0: no id; ip all zero: no address */
	bool has_ip, has_port;
};

static bool read_who(const char *text, struct who *w, char error[BOOK_ERROR_TEXT])
{
	memset(w, 0, sizeof *w);
	if (sy_id_parse(text, strlen(text), &w->addr.id, NULL) == SY_OK) {
		w->addr.flags = SY_ADDR_HAS_ID;
		return true;
	}
	w->has_ip = true;
	if (sy_ip_parse(text, strlen(text), w->addr.ip) == SY_OK)
		return true;
	w->has_port = true;
	return book_read_addr(text, &w->addr, error);
}

static bool is_another(const struct sy_book_record *r, void *arg)
{
	const struct who *w = arg;

	if (r->type == SY_RECORD_BAN)
		return true;
	if (w->addr.flags != 0 && memcmp(&r->addr.id, &w->addr.id, sizeof r->addr.id) != 0)
		return true;
	if (w->has_ip && memcmp(r->addr.ip, w->addr.ip, sizeof r->addr.ip) != 0)
		return true;
	return w->has_port && r->addr.port != w->addr.port;
}

static int finish_removing(struct book_args *a, uint32_t removed, const char *what)
{
	int code = removed == 0 ? CLI_CHECK_FAILED : save(a);

	if (code != CLI_USAGE) /* what is not saved is still there */
		printf("%u %s; %u entries and bans are left\n", removed, what, a->book.n);
	return code;
}

static int remove_some(struct book_args *a)
{
	struct who who;
	char error[BOOK_ERROR_TEXT];
	uint32_t removed = 0;

	for (size_t i = 0; i + 1 < a->words.n; i++) {
		if (!read_who(word(a, i), &who, error))
			return cli_fail(CLI_USAGE, "%s", error);
		removed += book_keep(&a->book, is_another, &who);
	}
	return finish_removing(a, removed, "removed");
}

static bool does_not_match(const struct sy_book_record *r, void *arg)
{
	return !book_matches(arg, r);
}

static int prune(struct book_args *a)
{
	struct book_filter filter = filter_of(a);

	if (book_filter_is_empty(&filter))
		return cli_usage(a->command, "prune what? Say which: --older-than, --attempts, --failing, --never-reached, --new, --banned, ...");
	return finish_removing(a, book_keep(&a->book, does_not_match, &filter), a->dry_run ? "would be pruned" : "pruned");
}

/* ------------------------------------------------------------------ bans */

static int ban(struct book_args *a)
{
	struct who who;
	char error[BOOK_ERROR_TEXT];

	for (size_t i = 0; i + 1 < a->words.n; i++) {
		if (!read_who(word(a, i), &who, error))
			return cli_fail(CLI_USAGE, "%s", error);
		if (who.addr.flags == 0)
			return cli_fail(CLI_USAGE, "\"%.100s\": a book bans ids; what an IP does is a matter of block lists", word(a, i));
		enum sy_err err = book_ban(&a->book, &who.addr, a->strict, a->now_s, a->for_ns / 1000000000u);
		if (err != SY_OK)
			return no_memory(err);
	}
	int code = save(a);
	if (code == CLI_HELD)
		printf("%zu banned\n", a->words.n - 1);
	return code;
}

static int unban(struct book_args *a)
{
	struct book_counts counts = {0};
	struct who who;
	char error[BOOK_ERROR_TEXT];

	for (size_t i = 0; i + 1 < a->words.n; i++) {
		if (!read_who(word(a, i), &who, error))
			return cli_fail(CLI_USAGE, "%s", error);
		enum sy_err err = book_unban(&a->book, &who.addr.id, a->strict, a->now_s, &counts);
		if (err != SY_OK)
			return no_memory(err);
	}
	say_dropped(&counts);
	return finish_removing(a, counts.removed, "bans ended");
}

/* ------------------------------------------------------------------ the command */

static const struct verb verbs[] = {
    {"show", 0, 0, false, false, show},
    {"stats", 0, 0, false, false, stats},
    {"export", 0, 0, false, false, export_lines},
    {"add", 1, CLI_POSITIONAL_MAX - 1, true, true, add},
    {"remove", 1, CLI_POSITIONAL_MAX - 1, true, false, remove_some},
    {"ban", 1, CLI_POSITIONAL_MAX - 1, true, true, ban},
    {"unban", 1, CLI_POSITIONAL_MAX - 1, true, false, unban},
    {"prune", 0, 0, true, false, prune},
    {"import", 1, 1, true, true, import},
    {"merge", 1, 2, true, true, merge},
};
#define VERBS (sizeof verbs / sizeof *verbs)

static const struct verb *find_verb(const char *name, char error[CLI_ERROR_TEXT])
{
	const char *names[VERBS];

	for (size_t i = 0; i < VERBS; i++) {
		names[i] = verbs[i].name;
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	const char *near = cli_nearest(name, names, VERBS);
	snprintf(error, CLI_ERROR_TEXT, "book cannot \"%.60s\"%s%s%s", name, near == NULL ? "" : "; did you mean \"", near == NULL ? "" : near,
	         near == NULL ? "" : "\"?");
	return NULL;
}

/* The book that is meant, loaded, and locked when it is to be changed. */
static bool open_book(struct book_args *a, const struct cli_call *call, const struct verb *verb, char error[CLI_ERROR_TEXT])
{
	const char *file = verb->run == merge && a->words.n == 3 ? word(a, 0) : a->file;

	if (file != NULL)
		snprintf(a->path, sizeof a->path, "%.4000s", file);
	else if (!load_home(a, call, error))
		return false;
	if (verb->edits && !a->dry_run && !keep_others_out(a, error))
		return false;
	if (!book_load(&a->book, a->path, !verb->makes, error))
		return false;
	a->entries_before = book_entries(&a->book);
	return true;
}

static int run_with(struct book_args *a, const struct cli_call *call)
{
	char error[CLI_ERROR_TEXT];

	if (!cli_parse(call->command, call->argc, call->argv, a, &a->words, error))
		return cli_usage(call->command, error);
	const struct verb *verb = find_verb(a->words.at[0], error);
	if (verb == NULL)
		return cli_usage(call->command, error);
	if (a->words.n - 1 < verb->min || a->words.n - 1 > verb->max) {
		snprintf(error, sizeof error, "book %s takes %s words, not %zu", verb->name,
		         verb->max == 0   ? "no more"
		         : verb->max == 1 ? "one more"
		         : verb->max == 2 ? "one or two more"
		                          : "one or more",
		         a->words.n - 1);
		return cli_usage(call->command, error);
	}
	if (!open_book(a, call, verb, error))
		return cli_fail(CLI_USAGE, "%s", error);
	return verb->run(a);
}

static int run_book(const struct cli_call *call)
{
	struct book_args *a = calloc(1, sizeof *a);

	if (a == NULL)
		return cli_fail(CLI_INTERNAL, "out of memory");
	*a = (struct book_args){
	    .strict = true, .limit = UINT32_MAX, .for_ns = 24 * 3600 * 1000000000ull, .command = call->command, .now_s = (uint64_t)time(NULL)};
	int code = run_with(a, call);
	book_free(&a->book);
	tp_lock_give(&a->lock);
	settings_fini(&a->settings);
	free(a);
	return code;
}

const struct cli_command cmd_book = {
    .name = "book",
    .usage = "VERB [WORD]... [--home DIR | --file FILE] [option]...",
    .summary = "shows and edits an address book",
    .details = "show, stats, export           look; filters choose which entries\n"
               "add ID@IP:PORT...             adds new entries\n"
               "remove ID|IP|ID@IP:PORT...    removes entries\n"
               "ban ID|ID@IP:PORT...          bans an id, or one address of it (--for)\n"
               "unban ID...                   ends its bans\n"
               "prune                         removes what the filters choose\n"
               "import FILE                   adds a list of id@ip:port, or another address book\n"
               "merge [BOOK] OTHER            adds OTHER to the home's book, or to BOOK (or to both, as --out FILE)\n\n"
               "A book is changed only while no node runs on it, at once or not at all; what was there stays beside it, with\n"
               ".bak at its name's end. Exit code 1: nothing was removed, or not all was added.",
    .options = options,
    .num_options = sizeof options / sizeof options[0],
    .min_positional = 1,
    .max_positional = CLI_POSITIONAL_MAX,
    .run = run_book,
};
