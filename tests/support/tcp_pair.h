/* Two endpoints of the TCP model with a fixed delay between them; every packet is recorded, and a test may drop some. */
#ifndef TESTS_SUPPORT_TCP_PAIR_H
#define TESTS_SUPPORT_TCP_PAIR_H

#include "sim/tcp/tcp.h"

#define TCP_PAIR_LOG 20000u
#define TCP_PAIR_MS 1000000ull
#define TCP_PAIR_S 1000000000ull

struct tcp_pair_packet {
	uint64_t at_ns;
	unsigned from; /* 0: who connects */
	bool dropped;
	struct sim_tcp_packet packet;
};

struct tcp_pair;
/* True: drop it. index counts the packets of that side. */
typedef bool tcp_pair_filter(struct tcp_pair *pair, unsigned from, const struct sim_tcp_packet *p, size_t index);

struct tcp_pair_side {
	struct tcp_pair *pair;
	struct sim_tcp *tcp;
	uint32_t events; /* all that were told */
	size_t sent;     /* packets */
	bool reads;      /* takes everything at once; true at first */
	uint64_t want;   /* bytes that are still to be written */
	uint64_t got;
};

struct tcp_pair {
	struct sim_engine *engine;
	struct sim_source source;
	struct tcp_pair_side side[2];
	uint64_t delay_ns; /* one way */
	tcp_pair_filter *filter;
	uint64_t arg; /* the filter's own */
	struct tcp_pair_packet *log;
	size_t num_log;
};

/* config null: the defaults with exact timers. */
void tcp_pair_init(struct tcp_pair *pair, const struct sim_tcp_config *config, uint64_t delay_ns);
void tcp_pair_fini(struct tcp_pair *pair);
void tcp_pair_exact(struct sim_tcp_config *config);                    /* the defaults with exact timers */
void tcp_pair_run(struct tcp_pair *pair, uint64_t ns);                 /* so much further */
void tcp_pair_open(struct tcp_pair *pair);                             /* connects and runs the handshake; asserts that it worked */
void tcp_pair_write(struct tcp_pair *pair, unsigned side, uint64_t n); /* now, and the rest when there is room */
void tcp_pair_read(struct tcp_pair *pair, unsigned side);
/* Segments with data of one side in a span of time, counted from the start of the log. */
size_t tcp_pair_data(const struct tcp_pair *pair, unsigned from, uint64_t from_ns, uint64_t to_ns);
/* The n-th packet of one side with data that begins at seq (n from 0); null when there is none. */
const struct tcp_pair_packet *tcp_pair_find(const struct tcp_pair *pair, unsigned from, uint64_t seq, size_t n);

#endif
