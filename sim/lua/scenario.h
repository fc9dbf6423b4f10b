/*
 * A scenario: a Lua script that builds a world, runs it and says what must hold. This is what the command line and the
 * reporter see of sim/lua; everything that comes out is plain data, collected within bounds, in a fixed order.
 *
 *   scenario_load  -> reads the script, runs it up to its first run_for (parameters are known from here on)
 *   scenario_run   -> makes the world, runs to the end of the script (or options.until_ns)
 *   scenario_results, scenario_params, scenario_world -> what came out; valid until scenario_free
 *
 * All texts are owned by the scenario. Errors are one line "file:line: message".
 */
#ifndef SIM_LUA_SCENARIO_H
#define SIM_LUA_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/switchyard.h"
#include "sim/world/world.h"

struct scenario;

struct scenario_options {
	const char *file; /* path of the script; require reaches files beside and below it */
	uint64_t seed;
	const char *const *params; /* "KEY=VALUE", in the order of the command line; borrowed for scenario_load */
	size_t num_params;
	enum sy_profile profile; /* of nodes that name none; profile() in the script */
	enum world_kind world;   /* WORLD_SIM or WORLD_TCP */
	bool null_crypto;
	bool crypto_given; /* --crypto was on the command line: it wins over the script */
	enum sim_tcp_model tcp;
	bool tcp_given;             /* --tcp was on the command line: it wins over network { tcp = ... } */
	uint64_t until_ns;          /* the run ends here at the latest; 0: when the script says */
	uint64_t instruction_limit; /* VM instructions of one call into the script; 0: SCENARIO_INSTRUCTIONS */
	const char *plan;           /* path of a plan (sim/lua/plan.h): its faults happen, and no others; null: the script's */
	uint64_t buggify_ppm;       /* rare but legal behaviour strikes every node this often, parts per million; 0: never */
	struct recorder *recorder;  /* the run's record goes there (sim/world/recorder.h); null: none. Borrowed until scenario_free */
	uint64_t memory_limit;      /* bytes of the Lua state; 0: SCENARIO_MEMORY */
};

#define SCENARIO_INSTRUCTIONS 100000000ull /* about a second of looping */
#define SCENARIO_MEMORY (256ull * 1024 * 1024)
#define SCENARIO_ERROR_TEXT 512

/* Bounds of what is collected; what goes over is counted and dropped. */
#define SCENARIO_MAX_LOG 100000u   /* lines kept, the first ones */
#define SCENARIO_MAX_ROWS 1000000u /* metric rows */
#define SCENARIO_MAX_CHECKS 1000u
#define SCENARIO_MAX_POINTS 100000u /* points of one series */
#define SCENARIO_MAX_COLUMNS 32u    /* lines of one series */
#define SCENARIO_MAX_DELAYS 8192u   /* delay samples of a channel: a reservoir */
#define SCENARIO_MAX_BINS 8192u     /* bins of a channel's throughput: the width doubles when they are full */

enum scenario_status {
	SCENARIO_OK = 0,
	SCENARIO_ERROR,    /* script, parameter or file error: exit 2 */
	SCENARIO_STOPPED,  /* the progress hook said so */
	SCENARIO_INTERNAL, /* out of memory and the like: exit 3 */
};

/*
 * Reads and runs the script up to its first run_for. No world is made unless the script asks for an address.
 * Returns SCENARIO_OK, or SCENARIO_ERROR / SCENARIO_INTERNAL with the text in error; *out is then null.
 * Owns: *out, until scenario_free.
 */
SY_MUST enum scenario_status scenario_load(struct scenario **out, const struct scenario_options *options, char error[SCENARIO_ERROR_TEXT]);
void scenario_free(struct scenario *s); /* null is harmless */

struct scenario_progress {
	uint64_t now_ns;   /* virtual time */
	uint64_t until_ns; /* of the present run_for */
	uint64_t events;
	uint32_t nodes;
	uint32_t checks, failed;
};

/* All optional; called between events (progress) or as things happen (log, trace). They must not call the scenario. */
struct scenario_hooks {
	void *ctx;
	bool (*progress)(void *ctx, const struct scenario_progress *p); /* about every slice_ns of wall time; false: stop */
	uint64_t slice_ns;                                              /* 0: 100 ms */
	/* who: a node's name, or "file:line" of a line that the script itself logs. */
	void (*log)(void *ctx, uint64_t time_ns, const char *who, const char *text);
	void (*trace)(void *ctx, uint64_t time_ns, const char *node, const struct sy_trace *trace);
	void (*check)(void *ctx, uint64_t time_ns, const char *name, bool held); /* a check was decided */
};

/* Runs to the end. On SCENARIO_ERROR and SCENARIO_STOPPED the results so far can be looked at. Once only. */
SY_MUST enum scenario_status scenario_run(struct scenario *s, const struct scenario_hooks *hooks, char error[SCENARIO_ERROR_TEXT]);

/* ------------------------------------------------------------------ parameters */

enum scenario_param_kind { SCENARIO_PARAM_NUMBER, SCENARIO_PARAM_TEXT, SCENARIO_PARAM_BOOL };
struct scenario_param {
	const char *name;
	const char *help;
	enum scenario_param_kind kind;
	const char *value, *default_value; /* as text */
	bool given;                        /* by -p */
	const char *min, *max;             /* as text; null: no bound */
	const char *choices;               /* "a|b|c"; null: free */
};
/* In the order of the script. Returns how many. */
size_t scenario_params(const struct scenario *s, const struct scenario_param **params);

/* ------------------------------------------------------------------ results */

enum scenario_check_kind { SCENARIO_ALWAYS, SCENARIO_EVENTUALLY, SCENARIO_NEVER, SCENARIO_AT_END, SCENARIO_WAIT };
const char *scenario_check_kind_name(enum scenario_check_kind kind); /* "always", "eventually", "never", "at_end", "wait" */

struct scenario_check {
	const char *name;
	enum scenario_check_kind kind;
	bool held;
	bool decided;       /* false: the run broke, or --until cut it (held is then true), before it could be said */
	double at_s;        /* when it was decided */
	const char *detail; /* one phrase: "held from 12 s", "first failed at 181 s" ... never null */
	const char *where;  /* "file:line" */
};

struct scenario_row {
	double time_s;
	const char *node, *peer, *channel, *metric; /* "" where it does not apply; channel as "0x30" */
	double value;
};

/* One plot: columns of equal length over time. With percentiles, a column each ("p5", "p50"); else a line each. */
struct scenario_series {
	const char *title;
	uint64_t every_ns;
	bool percentiles;
	size_t num_columns;
	const char *const *columns;
	size_t num_points;
	const double *time_s;        /* num_points */
	const double *const *values; /* values[column][point]; NaN: no value */
	uint64_t dropped;
};

struct scenario_channel {
	uint8_t id;
	uint32_t priority;
	const char *reactor;
	uint64_t bytes, messages; /* delivered within the measure's time */
	double share, ideal;      /* of the delivered bytes; ideal: weighted max-min */
	double longest_gap_s;     /* without a delivered byte */
	size_t num_bins;
	const uint64_t *bin_bytes; /* bytes delivered in each bin of bin_s, from the measure's start */
	size_t num_delays;
	const double *delay_s; /* ascending sample of the delays, from the request to send until receipt */
	uint64_t delays_seen;
	double delay_p50_s, delay_p90_s, delay_p99_s, delay_max_s; /* NaN: none seen */
};

struct scenario_measure {
	const char *name; /* "a -> b" or as the script names it */
	const char *from, *to;
	bool plotted; /* plot.channels(flow) was called */
	double start_s, end_s, bin_s;
	double link_rate_bits; /* 0: unlimited */
	double throughput_bytes_s;
	double utilisation; /* NaN: unlimited link */
	double share_error; /* NaN: nothing delivered */
	size_t num_channels;
	const struct scenario_channel *channels; /* ascending id */
};

struct scenario_log {
	double time_s;
	const char *who;
	const char *text;
};

/* A fault that was carried out. */
struct scenario_fault {
	double time_s;
	const char *text; /* "partition(["a"], ["b"])" */
};

enum scenario_verdict { SCENARIO_HELD, SCENARIO_FAILED, SCENARIO_BROKEN /* "error" */ };

struct scenario_results {
	enum scenario_verdict verdict;
	const char *error; /* of SCENARIO_BROKEN; null otherwise */
	double virtual_s;
	uint32_t nodes;
	uint64_t messages; /* that reactors of the script received */
	size_t num_checks, num_failed;
	const struct scenario_check *checks;
	size_t num_series;
	const struct scenario_series *series;
	size_t num_measures;
	const struct scenario_measure *measures;
	size_t num_rows;
	const struct scenario_row *rows; /* in the order of time */
	uint64_t rows_dropped;
	size_t num_logs;
	const struct scenario_log *logs;
	uint64_t logs_dropped;
	size_t num_faults;
	const struct scenario_fault *faults; /* in the order of time */
	uint64_t faults_dropped;
	const char *plan;    /* the same as JSON, to be given to another run; null: there were none */
	const char *network; /* one line: what the network was, "20 ms, no loss, unlimited rate" */
	const char *notes;   /* lines for the end of the report, "" when there are none */
};
const struct scenario_results *scenario_results(const struct scenario *s);

/* The world, for its hash and statistics; null before scenario_run. Belongs to the scenario. */
struct world *scenario_world(struct scenario *s);
/* The script's file name without directory and ".lua". */
const char *scenario_name(const struct scenario *s);
/* Instructions and bytes that Lua has used, for budgets. */
struct scenario_cost {
	uint64_t instructions;
	uint64_t memory, memory_peak;
};
struct scenario_cost scenario_cost(const struct scenario *s);

#endif
