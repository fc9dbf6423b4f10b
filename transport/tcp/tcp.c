/* The TCP transport's life, its clocks, and the chores that hang off one timer. */
#include "transport/tcp/tcp_private.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct tp_tcp *tp_tcp_of(struct tp_transport *tp)
{
	return (struct tp_tcp *)tp;
}

void tp_tcp_handle_opened(struct tp_tcp *tcp)
{
	tcp->handles++;
}

void tp_tcp_handle_closed(struct tp_tcp *tcp)
{
	if (--tcp->handles > 0)
		return;
	free(tcp->slots);
	free(tcp->own_read_buffer);
	free(tcp);
}

static void on_timer_closed(uv_handle_t *handle)
{
	tp_tcp_handle_closed(handle->data);
}

/* ---- timers ---- */

static uint64_t wait_ms(uint64_t at_ns)
{
	uint64_t now_ns = uv_hrtime();
	return at_ns <= now_ns ? 0 : (at_ns - now_ns + 999999u) / 1000000u;
}

/* libuv counts whole milliseconds from the time at which its turn began, so a timer may come a little early. */
static void on_wake(uv_timer_t *timer)
{
	struct tp_tcp *tcp = timer->data;
	if (uv_hrtime() < tcp->wake_ns) {
		uv_timer_start(timer, on_wake, wait_ms(tcp->wake_ns), 0);
		return;
	}
	tcp->wake_ns = UINT64_MAX;
	tcp->events.wake(tcp->events.ctx);
}

static void op_wake_at(struct tp_transport *tp, uint64_t at_ns)
{
	struct tp_tcp *tcp = tp_tcp_of(tp);
	if (at_ns == tcp->wake_ns)
		return;
	tcp->wake_ns = at_ns;
	if (at_ns == UINT64_MAX)
		uv_timer_stop(&tcp->wake);
	else
		uv_timer_start(&tcp->wake, on_wake, wait_ms(at_ns), 0);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void on_chores(uv_timer_t *timer)
{
	struct tp_tcp *tcp = timer->data;
	uint64_t now_ns = uv_hrtime();
	tcp->chores_ns = UINT64_MAX;
	uint64_t next_ns = tp_tcp_sockets_chores(tcp, now_ns);
	if (!tcp->finished)
		next_ns = earlier(next_ns, tp_tcp_dials_chores(tcp, now_ns));
	if (!tcp->finished)
		next_ns = earlier(next_ns, tp_tcp_listen_chores(tcp, now_ns));
	if (!tcp->finished && next_ns != UINT64_MAX)
		tp_tcp_chores_at(tcp, next_ns);
}

void tp_tcp_chores_at(struct tp_tcp *tcp, uint64_t at_ns)
{
	if (at_ns >= tcp->chores_ns || tcp->finished)
		return;
	tcp->chores_ns = at_ns;
	uv_timer_start(&tcp->chores, on_chores, wait_ms(at_ns), 0);
}

/* ---- the small operations ---- */

static uint64_t op_now(struct tp_transport *tp)
{
	(void)tp;
	return uv_hrtime();
}

static uint64_t op_wall(struct tp_transport *tp)
{
	struct timespec ts;
	(void)tp;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void op_attach(struct tp_transport *tp, const struct tp_events *events)
{
	tp_tcp_of(tp)->events = *events;
}

static void destroy_all(struct tcp_list *list, bool reset)
{
	while (list->head) {
		if (reset)
			tp_tcp_set_reset_on_close(list->head->fd);
		tp_tcp_socket_destroy(list->head);
	}
}

static void op_fini(struct tp_transport *tp)
{
	struct tp_tcp *tcp = tp_tcp_of(tp);
	tcp->finished = true;
	tp_tcp_listen_end(tcp);
	tp_tcp_lookups_end(tcp);
	destroy_all(&tcp->dialling, false);
	destroy_all(&tcp->open, true);
	destroy_all(&tcp->failing, true);
	destroy_all(&tcp->lingering, false);
	uv_close((uv_handle_t *)&tcp->wake, on_timer_closed);
	uv_close((uv_handle_t *)&tcp->chores, on_timer_closed);
}

static const struct tp_ops tcp_ops = {
    .name = "tcp",
    .now_ns = op_now,
    .wall_ns = op_wall,
    .attach = op_attach,
    .listen = tp_tcp_op_listen,
    .accept_window = tp_tcp_op_accept_window,
    .dial = tp_tcp_op_dial,
    .dial_cancel = tp_tcp_op_dial_cancel,
    .unsent_lowat = tp_tcp_op_unsent_lowat,
    .room = tp_tcp_op_room,
    .write = tp_tcp_op_write,
    .read_window = tp_tcp_op_read_window,
    .close = tp_tcp_op_close,
    .wake_at = op_wake_at,
    .resolve = tp_tcp_op_resolve,
    .fini = op_fini,
};

enum sy_err tp_tcp_new(struct tp_transport **out, const struct tp_tcp_config *config)
{
	if (!config->loop)
		return SY_INVALID;
	struct tp_tcp *tcp = calloc(1, sizeof(*tcp));
	if (!tcp)
		return SY_NO_MEMORY;
	tcp->tp.ops = &tcp_ops;
	tcp->loop = config->loop;
	tcp->read_buffer = config->read_buffer;
	tcp->wake_ns = tcp->chores_ns = UINT64_MAX;
	if (config->bind_ip) {
		tcp->has_bind_ip = true;
		memcpy(tcp->bind_ip, config->bind_ip, sizeof(tcp->bind_ip));
	}
	uv_timer_init(tcp->loop, &tcp->wake);
	uv_timer_init(tcp->loop, &tcp->chores);
	tcp->wake.data = tcp->chores.data = tcp;
	tcp->handles = 2;
	*out = &tcp->tp;
	return SY_OK;
}

size_t tp_tcp_socket_memory(void)
{
	return sizeof(struct tcp_socket) + sizeof(struct tcp_slot);
}
