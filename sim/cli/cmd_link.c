/* link: one TCP transfer over one emulated link, to see and to measure the simulator's model of TCP. */
#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/cli/link.h"

static const struct cli_option options[] = {
    {"cc", 0, CLI_CHOICE, offsetof(struct link_args, cc), "cubic|reno|bbr", "the congestion control (default: cubic)"},
    {"rtt", 0, CLI_TIME, offsetof(struct link_args, rtt_ns), "T", "round-trip time without queues (default: 50ms)"},
    {"rate", 0, CLI_TEXT, offsetof(struct link_args, rate), "RATE", "of each direction, IP bytes: 10Mbit, 2.5Gbit (default: 10Mbit)"},
    {"loss", 0, CLI_TEXT, offsetof(struct link_args, loss), "P",
     "probability that a packet is lost, in both directions: 0.1%, 0.001 (default: 0)"},
    {"jitter", 0, CLI_TIME, offsetof(struct link_args, jitter_ns), "T", "more delay, uniform up to this"},
    {"reorder", 0, CLI_FLAG, offsetof(struct link_args, reorder), NULL, "lets packets with less jitter overtake"},
    {"queue", 0, CLI_U64, offsetof(struct link_args, queue), "BYTES", "the drop-tail queue (default: 1 BDP, at least 45000)"},
    {"seconds", 0, CLI_TIME, offsetof(struct link_args, until_ns), "T", "how long to send (default: 30)"},
    {"bytes", 0, CLI_U64, offsetof(struct link_args, bytes), "N", "sends a message of so many bytes instead and tells when it is read"},
    {"tcp", 0, CLI_CHOICE, offsetof(struct link_args, tcp), "segment|flow", "fidelity: each segment, or trains of them (default: segment)"},
    {"seed", 0, CLI_U64, offsetof(struct link_args, seed), "N", "the seed of the first run (default 1)"},
    {"runs", 0, CLI_U32, offsetof(struct link_args, runs), "K", "runs with the seeds N, N+1, ... (default 1)"},
    {"json", 0, CLI_FLAG, offsetof(struct link_args, json), NULL, "prints one JSON object with a list over the runs"},
    {"samples", 0, CLI_TEXT, offsetof(struct link_args, samples), "FILE", "writes rate and window of the first run over time as CSV"},
};

#define MESSAGE_LIMIT_NS 600000000000ull /* a message that is not through in ten minutes of virtual time counts as not delivered */
#define RUNS_MAX 10000u
#define SAMPLES 600u

/* A number with up to nine decimals and a unit of this table behind it. */
static bool parse_scaled(const char *text, const struct link_unit *units, size_t n, double *value)
{
	char *end;
	double number = strtod(text, &end);

	if (end == text || !(number >= 0) || number > 1e12)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(end, units[i].name) == 0) {
			*value = number * units[i].factor;
			return true;
		}
	}
	return false;
}

static bool parse_rate(const char *text, uint64_t *bits)
{
	static const struct link_unit units[] = {
	    {"bit", 1}, {"kbit", 1e3}, {"Mbit", 1e6}, {"Gbit", 1e9}, {"kbit/s", 1e3}, {"Mbit/s", 1e6}, {"Gbit/s", 1e9}, {"", 1},
	};
	double value;

	if (!parse_scaled(text, units, sizeof units / sizeof units[0], &value) || value < 1000 || value > 1e12)
		return false;
	*bits = (uint64_t)(value + 0.5);
	return true;
}

/* As parts of 2^64, by way of 10^-9, so that the same text gives the same losses everywhere. */
static bool parse_loss(const char *text, uint64_t *loss)
{
	static const struct link_unit units[] = {{"%", 0.01}, {"", 1}};
	double value;

	if (!parse_scaled(text, units, sizeof units / sizeof units[0], &value) || value >= 1)
		return false;
	uint64_t parts = (uint64_t)(value * 1e9 + 0.5);
	*loss = (uint64_t)(((unsigned __int128)parts << 64) / 1000000000u);
	return true;
}

static enum sim_tcp_cc cc_of(const char *name)
{
	if (strcmp(name, "reno") == 0)
		return SIM_TCP_RENO;
	return strcmp(name, "bbr") == 0 ? SIM_TCP_BBR : SIM_TCP_CUBIC;
}

static const char *make_rig(const struct link_args *args, struct sim_tcp_rig *rig)
{
	sim_tcp_rig_defaults(rig);
	rig->tcp.cc = cc_of(args->cc);
	rig->flow = strcmp(args->tcp, "flow") == 0;
	rig->link.delay.a_ns = args->rtt_ns / 2;
	rig->link.reorder = args->reorder;
	rig->link.queue_bytes = args->queue;
	rig->bytes = args->bytes;
	rig->until_ns = args->bytes != 0 ? MESSAGE_LIMIT_NS : args->until_ns;
	if (!parse_rate(args->rate, &rig->link.rate_bits))
		return "--rate wants 1kbit to 1000Gbit, such as 10Mbit";
	if (!parse_loss(args->loss, &rig->link.loss))
		return "--loss wants a probability below 1, such as 0.1% or 0.001";
	if (args->rtt_ns > 60000000000u)
		return "--rtt wants at most 60s";
	if (rig->until_ns == 0 || rig->until_ns > 86400000000000u)
		return "--seconds wants 1 to 86400";
	if (args->runs == 0 || args->runs > RUNS_MAX)
		return "--runs wants 1 to 10000";
	rig->link.queue_bytes = sim_tcp_link_queue(&rig->link); /* of the round trip without jitter */
	if (args->jitter_ns != 0)
		rig->link.delay = (struct sim_dist){.kind = SIM_DIST_UNIFORM, .a_ns = args->rtt_ns / 2, .b_ns = args->rtt_ns / 2 + args->jitter_ns};
	return NULL;
}

static double goodput(uint64_t bytes, uint64_t ns)
{
	return ns == 0 ? 0 : (double)bytes * 8e3 / (double)ns;
}

static struct link_run measure(const struct sim_tcp_rig_result *result, uint64_t until_ns)
{
	struct link_run run = {
	    .connected = result->connected,
	    .delivered = result->finished,
	    .mbit_all = goodput(result->at_end, until_ns),
	    .mbit_late = goodput(result->at_end - result->at_mark, until_ns - result->mark_ns),
	    .delivery_s = (double)result->finished_ns / 1e9,
	    .retransmits = result->retransmits,
	    .timeouts = result->timeouts,
	};

	return run;
}

static int run_all(const struct link_args *args, struct sim_tcp_rig *rig, struct link_results *results)
{
	struct sim_tcp_rig_result result;
	clock_t start = clock();

	for (uint32_t i = 0; i < args->runs; i++) {
		rig->seed = args->seed + i;
		rig->sample_ns = i == 0 && results->samples != NULL ? results->sample_ns : 0;
		rig->samples = results->samples;
		rig->max_samples = SAMPLES;
		if (!sim_tcp_rig_run(rig, &result))
			return cli_fail(CLI_INTERNAL, "out of memory");
		results->run[i] = measure(&result, rig->until_ns);
		if (i == 0)
			results->num_samples = result.num_samples;
	}
	results->cpu_s = (double)(clock() - start) / CLOCKS_PER_SEC;
	return CLI_HELD;
}

static int report(const struct link_args *args, const struct sim_tcp_rig *rig, const struct link_results *results)
{
	if (args->json)
		link_json(args, results);
	else
		link_table(args, rig, results);
	if (args->samples == NULL)
		return CLI_HELD;
	return link_samples(args->samples, results) ? CLI_HELD : cli_fail(CLI_USAGE, "cannot write %s", args->samples);
}

static int run_link(const struct cli_call *call)
{
	struct link_args args = {
	    .cc = "cubic",
	    .rtt_ns = 50000000,
	    .rate = "10Mbit",
	    .loss = "0",
	    .until_ns = 30000000000u,
	    .tcp = "segment",
	    .seed = 1,
	    .runs = 1,
	};
	struct cli_positional positional;
	char error[CLI_ERROR_TEXT];
	struct sim_tcp_rig rig;

	if (!cli_parse(call->command, call->argc, call->argv, &args, &positional, error))
		return cli_usage(call->command, error);
	const char *wrong = make_rig(&args, &rig);
	if (wrong != NULL)
		return cli_usage(call->command, wrong);
	struct link_results results = {.run = calloc(args.runs, sizeof *results.run), .sample_ns = rig.until_ns / SAMPLES};
	if (args.bytes != 0)
		results.sample_ns = args.rtt_ns / 4 + 1000000;
	if (!args.json || args.samples != NULL)
		results.samples = calloc(SAMPLES, sizeof *results.samples);
	int code = results.run == NULL || ((!args.json || args.samples != NULL) && results.samples == NULL)
	               ? cli_fail(CLI_INTERNAL, "out of memory")
	               : run_all(&args, &rig, &results);
	if (code == CLI_HELD)
		code = report(&args, &rig, &results);
	free(results.run);
	free(results.samples);
	return code;
}

const struct cli_command cmd_link = {
    .name = "link",
    .usage = "[option]...",
    .summary = "sends over one emulated link through the simulator's TCP and tells how fast",
    .details = "Two endpoints with kernel defaults and buffers that do not limit: a bulk transfer from connect() on, or\n"
               "with --bytes one message on a fresh connection. Prints a table, rate and window over time; with --json\n"
               "goodput_mbit_0_30, goodput_mbit_10_30 (from a third of the time on when it is less than 30 s) and\n"
               "retransmits, or delivery_s (null: never), each a list over the runs, and cpu_s.",
    .options = options,
    .num_options = sizeof options / sizeof options[0],
    .run = run_link,
};
