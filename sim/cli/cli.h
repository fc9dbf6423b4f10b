/*
 * The command line: one table of commands, one table of options a command, one parser for all. Long options in
 * CometBFT's spelling where it has one (`-` and `_` in a name are the same), `--key value` or `--key=value`.
 */
#ifndef SIM_CLI_CLI_H
#define SIM_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What the process answers. Source: scenario.md, the command line. */
enum cli_exit { CLI_HELD = 0, CLI_CHECK_FAILED = 1, CLI_USAGE = 2, CLI_INTERNAL = 3 };

#define CLI_REPEAT_MAX 64u     /* how often an option that repeats may be given: params of a script, reactors are fewer */
#define CLI_POSITIONAL_MAX 64u /* as many as a node may have seeds */
#define CLI_OPTIONS_MAX 128u   /* options of one command: a real node has most */
#define CLI_NAME_MAX 64u       /* longest option name or word that is compared with known names */

/* How an option's value reads, and what stands at its offset in the command's struct. */
enum cli_kind {
	CLI_FLAG,        /* bool; no value, or =true / =false */
	CLI_TEXT,        /* const char *; as it stands */
	CLI_REPEAT,      /* struct cli_texts; may be given several times */
	CLI_U64,         /* uint64_t; decimal */
	CLI_U32,         /* uint32_t; decimal */
	CLI_TIME,        /* uint64_t, nanoseconds; "90s", "10m"; a bare number is seconds */
	CLI_GO_DURATION, /* uint64_t, nanoseconds; Go's spelling, "1m30s", needs a unit */
	CLI_CHOICE,      /* const char *; one of the words of `value`, separated by | */
	CLI_RANGE,       /* struct cli_range; "A..B" */
	CLI_IDLE,        /* nothing; taken for the sake of other programs' command lines, a flag when `value` is null */
};

struct cli_texts {
	const char *at[CLI_REPEAT_MAX];
	size_t n;
};
struct cli_range {
	bool given;
	uint64_t from, to; /* both included, from <= to */
};

struct cli_option {
	const char *name; /* without dashes */
	char brief;       /* one letter, or 0 */
	enum cli_kind kind;
	size_t offset;     /* in the command's struct */
	const char *value; /* what stands for the value in help; of CLI_CHOICE the choices */
	const char *help;
};

struct cli_command;
struct cli_positional {
	const char *at[CLI_POSITIONAL_MAX];
	size_t n;
	bool given[CLI_OPTIONS_MAX]; /* the command's i-th option was among the words */
};

/* How a command was called. */
struct cli_call {
	const struct cli_command *command;
	const char *program; /* argv[0]: what repeats a run begins with it */
	int argc;
	char **argv; /* argv[0] is the first word after the command's name */
};

struct cli_command {
	const char *name;
	const char *usage;   /* what follows the name */
	const char *summary; /* one line */
	const char *details; /* paragraphs for `help COMMAND`; may be null */
	const struct cli_option *options;
	size_t num_options;
	const struct cli_option *(*shared_options)(size_t *n); /* instead of options: a table that others read, too */
	size_t min_positional, max_positional;
	int (*run)(const struct cli_call *call);
};

#define CLI_ERROR_TEXT 640u /* a path's better part and a sentence */

/*
 * Parses argv[0..argc) by the command's table into args (the command's struct, filled with defaults before).
 * Returns false with one line in error when a word is not understood.
 */
bool cli_parse(const struct cli_command *command, int argc, char **argv, void *args, struct cli_positional *positional,
               char error[CLI_ERROR_TEXT]);
/* Sets one option from a text; false with what is wrong with the value in error. */
bool cli_set(const struct cli_option *option, const char *text, void *args, char error[CLI_ERROR_TEXT]);
const struct cli_option *cli_find(const struct cli_option *options, size_t n, const char *name);
/* The option nearest to a name that is none, or null when nothing is near. */
const struct cli_option *cli_nearest_option(const struct cli_option *options, size_t n, const char *name);

/* The word of words[0..n) nearest to word by edit distance; null when none is near. */
const char *cli_nearest(const char *word, const char *const *words, size_t n);
/* Insertions, deletions, substitutions and neighbour swaps between two words of at most CLI_NAME_MAX bytes. */
size_t cli_distance(const char *a, const char *b);

/* Decimal digits only, no sign; false on overflow. */
bool cli_parse_u64(const char *text, uint64_t *value);
/* "90s", "1m30s", "1.5h"; bare_ns: the unit of a bare number, 0 refuses one (except "0"). False: not a time, or above 2^63. */
bool cli_parse_time(const char *text, uint64_t bare_ns, uint64_t *ns);
bool cli_parse_range(const char *text, struct cli_range *range);

/* All commands, in the order of the overview. */
const struct cli_command *const *cli_commands(size_t *n);
const struct cli_command *cli_command(const char *name);
void cli_help(FILE *to, const struct cli_command *command); /* null: the overview */
int cli_main(int argc, char **argv);

/* One line "switchyard: ..." on standard error; returns the code. */
int cli_fail(enum cli_exit code, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same with the word of where to read on. */
int cli_usage(const struct cli_command *command, const char *error);

/* Each stands in the file of its name, with its table of options. */
extern const struct cli_command cmd_run;
extern const struct cli_command cmd_diff;
extern const struct cli_command cmd_shrink;
extern const struct cli_command cmd_node;
extern const struct cli_command cmd_seed;
extern const struct cli_command cmd_init;
extern const struct cli_command cmd_gen_node_key;
extern const struct cli_command cmd_show_node_id;
extern const struct cli_command cmd_crawl;
extern const struct cli_command cmd_book;
extern const struct cli_command cmd_link;
extern const struct cli_command cmd_version;
extern const struct cli_command cmd_help;

#endif
