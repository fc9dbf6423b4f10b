/* What a run leaves behind, collected within bounds. */
#include <stdio.h>
#include <string.h>

#include "sim/lua/plan.h"

#define LOG_TEXT_MAX 2048u /* of a line that is kept */

const char *scenario_check_kind_name(enum scenario_check_kind kind)
{
	switch (kind) {
	case SCENARIO_ALWAYS:
		return "always";
	case SCENARIO_EVENTUALLY:
		return "eventually";
	case SCENARIO_NEVER:
		return "never";
	case SCENARIO_AT_END:
		return "at_end";
	case SCENARIO_WAIT:
		return "wait";
	}
	return "?";
}

static const char *keep(struct scenario *s, const char *text)
{
	const char *kept = arena_text(&s->host.arena, text, strlen(text));
	return kept ? kept : "";
}

static double now_s(const struct scenario *s)
{
	return (double)scenario_now(s) / 1e9;
}

struct scenario_check *result_check(struct scenario *s, enum scenario_check_kind kind, const char *name, const char *where)
{
	if (s->num_checks == SCENARIO_MAX_CHECKS ||
	    !vec_grow((void **)&s->result_checks, &s->cap_checks, s->num_checks + 1, sizeof *s->result_checks))
		return NULL;
	struct scenario_check *c = &s->result_checks[s->num_checks++];
	*c = (struct scenario_check){.name = keep(s, name), .kind = kind, .detail = "not decided", .where = where};
	return c;
}

void result_decide(struct scenario *s, struct scenario_check *c, bool held, const char *detail)
{
	c->held = held;
	c->decided = true;
	c->at_s = now_s(s);
	c->detail = keep(s, detail);
	if (s->hooks && s->hooks->check)
		s->hooks->check(s->hooks->ctx, scenario_now(s), c->name, held);
}

void result_row(struct scenario *s, const char *node, const char *peer, const char *channel, const char *metric, double value)
{
	if (s->num_rows == SCENARIO_MAX_ROWS || !vec_grow((void **)&s->rows, &s->cap_rows, s->num_rows + 1, sizeof *s->rows)) {
		s->rows_dropped++;
		return;
	}
	s->rows[s->num_rows++] = (struct scenario_row){
	    .time_s = now_s(s), .node = node, .peer = peer, .channel = channel, .metric = metric ? metric : "", .value = value};
}

void result_log(struct scenario *s, const char *who, const char *text)
{
	if (s->hooks && s->hooks->log)
		s->hooks->log(s->hooks->ctx, scenario_now(s), who, text);
	if (s->num_logs == SCENARIO_MAX_LOG || !vec_grow((void **)&s->logs, &s->cap_logs, s->num_logs + 1, sizeof *s->logs)) {
		s->logs_dropped++;
		return;
	}
	size_t len = strnlen(text, LOG_TEXT_MAX);
	const char *kept = arena_text(&s->host.arena, text, len);
	s->logs[s->num_logs++] = (struct scenario_log){.time_s = now_s(s), .who = keep(s, who), .text = kept ? kept : ""};
}

/* What each node holds at the end: a few rows a node. */
static void rows_at_end(struct scenario *s)
{
	for (size_t i = 0; i < s->num_made; i++) {
		const struct node *n = s->nodes[i];
		const struct sy_node *core = s->host.core(n);
		if (!core)
			continue;
		struct sy_counts c = sy_node_counts(core);
		result_row(s, n->name, "", "", "peers_outbound", c.outbound);
		result_row(s, n->name, "", "", "peers_inbound", c.inbound);
		result_row(s, n->name, "", "", "peers", c.total);
		result_row(s, n->name, "", "", "book_size", sy_node_book_counts(core).total);
	}
}

/* What a run that did not come to its end leaves open. An end by --until is no such: checks.c speaks for it. */
static void say_undecided(struct scenario *s)
{
	char detail[SCENARIO_ERROR_TEXT + 32];

	if (s->host.failed)
		snprintf(detail, sizeof detail, "not decided: %s", s->host.error);
	else
		snprintf(detail, sizeof detail, "not decided: the run was stopped");
	const char *kept = NULL;
	for (size_t i = 0; i < s->num_checks; i++) {
		struct scenario_check *c = &s->result_checks[i];

		if (c->decided || c->held)
			continue;
		kept = kept ? kept : keep(s, detail);
		c->detail = kept;
		c->at_s = now_s(s);
	}
}

void results_finish(struct scenario *s)
{
	struct scenario_results *r = &s->results;
	if (s->finished)
		return;
	s->finished = true;
	if (s->world)
		rows_at_end(s);
	measures_finish(s);
	plots_finish(s);
	plan_finish(s);
	r->virtual_s = now_s(s);
	r->nodes = (uint32_t)s->num_nodes;
	r->messages = s->host.messages;
	say_undecided(s);
	r->checks = s->result_checks;
	r->num_checks = s->num_checks;
	r->num_failed = 0;
	for (size_t i = 0; i < s->num_checks; i++)
		r->num_failed += s->result_checks[i].decided && !s->result_checks[i].held;
	r->rows = s->rows;
	r->num_rows = s->num_rows;
	r->rows_dropped = s->rows_dropped;
	r->logs = s->logs;
	r->num_logs = s->num_logs;
	r->logs_dropped = s->logs_dropped;
	r->error = s->host.failed ? s->host.error : NULL;
	r->verdict = s->host.failed ? SCENARIO_BROKEN : r->num_failed ? SCENARIO_FAILED : SCENARIO_HELD;
	if (!r->network)
		r->network = "";
	if (!r->notes)
		r->notes = "";
}
