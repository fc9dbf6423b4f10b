/* The first difference of two records: found, and put into words. */
#include "sim/cli/compare.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/switchyard.h"
#include "sim/engine/queue.h"
#include "sim/engine/rand.h"

#define NAMES_MAX (1u << 22) /* sources of a run */

/* One of the two while it is read. */
struct side {
	FILE *from;
	const char *name;
	struct sim_item item;
	char **names; /* by number */
	uint32_t num_names;
};

/* ------------------------------------------------------------------ words */

static const char *class_word(uint8_t class_)
{
	static const char *const words[] = {"fault", "delivery", "timer", "script", "observer"};

	return class_ < sizeof words / sizeof words[0] ? words[class_] : "?";
}

static const char *purpose_word(uint16_t purpose)
{
	switch ((enum sy_purpose)purpose) {
	case SY_RAND_EPHEMERAL:
		return "ephemeral key";
	case SY_RAND_BOOK_KEY:
		return "book key";
	case SY_RAND_BOOK:
		return "book";
	case SY_RAND_PEX:
		return "pex";
	case SY_RAND_DIAL_JITTER:
		return "dial jitter";
	case SY_RAND_RECONNECT:
		return "reconnect";
	case SY_RAND_SEEDS:
		return "seeds";
	case SY_RAND_REACTOR:
		return "reactor";
	case SY_RAND_SWAP:
		return "swap";
	}
	return "?";
}

static const char *trace_word(uint16_t kind)
{
	switch ((enum sy_trace_kind)kind) {
	case SY_TRACE_CONN_STATE:
		return "connection changes";
	case SY_TRACE_PEER_ADDED:
		return "peer added";
	case SY_TRACE_PEER_REMOVED:
		return "peer removed";
	case SY_TRACE_REFUSED:
		return "connection refused";
	case SY_TRACE_DIAL:
		return "dial";
	case SY_TRACE_DIAL_DONE:
		return "dial done";
	case SY_TRACE_RECONNECT:
		return "reconnect";
	case SY_TRACE_PEX_REQUEST:
		return "pex request";
	case SY_TRACE_PEX_ADDRS:
		return "pex addresses";
	case SY_TRACE_BOOK_ADD:
		return "book takes an address";
	case SY_TRACE_BOOK_GONE:
		return "book drops an address";
	case SY_TRACE_BAN:
		return "ban";
	case SY_TRACE_DROPPED:
		return "message dropped";
	case SY_TRACE_MESSAGE:
		return "message delivered";
	}
	return "?";
}

static void say_kind(char text[COMPARE_NAME], const struct sim_item *i)
{
	switch (i->kind) {
	case SIM_ITEM_ABOUT:
	case SIM_ITEM_NAME:
		snprintf(text, COMPARE_NAME, "%s", "who takes part");
		break;
	case SIM_ITEM_EVENT:
		snprintf(text, COMPARE_NAME, "event: %s", class_word(i->class_));
		break;
	case SIM_ITEM_DRAW:
		snprintf(text, COMPARE_NAME, "random draw: %s", purpose_word(i->detail));
		break;
	case SIM_ITEM_TRACE:
		snprintf(text, COMPARE_NAME, "%s", trace_word(i->detail));
		break;
	case SIM_ITEM_NODE:
		snprintf(text, COMPARE_NAME, "%s", "inputs or outputs of the node");
		break;
	case SIM_ITEM_NET:
		snprintf(text, COMPARE_NAME, "%s", "decisions of the network");
		break;
	case SIM_ITEM_SCRIPT:
		snprintf(text, COMPARE_NAME, "%s", "timers of the script");
		break;
	case SIM_ITEM_END:
		snprintf(text, COMPARE_NAME, "%s", "end of the run");
		break;
	}
}

/* The network and the script have no source of their own: theirs is the source whose event it was. */
static void say_who(char text[COMPARE_NAME], const struct side *s, const struct sim_item *i)
{
	if (i->kind == SIM_ITEM_NET || i->kind == SIM_ITEM_SCRIPT)
		snprintf(text, COMPARE_NAME, "%s", i->kind == SIM_ITEM_NET ? "the network" : "the script");
	else if (i->who < s->num_names && s->names[i->who] != NULL)
		snprintf(text, COMPARE_NAME, "%.60s", s->names[i->who]);
	else
		snprintf(text, COMPARE_NAME, "%s", "the run");
}

/* "3.021456789 s, n17: random draw: pex (5f0c...)" */
static void say_item(char text[COMPARE_TEXT], const struct side *s, const struct sim_item *i)
{
	char who[COMPARE_NAME], kind[COMPARE_NAME];

	say_who(who, s, i);
	say_kind(kind, i);
	snprintf(text, COMPARE_TEXT, "%" PRIu64 ".%09" PRIu64 " s, %s: %s (%016" PRIx64 ")", i->at_ns / 1000000000u, i->at_ns % 1000000000u,
	         who, kind, i->value);
}

/* ------------------------------------------------------------------ reading */

static bool keep_name(struct side *s, const struct sim_item *i)
{
	if (i->who >= NAMES_MAX)
		return false;
	if (i->who >= s->num_names) {
		uint32_t n = (i->who + 64) & ~63u;
		char **names = realloc(s->names, n * sizeof *names);

		if (names == NULL)
			return false;
		memset(names + s->num_names, 0, (n - s->num_names) * sizeof *names);
		s->names = names;
		s->num_names = n;
	}
	free(s->names[i->who]);
	s->names[i->who] = strdup(i->text);
	return s->names[i->who] != NULL;
}

static bool same(const struct sim_item *a, const struct sim_item *b)
{
	return a->kind == b->kind && a->class_ == b->class_ && a->detail == b->detail && a->who == b->who && a->at_ns == b->at_ns &&
	       a->value == b->value && strcmp(a->text, b->text) == 0;
}

static void unreadable(struct compare *c, const struct side *s, const char *what)
{
	c->verdict = COMPARE_UNREADABLE;
	snprintf(c->trouble, sizeof c->trouble, "%.120s %s", s->name, what);
}

/* False: c says what is wrong. */
static bool next(struct compare *c, struct side *s)
{
	enum sim_item_read read = sim_item_read(s->from, &s->item);

	if (read != SIM_READ_ITEM) {
		unreadable(c, s, read == SIM_READ_END ? "breaks off before the end of the run" : "is no record of a run, or is damaged");
		return false;
	}
	if (s->item.kind == SIM_ITEM_NAME && !keep_name(s, &s->item)) {
		unreadable(c, s, "has more names than there is memory for");
		return false;
	}
	return true;
}

static void different(struct compare *c, const struct side *a, const struct side *b)
{
	const struct side *first = b->item.at_ns < a->item.at_ns ? b : a;

	c->verdict = COMPARE_DIFFERENT;
	c->at_ns = first->item.at_ns;
	say_who(c->who, first, &first->item);
	say_kind(c->kind, &first->item);
	say_item(c->side[0], a, &a->item);
	say_item(c->side[1], b, &b->item);
}

/* False: that was the last pair. */
static bool step(struct compare *c, struct side *a, struct side *b)
{
	if (!next(c, a) || !next(c, b))
		return false;
	if (a->item.kind == SIM_ITEM_ABOUT && b->item.kind == SIM_ITEM_ABOUT) {
		snprintf(c->about[0], sizeof c->about[0], "%s", a->item.text);
		snprintf(c->about[1], sizeof c->about[1], "%s", b->item.text);
		c->about_differs = strcmp(a->item.text, b->item.text) != 0;
		return true;
	}
	if (!same(&a->item, &b->item)) {
		different(c, a, b);
		return false;
	}
	c->items++;
	if (a->item.kind == SIM_ITEM_EVENT) {
		c->events++;
		say_item(c->event, a, &a->item);
	}
	c->hash = a->item.value;
	return a->item.kind != SIM_ITEM_END;
}

static void side_fini(struct side *s)
{
	for (uint32_t i = 0; i < s->num_names; i++)
		free(s->names[i]);
	free(s->names);
}

void compare_records(FILE *a, FILE *b, const char *a_name, const char *b_name, struct compare *c)
{
	struct side left = {.from = a, .name = a_name}, right = {.from = b, .name = b_name};

	memset(c, 0, sizeof *c);
	if (sim_record_open(a) != SIM_READ_ITEM)
		unreadable(c, &left, "is no record of a run, or of another version");
	else if (sim_record_open(b) != SIM_READ_ITEM)
		unreadable(c, &right, "is no record of a run, or of another version");
	else
		while (step(c, &left, &right))
			;
	side_fini(&left);
	side_fini(&right);
}
