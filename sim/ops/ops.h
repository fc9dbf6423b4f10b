/*
 * Looking at a running node from outside: counters from its trace, and what HTTP answers of them. One struct in the
 * node's owner, which feeds it every trace record and says what it cannot see by itself.
 */
#ifndef SIM_OPS_OPS_H
#define SIM_OPS_OPS_H

#include "sim/ops/counts.h"
#include "sim/ops/http.h"
#include "sim/ops/infos.h"
#include "transport/driver/driver.h"

#define OPS_PEER_SERIES 128u  /* peers with series of their own: a seed meets thousands, and each would stay in the scraper's memory */
#define OPS_NAMESPACE_MAX 64u /* bytes of a namespace and the NUL */
#define OPS_ERROR_TEXT 512u

/* What is looked at. Borrowed; all of it outlives ops_stop. */
struct ops_source {
	const struct sy_node *node;
	const struct tp_driver *driver;
	const char *id, *network, *moniker, *profile;
	const char *external_addr;    /* p2p.external_address */
	const char *name_space;       /* CometBFT's instrumentation.namespace */
	const uint64_t *log_left_out; /* lines that the log has left out */
	const uint64_t *log_dropped;  /* and those that nobody read in time */
	bool knows_others;            /* has seeds or persistent peers: it does not wait for others to come */
	bool seed_mode;
};

struct ops {
	struct ops_source source;
	struct ops_counts counts;
	struct ops_infos infos; /* its reactor is registered by the owner */
	struct ops_http http;
	uint64_t started_ns, started_wall_ns; /* of uv_hrtime; since 1970 */

	uint64_t pex_answer_bytes[2]; /* as told last: OPS_SENT, OPS_RECEIVED */
	bool listening, stopping;     /* the owner says so */
};

/* All zeros before. Counts from here on; answers nothing yet. */
void ops_init(struct ops *ops, const struct ops_source *source);
void ops_see(struct ops *ops, const struct sy_trace *trace);
/*
 * Answers HTTP at address ("HOST:PORT", ":PORT": see ops_http_address). *bound: where. False with one line in error: the
 * address does not parse, or cannot be had.
 */
bool ops_serve(struct ops *ops, uv_loop_t *loop, const char *address, uint32_t connections, struct sy_netaddr *bound,
               char error[OPS_ERROR_TEXT]);
/* Closes what ops_serve opened; the loop must turn once more. Harmless without it. */
void ops_stop(struct ops *ops);
/* Whether it may be a namespace of Prometheus': letters, digits, _ and :, no digit first, shorter than OPS_NAMESPACE_MAX. */
bool ops_is_namespace(const char *text);

/* What a path is answered with; see ops_http_answer. */
unsigned ops_answer(void *ops, const char *path, struct ops_text *body, const char **type);

#endif
