/*
 * One lock over everything. A slot goes FREE -> QUEUED (by its sender) -> IN_NODE (by the loop, for sends that may wait)
 * -> DONE (by the loop) -> FREE (by its sender). A sender that gives up leaves ABANDONED behind, which the loop frees.
 */
#include "transport/tcp/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/assert.h"

enum slot_state { SLOT_FREE, SLOT_QUEUED, SLOT_IN_NODE, SLOT_DONE, SLOT_ABANDONED };

struct slot {
	enum slot_state state;
	bool may_wait;
	uint8_t channel;
	enum sy_err result;
	struct sy_ref peer;
	uint64_t deadline_ns;
	uint8_t *bytes; /* from malloc */
	size_t len;
	uint32_t next; /* in the queue, or among the free ones; index + 1 */
	pthread_cond_t done;
};

struct tp_mailbox {
	uv_async_t async; /* first */
	struct tp_driver *driver;
	pthread_mutex_t lock;
	pthread_cond_t room; /* a slot is free */
	pthread_cond_t left; /* nobody is inside any more */
	bool closed;
	uint32_t inside; /* threads in a call */
	uint32_t num_slots, free_slot, head, tail;
	uint64_t token_base;
	struct slot slots[];
};

static uint64_t now(void)
{
	return uv_hrtime();
}

static uint64_t later(uint64_t at_ns, uint64_t by_ns)
{
	return by_ns > UINT64_MAX / 2 - at_ns ? UINT64_MAX / 2 : at_ns + by_ns;
}

/* uv_hrtime is CLOCK_MONOTONIC here, and the conditions are made to count by it. False: the time is over. */
static bool wait_until(struct tp_mailbox *mb, pthread_cond_t *cond, uint64_t at_ns)
{
	struct timespec ts = {.tv_sec = (time_t)(at_ns / 1000000000u), .tv_nsec = (long)(at_ns % 1000000000u)};
	return pthread_cond_timedwait(cond, &mb->lock, &ts) != ETIMEDOUT;
}

/* ---- slots, under the lock ---- */

static struct slot *take(struct tp_mailbox *mb)
{
	struct slot *s = mb->free_slot ? &mb->slots[mb->free_slot - 1] : NULL;
	if (s)
		mb->free_slot = s->next;
	return s;
}

static void give(struct tp_mailbox *mb, struct slot *s)
{
	free(s->bytes);
	s->bytes = NULL;
	s->state = SLOT_FREE;
	s->next = mb->free_slot;
	mb->free_slot = (uint32_t)(s - mb->slots) + 1;
	pthread_cond_signal(&mb->room);
}

static void enqueue(struct tp_mailbox *mb, struct slot *s)
{
	uint32_t link = (uint32_t)(s - mb->slots) + 1;
	s->state = SLOT_QUEUED;
	s->next = 0;
	if (mb->tail)
		mb->slots[mb->tail - 1].next = link;
	else
		mb->head = link;
	mb->tail = link;
}

static struct slot *dequeue(struct tp_mailbox *mb)
{
	struct slot *s = mb->head ? &mb->slots[mb->head - 1] : NULL;
	if (!s)
		return NULL;
	mb->head = s->next;
	if (!mb->head)
		mb->tail = 0;
	return s;
}

static void finish(struct tp_mailbox *mb, struct slot *s, enum sy_err result)
{
	if (s->state == SLOT_ABANDONED) {
		give(mb, s);
		return;
	}
	s->result = result;
	s->state = SLOT_DONE;
	pthread_cond_signal(&s->done);
}

/* ---- the loop's side ---- */

/* The lock is not held while the node works: its hooks may come back to tp_mailbox_send_done. */
static void work(struct tp_mailbox *mb, struct slot *s)
{
	uint64_t now_ns = now();
	struct sy_input in = {
	    .kind = s->may_wait ? SY_IN_SEND : SY_IN_TRY_SEND,
	    .conn = s->peer,
	    .channel = s->channel,
	    .bytes = {s->bytes, s->len},
	    .token = mb->token_base + (uint64_t)(s - mb->slots),
	    .timeout_ns = s->deadline_ns > now_ns ? s->deadline_ns - now_ns : 0,
	};
	bool waits = s->may_wait;
	s->state = SLOT_IN_NODE;
	pthread_mutex_unlock(&mb->lock);
	enum sy_err err = tp_driver_input(mb->driver, &in).err;
	pthread_mutex_lock(&mb->lock);
	if (err != SY_OK || !waits)
		finish(mb, s, err);
}

static void on_async(uv_async_t *async)
{
	struct tp_mailbox *mb = (struct tp_mailbox *)async;
	struct slot *s;
	pthread_mutex_lock(&mb->lock);
	while ((s = dequeue(mb))) {
		if (s->state == SLOT_ABANDONED)
			give(mb, s);
		else
			work(mb, s);
	}
	pthread_mutex_unlock(&mb->lock);
}

bool tp_mailbox_send_done(struct tp_mailbox *mb, uint64_t token, enum sy_err err)
{
	if (!mb || token < mb->token_base || token - mb->token_base >= mb->num_slots)
		return false;
	struct slot *s = &mb->slots[token - mb->token_base];
	pthread_mutex_lock(&mb->lock);
	if (s->state == SLOT_IN_NODE || s->state == SLOT_ABANDONED)
		finish(mb, s, err);
	pthread_mutex_unlock(&mb->lock);
	return true;
}

/* ---- the senders' side ---- */

static enum sy_err wait_for_slot(struct tp_mailbox *mb, bool may_wait, uint64_t deadline_ns, struct slot **s)
{
	bool in_time = true;
	while (!mb->closed && !(*s = take(mb))) {
		if (!may_wait)
			return SY_AGAIN;
		if (!in_time)
			return SY_TIMEOUT;
		in_time = wait_until(mb, &mb->room, deadline_ns);
	}
	return mb->closed ? SY_NOT_RUNNING : SY_OK;
}

/* A slot that is left to the loop: it may be in the queue still, or in the node, which answers for it. */
static enum sy_err wait_for_answer(struct tp_mailbox *mb, struct slot *s)
{
	uint64_t patience_ns = later(s->deadline_ns, TP_MAILBOX_GRACE_NS);
	bool in_time = true;
	while (s->state != SLOT_DONE && in_time)
		in_time = wait_until(mb, &s->done, s->state == SLOT_QUEUED && s->may_wait ? s->deadline_ns : patience_ns);
	if (s->state == SLOT_IN_NODE) {
		/* It was taken just when the time was over: the node answers within the grace, or the loop hangs. */
		in_time = true;
		while (s->state != SLOT_DONE && in_time)
			in_time = wait_until(mb, &s->done, patience_ns);
	}
	if (s->state != SLOT_DONE) {
		s->state = SLOT_ABANDONED;
		return SY_TIMEOUT;
	}
	enum sy_err result = s->result;
	give(mb, s);
	return result;
}

static enum sy_err post(struct tp_mailbox *mb, struct slot *s, const struct slot *want, struct sy_span bytes)
{
	s->bytes = malloc(bytes.len ? bytes.len : 1);
	if (!s->bytes) {
		give(mb, s);
		return SY_NO_MEMORY;
	}
	if (bytes.len > 0)
		memcpy(s->bytes, bytes.ptr, bytes.len);
	s->len = bytes.len;
	s->peer = want->peer;
	s->channel = want->channel;
	s->may_wait = want->may_wait;
	s->deadline_ns = want->deadline_ns;
	enqueue(mb, s);
	uv_async_send(&mb->async);
	return wait_for_answer(mb, s);
}

static enum sy_err call(struct tp_mailbox *mb, const struct slot *want, struct sy_span bytes)
{
	struct slot *s = NULL;
	pthread_mutex_lock(&mb->lock);
	mb->inside++;
	enum sy_err err = wait_for_slot(mb, want->may_wait, want->deadline_ns, &s);
	if (err == SY_OK)
		err = post(mb, s, want, bytes);
	if (--mb->inside == 0 && mb->closed)
		pthread_cond_signal(&mb->left);
	pthread_mutex_unlock(&mb->lock);
	return err;
}

enum sy_err tp_mailbox_send(struct tp_mailbox *mb, struct sy_ref peer, uint8_t channel, struct sy_span bytes, uint64_t timeout_ns)
{
	const struct slot want = {.peer = peer, .channel = channel, .may_wait = true, .deadline_ns = later(now(), timeout_ns)};
	return call(mb, &want, bytes);
}

enum sy_err tp_mailbox_try_send(struct tp_mailbox *mb, struct sy_ref peer, uint8_t channel, struct sy_span bytes)
{
	const struct slot want = {.peer = peer, .channel = channel, .may_wait = false, .deadline_ns = now()};
	return call(mb, &want, bytes);
}

uint32_t tp_mailbox_waiting(struct tp_mailbox *mb)
{
	pthread_mutex_lock(&mb->lock);
	uint32_t inside = mb->inside;
	pthread_mutex_unlock(&mb->lock);
	return inside;
}

/* ---- life ---- */

static void init_conditions(struct tp_mailbox *mb)
{
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&mb->lock, NULL);
	pthread_cond_init(&mb->room, &monotonic);
	pthread_cond_init(&mb->left, &monotonic);
	for (uint32_t i = 0; i < mb->num_slots; i++) {
		pthread_cond_init(&mb->slots[i].done, &monotonic);
		mb->slots[i].next = i + 1 < mb->num_slots ? i + 2 : 0;
	}
	mb->free_slot = 1;
	pthread_condattr_destroy(&monotonic);
}

enum sy_err tp_mailbox_new(struct tp_mailbox **out, uv_loop_t *loop, struct tp_driver *driver, uint32_t slots, uint64_t token_base)
{
	if (slots == 0 || slots > TP_MAILBOX_SLOTS_MAX)
		return SY_INVALID;
	struct tp_mailbox *mb = calloc(1, sizeof(*mb) + slots * sizeof(mb->slots[0]));
	if (!mb)
		return SY_NO_MEMORY;
	if (uv_async_init(loop, &mb->async, on_async) != 0) {
		free(mb);
		return SY_IO;
	}
	mb->driver = driver;
	mb->num_slots = slots;
	mb->token_base = token_base;
	init_conditions(mb);
	*out = mb;
	return SY_OK;
}

static void on_closed(uv_handle_t *handle)
{
	struct tp_mailbox *mb = (struct tp_mailbox *)handle;
	for (uint32_t i = 0; i < mb->num_slots; i++) {
		free(mb->slots[i].bytes);
		pthread_cond_destroy(&mb->slots[i].done);
	}
	pthread_cond_destroy(&mb->room);
	pthread_cond_destroy(&mb->left);
	pthread_mutex_destroy(&mb->lock);
	free(mb);
}

void tp_mailbox_close(struct tp_mailbox *mb)
{
	if (!mb)
		return;
	pthread_mutex_lock(&mb->lock);
	mb->closed = true;
	mb->head = mb->tail = 0;
	for (uint32_t i = 0; i < mb->num_slots; i++) {
		if (mb->slots[i].state == SLOT_QUEUED || mb->slots[i].state == SLOT_IN_NODE)
			finish(mb, &mb->slots[i], SY_NOT_RUNNING);
	}
	pthread_cond_broadcast(&mb->room);
	while (mb->inside > 0)
		pthread_cond_wait(&mb->left, &mb->lock);
	pthread_mutex_unlock(&mb->lock);
	uv_close((uv_handle_t *)&mb->async, on_closed);
}
