/*
 * The service manager's side: systemd's notification protocol, sd_notify(3), which is a datagram of NAME=value lines to
 * the socket that $NOTIFY_SOCKET names. Without that variable nothing happens.
 */
#ifndef SIM_OPS_NOTIFY_H
#define SIM_OPS_NOTIFY_H

#include <uv.h>

#include "core/switchyard.h"

struct ops_notify {
	bool open, ticking;
	int fd;
	uint64_t period_ms; /* of signs of life; 0: nobody wants them */
	uv_timer_t timer;
};

/* Reads the environment. All zeros before. Returns SY_INVALID ($NOTIFY_SOCKET is no path), SY_IO: nothing will be told. */
SY_MUST enum sy_err ops_notify_open(struct ops_notify *n);
/* "READY=1", "STOPPING=1"; lost when the manager does not listen: it is told what is so, nobody waits for it. */
void ops_notify_say(const struct ops_notify *n, const char *state);
/* Ready: says so and, when the manager wants signs of life ($WATCHDOG_USEC), gives one at half of its time from here on. */
void ops_notify_ready(struct ops_notify *n, uv_loop_t *loop);
/* No more signs of life; the loop must turn once more. Harmless when nothing was opened. */
void ops_notify_close(struct ops_notify *n);

#endif
