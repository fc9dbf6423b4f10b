/* A comparison on the terminal and as JSON. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "sim/cli/compare.h"

void compare_print(FILE *to, const struct compare *c, const char *a_name, const char *b_name)
{
	if (c->about_differs)
		fprintf(to, "they are records of different runs:\n  %s: %s\n  %s: %s\n", a_name, c->about[0], b_name, c->about[1]);
	switch (c->verdict) {
	case COMPARE_ALIKE:
		fprintf(to, "alike: %" PRIu64 " events, %" PRIu64 " items, hash %016" PRIx64 "\n", c->events, c->items, c->hash);
		break;
	case COMPARE_DIFFERENT:
		fprintf(to, "alike for %" PRIu64 " events (%" PRIu64 " items); the first difference:\n", c->events, c->items);
		fprintf(to, "  at %" PRIu64 ".%09" PRIu64 " s, %s: %s\n", c->at_ns / 1000000000u, c->at_ns % 1000000000u, c->who, c->kind);
		fprintf(to, "  the event before: %s\n", c->event[0] == '\0' ? "none, it is the beginning" : c->event);
		fprintf(to, "  %s has %s\n  %s has %s\n", a_name, c->side[0], b_name, c->side[1]);
		break;
	case COMPARE_UNREADABLE:
		fprintf(to, "%s\n", c->trouble);
		break;
	}
}

void compare_json(FILE *to, const struct compare *c)
{
	char hash[17];

	snprintf(hash, sizeof hash, "%016" PRIx64, c->hash);
	json_t *o =
	    json_pack("{s:b, s:I, s:I}", "alike", c->verdict == COMPARE_ALIKE, "events", (json_int_t)c->events, "items", (json_int_t)c->items);
	if (c->verdict == COMPARE_ALIKE)
		json_object_set_new(o, "hash", json_string(hash));
	if (c->verdict == COMPARE_DIFFERENT)
		json_object_update_new(o, json_pack("{s:I, s:s, s:s, s:s, s:s, s:s}", "at_ns", (json_int_t)c->at_ns, "who", c->who, "kind", c->kind,
		                                    "event", c->event, "a", c->side[0], "b", c->side[1]));
	if (c->verdict == COMPARE_UNREADABLE)
		json_object_set_new(o, "error", json_string(c->trouble));
	char *text = json_dumps(o, 0);
	fprintf(to, "%s\n", text != NULL ? text : "{}");
	free(text);
	json_decref(o);
}
