/* The inside of what stands between a host's sockets and its process. */
#ifndef SIM_NET_ROUGH_PRIVATE_H
#define SIM_NET_ROUGH_PRIVATE_H

#include "core/base/limits.h"
#include "sim/net/internal.h"
#include "sim/net/rough.h"

#define LATE_EVENT_NS 50000000u
#define LATE_TIMER_NS 20000000u
#define SHORT_WRITE_NS 1000000u /* until a socket that took a part has room again */
enum { SLOW_PIECE = 1024 };     /* bytes that a slow reader reads at once */

/* Streams of draws beside those of the points. */
enum { DRAW_PIECE = SIM_RARES, DRAW_LATE, DRAWS };

enum held_kind { HELD_DIALLED, HELD_DIAL_FAILED, HELD_EOF, HELD_FAILED, HELD_WRITABLE, HELD_RESOLVED };

/* An event that the process has not heard of yet: at most a few a socket and look-up. */
struct rough_event {
	struct rough_event *next;
	enum held_kind kind;
	uint64_t due_ns;
	uint64_t key; /* cookie or token */
	tp_sock sock;
	enum sy_err err;
	size_t n;
	struct sy_netaddr addrs[SY_LIMIT_RESOLVED];
};

struct rough_sock {
	tp_sock sock;     /* 0: none */
	uint64_t cookie;  /* 0: being accepted */
	size_t want;      /* the driver's window */
	uint64_t open_ns; /* a slow reader goes on then; SIM_NEVER: now */
	uint64_t tell_ns; /* "writable" is due; SIM_NEVER: not */
};

struct rough_lookup {
	uint64_t token, due_ns;
	char name[SY_HOST_TEXT];
};

enum rough_dns { DNS_PLAIN, DNS_HANG, DNS_SLOW, DNS_FAIL };

struct rough {
	struct sim_host *host;
	struct tp_events up; /* the driver's */
	struct sim_event timer;
	struct rough_sock *socks; /* by slot of the host */
	uint32_t num_socks;
	uint32_t turn; /* the socket behind the one that was heard last: served first after work, so that none starves */
	struct rough_event *first;
	uint32_t accept; /* the driver's window */
	bool shut;       /* the network delivers nothing */
	bool wake_due;
	bool paused;
	uint64_t busy_ns; /* it works until then */
	uint64_t cpu_ns;  /* a frame */
	uint64_t base_ns, base_local_ns;
	int64_t drift_ppm, step_ns;
	uint64_t read_rate; /* bytes per second; 0: no bound */
	size_t short_io;
	enum rough_dns dns;
	uint64_t dns_ns;
	struct rough_lookup lookups[MAX_LOOKUPS];
	uint32_t num_lookups;
	uint32_t points, rate_ppm;
	uint64_t draws[DRAWS];
};

/* Something was set: what follows from it for sockets and timers. */
void rough_change(struct rough *r);
uint64_t rough_local(const struct rough *r, uint64_t ns); /* what the host's clock shows */

#endif
