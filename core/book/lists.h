/*
 * Block and allow lists: rules on ids and on networks, sorted, so that a look costs a few comparisons a length of prefix.
 * Who is allowed by a rule is never blocked by another; with allow_only nobody else is let in. Source: D-36.
 */
#ifndef SY_BOOK_LISTS_H
#define SY_BOOK_LISTS_H

#include "core/switchyard.h"

enum sy_rule_kind { SY_RULE_BLOCK_ID = 1, SY_RULE_BLOCK_NET, SY_RULE_ALLOW_ID, SY_RULE_ALLOW_NET, SY_RULE_KINDS };

/* One rule as SY_IN_LISTS carries it: kind, bits of the prefix (of an id: 160), 20 bytes: the id, or an ip (IPv4 mapped, 96 bits more) and zeros. */
#define SY_RULE_BYTES 22u

struct sy_lists {
	bool allow_only;
	uint8_t *rules; /* n times SY_RULE_BYTES, sorted, each once */
	uint32_t n, cap;
	struct sy_list_run {
		uint8_t kind, bits;
		uint32_t from, n;
	} * runs; /* the rules of one kind and length */
	uint32_t num_runs, runs_cap;
};

/*
 * Takes the rules of bytes in place of those it has. SY_PARSE (no whole rules, an unknown kind, bits that do not fit, bits
 * set behind the prefix), SY_LIMIT (more than SY_LIMIT_LIST_RULES), SY_NO_MEMORY: what was there stays.
 */
SY_MUST enum sy_err sy_lists_load(struct sy_lists *lists, const struct sy_env *env, struct sy_span bytes);
void sy_lists_fini(struct sy_lists *lists, const struct sy_env *env);
/* id: null when it is not known yet; ip: null when there is none. */
bool sy_lists_allows(const struct sy_lists *lists, const struct sy_id *id, const uint8_t ip[16]);
/* By a rule of its own, and not allowed. */
bool sy_lists_blocks(const struct sy_lists *lists, const struct sy_id *id, const uint8_t ip[16]);
/* Blocked, or with allow_only not allowed. */
bool sy_lists_refuses(const struct sy_lists *lists, const struct sy_id *id, const uint8_t ip[16]);
/* Is there a rule that allows ids? Then an address alone does not decide. */
bool sy_lists_allow_ids(const struct sy_lists *lists);
/* Writes one rule; ip's bits behind the prefix are cut off. Who makes lists calls it. */
void sy_rule_of_id(uint8_t rule[SY_RULE_BYTES], enum sy_rule_kind kind, const struct sy_id *id);
void sy_rule_of_net(uint8_t rule[SY_RULE_BYTES], enum sy_rule_kind kind, const uint8_t ip[16], uint32_t bits);

#endif
