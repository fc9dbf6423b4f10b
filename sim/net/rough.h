/*
 * What a host does to its process: it stops and slows it down, moves its clock, gives it short reads and writes, answers
 * its look-ups late or never; and, with buggify, whatever else is rare but legal. It stands between the driver and the
 * host's sockets and knows no model of TCP; a host to which nothing was done does not have one.
 *
 *   driver --operation--> rough --> sockets.c           driver <--event-- rough (held, late, in pieces) <-- the network
 */
#ifndef SIM_NET_ROUGH_H
#define SIM_NET_ROUGH_H

#include "sim/net/net.h"

enum sim_rough_kind {
	SIM_ROUGH_PAUSE, /* the process stands still until RESUME; its kernel goes on */
	SIM_ROUGH_RESUME,
	SIM_ROUGH_CPU,         /* value: nanoseconds of work a frame, sealed or opened; 0: none */
	SIM_ROUGH_CLOCK_STEP,  /* value: nanoseconds that its wall clock steps; negative: back */
	SIM_ROUGH_CLOCK_DRIFT, /* value: parts per million that its clocks run fast; negative: slow */
	SIM_ROUGH_SLOW_READER, /* value: bytes per second that it reads of each connection; 0: all that comes */
	SIM_ROUGH_SHORT_IO,    /* value: a read and a write takes 1 to this many bytes, drawn each time; 0: all */
	SIM_ROUGH_DNS_HANG,    /* look-ups are not answered until another DNS_ comes */
	SIM_ROUGH_DNS_DELAY,   /* value: nanoseconds that an answer takes longer; 0: none */
	SIM_ROUGH_DNS_FAIL,    /* value: 1 every name is unknown, 0 no more */
};
/* SY_NO_MEMORY, SY_INVALID (a value that makes no sense). */
SY_MUST enum sy_err sim_host_rough(struct sim_host *host, enum sim_rough_kind kind, int64_t value);
/* The process has worked: frames cost what SIM_ROUGH_CPU says. */
void sim_host_worked(struct sim_host *host, uint32_t frames);
/* The process has done the arithmetic of a handshake: what comes waits for as long as the network's handshake_ns says. */
void sim_host_shook_hands(struct sim_host *host);

/* Points of buggify. Each is as legal as it is rare; a driver that minds has a mistake. */
enum sim_rare {
	SIM_RARE_SHORT_WRITE, /* a write takes a part */
	SIM_RARE_SHORT_READ,  /* bytes come in pieces */
	SIM_RARE_NO_ROOM,     /* a socket has no room, for a moment */
	SIM_RARE_SPURIOUS,    /* "writable" that nobody waits for */
	SIM_RARE_LATE_EVENT,  /* dialled, failed, eof, writable, resolved come up to 50 ms late, in order */
	SIM_RARE_LATE_TIMER,  /* a timer fires up to 20 ms late */
	SIM_RARES,
	SIM_RARE_ORDER = 15, /* at this rate of times, events that are due at one time go in another order: the queue's affair */
};
const char *sim_rare_name(enum sim_rare point);
/* Bits of enum sim_rare, and how often each of them strikes where it could, parts per million; 0: never. */
SY_MUST enum sy_err sim_host_buggify(struct sim_host *host, uint32_t points, uint32_t rate_ppm);

#endif
