/*
 * Walking a real network: from a few addresses to all that their owners know of. Each address is dialled once by a real
 * node (transport/host) whose only reactor asks for addresses, once, and hangs up.
 *
 *   found.c  what was heard of and what came of it      walk.c   the reactor: dials, asks, hangs up
 *   crawl.c  its life: loop, signals, networks          show.c   JSON and CSV      progress.c  a line on a terminal
 */
#ifndef SIM_CRAWL_CRAWL_H
#define SIM_CRAWL_CRAWL_H

#include "core/base/limits.h"
#include "core/switchyard.h"

#define CRAWL_WORKERS_MAX (SY_LIMIT_DIALS / 2) /* each holds a descriptor */
#define CRAWL_ADDRESSES_MAX 1000000u           /* 200 MB with all that is kept of an address */
#define CRAWL_PER_ID 8u                        /* addresses of one id that are looked at: one name cannot fill the table */
#define CRAWL_STARTS 64u                       /* as many as a node may have seeds */
#define CRAWL_NETWORK 64u

/* What came of an address. */
enum crawl_outcome {
	CRAWL_NOT_TRIED = 0, /* the crawl ended first */
	CRAWL_REACHABLE,     /* it has shown its node info, and is of our network */
	CRAWL_REFUSED,       /* somebody answers, but not a node of our network under this id */
	CRAWL_UNREACHABLE,   /* nobody answers */
	CRAWL_SKIPPED,       /* not routable, and not among those that the crawl began with */
	CRAWL_OUTCOMES
};
const char *crawl_outcome_name(enum crawl_outcome outcome);

/* A node info as it is shown: texts are cut, and anything but printable ASCII is a question mark. */
struct crawl_info {
	uint64_t p2p_version, block_version, app_version;
	char network[CRAWL_NETWORK], version[64], moniker[128], listen_addr[96], rpc_address[96], tx_index[8];
	uint8_t channels[SY_NODE_INFO_CHANNELS];
	uint8_t num_channels;
};

#define CRAWL_NO_TIME UINT64_MAX

struct crawl_found {
	struct sy_netaddr addr;
	char *host; /* owned: the name that addr was given by, or that did not resolve; null: none */
	enum crawl_outcome outcome;
	enum sy_err err;                              /* why it is not reachable, or why it did not answer */
	uint64_t connect_ns, handshake_ns, answer_ns; /* how long it took; CRAWL_NO_TIME: it did not come to that */
	uint32_t gave;                                /* addresses in its answer */
	uint32_t told;                                /* answers that named it */
	uint32_t told_by;                             /* the first of them: index + 1; 0: the crawl began with it */
	uint32_t depth;                               /* answers between it and the beginning */
	bool answered, hung_up;                       /* hung_up: it answered and closed at once, as a seed does */
	struct crawl_info *info;                      /* owned; null: none was seen */
};

struct crawl_table {
	struct crawl_found *at;
	uint32_t n, cap, max;
	uint32_t *index; /* by id: place + 1 */
	uint32_t index_cap;
	uint8_t key[16];
	uint64_t dropped; /* addresses for which there was no place, of one id or at all */
};

/* found.c. max: addresses at most. SY_NO_MEMORY. */
SY_MUST enum sy_err crawl_table_init(struct crawl_table *t, uint32_t max);
void crawl_table_fini(struct crawl_table *t);
/* The place of id@ip:port, UINT32_MAX when it is not there. */
uint32_t crawl_table_find(const struct crawl_table *t, const struct sy_netaddr *addr);
/* Adds it, unless it is there; *added tells. UINT32_MAX: no place, counted. */
uint32_t crawl_table_add(struct crawl_table *t, const struct sy_netaddr *addr, bool *added);
/* Has another address of this id answered already? */
bool crawl_table_answered(const struct crawl_table *t, const struct sy_id *id);
/* Keeps what is shown of a node info. Out of memory it keeps nothing. */
void crawl_found_info(struct crawl_found *f, const struct sy_node_info *info);
/* Places in the order of id, ip, port, host: that of what is written. From malloc; null without memory. */
uint32_t *crawl_table_sorted(const struct crawl_table *t);

struct crawl_config {
	const char *network;    /* null: that of the first node that answers, and its block version */
	uint64_t block_version; /* 0: that of the first that answers, or the current one */
	uint32_t workers;
	uint32_t max_addresses;
	uint64_t until_ns; /* 0: until there is nothing left to try */
	uint64_t dial_timeout_ns, handshake_timeout_ns, answer_timeout_ns;
	bool strict; /* addresses that are not routable are not tried, but for the first */
	bool progress;
	const char *const *starts; /* id@host:port, checked */
	size_t num_starts;
	const struct sy_netaddr *book; /* further ones */
	size_t num_book;
};

enum crawl_end { CRAWL_DONE = 0, CRAWL_INTERRUPTED, CRAWL_TIME_UP };

struct crawl_result {
	struct crawl_table table;
	char network[CRAWL_NETWORK]; /* empty: none was found */
	uint64_t block_version;
	int64_t began_s;
	uint64_t took_ns;
	enum crawl_end end;
	uint32_t counts[CRAWL_OUTCOMES];
};

/* Walks. SY_OK also when it was interrupted; an error (no loop, no memory) has a line in error. *r is to be freed after both. */
#define CRAWL_ERROR_TEXT 640u
SY_MUST enum sy_err crawl_run(const struct crawl_config *config, struct crawl_result *r, char error[CRAWL_ERROR_TEXT]);
void crawl_result_fini(struct crawl_result *r);

/* show.c: the whole result as text, from malloc. Null: no memory. */
char *crawl_json(const struct crawl_result *r, size_t *len);
char *crawl_csv(const struct crawl_result *r, size_t *len);

#endif
