/*
 * Real TCP over a libuv loop that the caller owns and runs. One loop may carry many of these: each is one node's
 * transport with its own listener, sockets, timers and look-ups.
 *
 * Sockets are watched with uv_poll and read and written directly: nothing is queued in user space, a full kernel buffer
 * is a short write, a closed window leaves bytes in the kernel, a closed accept window leaves connections in the backlog.
 */
#ifndef TP_TCP_H
#define TP_TCP_H

#include <uv.h>

#include "transport/transport.h"

#define TP_TCP_READ_BUFFER 65536u /* bytes that one event brings at most */

struct tp_tcp_config {
	uv_loop_t *loop;        /* borrowed until the transport's handles are closed, see tp_tcp_new */
	const uint8_t *bind_ip; /* 16 bytes (IPv4 mapped), copied: dials come from this address; null: the kernel chooses */
	uint8_t *read_buffer;   /* TP_TCP_READ_BUFFER bytes that transports of one loop may share; null: one of its own, made when first used */
};

/*
 * Makes a transport. Returns SY_NO_MEMORY, SY_INVALID (no loop).
 * Owns its handles in the loop. ops->fini closes them; libuv finishes that within the loop, so run the loop once more
 * (uv_run until it returns 0) before uv_loop_close. The memory goes with the last handle.
 */
SY_MUST enum sy_err tp_tcp_new(struct tp_transport **out, const struct tp_tcp_config *config);

/* Bytes of memory that one idle connection takes here. For budgets. */
size_t tp_tcp_socket_memory(void);

#endif
