/*
 * Peer exchange: what to ask, what to answer, whom to dial; seed mode. It is a reactor like any other: it sees peers
 * through struct sy_ctx and shares the address book with the switch. Source: protocol.md 5, D-19 to D-26, D-33.
 */
#ifndef SY_PEX_PEX_H
#define SY_PEX_PEX_H

#include "core/base/policy.h"
#include "core/book/book.h"
#include "core/switchyard.h"

struct sy_pex;

#define SY_PEX_CHANNEL 0x00

/* Parses the seeds (SY_INVALID and *what when one is malformed; names are resolved after start). Null *out on error. */
SY_MUST enum sy_err sy_pex_new(struct sy_pex **out, const struct sy_env *env, const struct sy_policy *policy,
                               const struct sy_config *config, struct sy_book *book, const char **what);
void sy_pex_free(struct sy_pex *pex);
/* Its reactor, named "PEX"; lives as long as pex. */
const struct sy_reactor *sy_pex_reactor(struct sy_pex *pex);

/* now_s: Unix seconds, by which addresses count as verified or not. */
struct sy_pex_counts sy_pex_counts(const struct sy_pex *pex, uint64_t now_s);

/* Trace records of PEX (requests, lists, bans) are fetched by the node. False when there is none. */
bool sy_pex_next_trace(struct sy_pex *pex, struct sy_trace *trace);

#endif
