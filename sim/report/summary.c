/* A run as one JSON object: for summary.json and --json. Keys stand in a fixed order. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/file.h"

const char *report_verdict(const struct scenario_results *results)
{
	switch (results->verdict) {
	case SCENARIO_HELD:
		return "held";
	case SCENARIO_FAILED:
		return "failed";
	case SCENARIO_BROKEN:
		return "error";
	}
	return "error";
}

/* JSON has no NaN: a value that does not exist is null. */
static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *count(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static json_t *text(const char *value)
{
	if (value == NULL)
		return json_null();
	json_t *string = json_string(value);
	return string != NULL ? string : json_string("(not UTF-8)");
}

static json_t *hex64(uint64_t value)
{
	char digits[17];

	snprintf(digits, sizeof digits, "%016llx", (unsigned long long)value);
	return json_string(digits);
}

static json_t *decimal(uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
	return json_string(digits); /* a string: a double has no room for 64 bits */
}

static json_t *checks(const struct scenario_results *results)
{
	json_t *list = json_array();

	for (size_t i = 0; i < results->num_checks; i++) {
		const struct scenario_check *c = &results->checks[i];

		json_array_append_new(list, json_pack("{s:o, s:s, s:b, s:b, s:o, s:o, s:o}", "name", text(c->name), "kind",
		                                      scenario_check_kind_name(c->kind), "held", c->held, "decided", c->decided, "at_s",
		                                      number(c->at_s), "detail", text(c->detail), "where", text(c->where)));
	}
	return list;
}

static json_t *channels(const struct scenario_measure *m)
{
	json_t *list = json_array();

	for (size_t i = 0; i < m->num_channels; i++) {
		const struct scenario_channel *c = &m->channels[i];
		char id[8];

		snprintf(id, sizeof id, "0x%02x", c->id);
		json_array_append_new(list, json_pack("{s:s, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "channel", id, "reactor",
		                                      text(c->reactor), "priority", (json_int_t)c->priority, "bytes", count(c->bytes), "messages",
		                                      count(c->messages), "share", number(c->share), "ideal", number(c->ideal), "longest_gap_s",
		                                      number(c->longest_gap_s), "delay_p50_s", number(c->delay_p50_s), "delay_p90_s",
		                                      number(c->delay_p90_s), "delay_p99_s", number(c->delay_p99_s), "delay_max_s",
		                                      number(c->delay_max_s)));
	}
	return list;
}

static json_t *measures(const struct scenario_results *results)
{
	json_t *list = json_array();

	for (size_t i = 0; i < results->num_measures; i++) {
		const struct scenario_measure *m = &results->measures[i];

		json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", text(m->name), "from", text(m->from),
		                                      "to", text(m->to), "start_s", number(m->start_s), "end_s", number(m->end_s),
		                                      "throughput_bytes_s", number(m->throughput_bytes_s), "utilisation", number(m->utilisation),
		                                      "share_error", number(m->share_error), "channels", channels(m)));
	}
	return list;
}

static json_t *params(const struct report_run *run)
{
	json_t *object = json_object();

	for (size_t i = 0; i < run->num_params; i++)
		json_object_set_new(object, run->params[i].name, text(run->params[i].value));
	return object;
}

#define FAULTS_LISTED 1000u

static json_t *faults(const struct scenario_results *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->num_faults && i < FAULTS_LISTED; i++)
		json_array_append_new(list, json_pack("{s:o, s:o}", "at_s", number(r->faults[i].time_s), "fault", text(r->faults[i].text)));
	return list;
}

static json_t *stats(const struct world_stats *s, const struct scenario_results *r)
{
	if (s == NULL)
		return json_object();
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "frames_sealed", count(s->frames_sealed), "frames_opened",
	                 count(s->frames_opened), "messages", count(r->messages), "node_memory", count(s->node_memory), "bytes_sent",
	                 count(s->net.bytes_sent), "bytes_delivered", count(s->net.bytes_delivered), "segments_lost",
	                 count(s->net.segments_lost), "connects", count(s->net.connects), "connects_failed", count(s->net.connects_failed),
	                 "resets", count(s->net.resets));
}

static json_t *whole(const struct report_run *run)
{
	const struct scenario_results *r = run->results;
	json_t *object = json_object();

	json_object_set_new(object, "verdict", json_string(report_verdict(r)));
	json_object_set_new(object, "name", text(run->name));
	json_object_set_new(object, "file", text(run->file));
	json_object_set_new(object, "seed", decimal(run->seed));
	json_object_set_new(object, "hash", hex64(run->hash));
	json_object_set_new(object, "profile", text(run->profile));
	json_object_set_new(object, "transport", text(run->transport));
	json_object_set_new(object, "crypto", text(run->crypto));
	json_object_set_new(object, "network", text(r->network));
	json_object_set_new(object, "params", params(run));
	json_object_set_new(object, "nodes", count(r->nodes));
	json_object_set_new(object, "virtual_s", number(r->virtual_s));
	json_object_set_new(object, "wall_s", number(run->wall_s));
	json_object_set_new(object, "events", count(run->stats == NULL ? 0 : run->stats->events));
	json_object_set_new(object, "checks", checks(r));
	json_object_set_new(object, "measures", measures(r));
	json_object_set_new(object, "num_faults", count(r->num_faults));
	json_object_set_new(object, "faults", faults(r));
	json_object_set_new(object, "stats", stats(run->stats, r));
	json_object_set_new(object, "rows_dropped", count(r->rows_dropped));
	json_object_set_new(object, "logs_dropped", count(r->logs_dropped));
	if (r->error != NULL)
		json_object_set_new(object, "error", text(r->error));
	json_object_set_new(object, "repeat", text(run->repeat));
	json_object_set_new(object, "out", text(run->out));
	return object;
}

char *report_json(const struct report_run *run, bool indented)
{
	/* 15 digits survive the way through any reader, and 0.1 stays 0.1. */
	const size_t digits = JSON_REAL_PRECISION(15);
	json_t *object = whole(run);
	char *json = json_dumps(object, indented ? JSON_INDENT(2) | digits : digits);

	json_decref(object);
	return json;
}

bool report_plan(const struct report_run *run, const char *dir, char error[REPORT_ERROR_TEXT])
{
	struct report_file file;

	if (run->results->plan == NULL)
		return true;
	if (!report_open(&file, dir, "plan.json", error))
		return false;
	fprintf(file.stream, "%s\n", run->results->plan);
	return report_close(&file, error);
}

bool report_summary(const struct report_run *run, const char *dir, char error[REPORT_ERROR_TEXT])
{
	struct report_file file;
	char *json = report_json(run, true);

	if (json == NULL) {
		snprintf(error, REPORT_ERROR_TEXT, "out of memory");
		return false;
	}
	bool good = report_open(&file, dir, "summary.json", error);
	if (good) {
		fprintf(file.stream, "%s\n", json);
		good = report_close(&file, error);
	}
	free(json);
	return good;
}
