/* Two records of runs (sim/world/record.h) held against each other, item by item, in bounded memory. */
#ifndef SIM_CLI_COMPARE_H
#define SIM_CLI_COMPARE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/world/record.h"

enum compare_verdict {
	COMPARE_ALIKE,
	COMPARE_DIFFERENT,
	COMPARE_UNREADABLE, /* one of them is no record, or breaks off: `trouble` says which */
};

#define COMPARE_NAME 64u
#define COMPARE_TEXT 256u

/* What came of it. The texts of a difference read "node n17", "random draw: pex". */
struct compare {
	enum compare_verdict verdict;
	uint64_t items, events;       /* alike */
	uint64_t hash;                /* ALIKE: of both runs */
	bool about_differs;           /* they say that they are of different runs */
	char about[2][SIM_ITEM_TEXT]; /* what each says of itself */
	uint64_t at_ns;               /* DIFFERENT: when, */
	char who[COMPARE_NAME];       /* whose, */
	char kind[COMPARE_NAME];      /* what */
	char event[COMPARE_TEXT];     /* the event that it happened in; "" before the first */
	char side[2][COMPARE_TEXT];   /* what each has at this place */
	char trouble[COMPARE_TEXT];
};

/* Reads both to the first difference or the end. The names stand in `trouble` only. Both streams stay the caller's. */
void compare_records(FILE *a, FILE *b, const char *a_name, const char *b_name, struct compare *result);
/* Lines for people. */
void compare_print(FILE *to, const struct compare *c, const char *a_name, const char *b_name);
/* One JSON object and a line end. */
void compare_json(FILE *to, const struct compare *c);

#endif
