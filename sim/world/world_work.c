/* Reactors that take their time: messages of an inbox are worked off one after another, a worker a channel. */
#include <stdlib.h>

#include "sim/world/impl.h"

struct world_work {
	struct world_work *next, *before;
	struct world_node *n;
	struct world_timer *timer;
	uint64_t token;
};

struct world_works {
	struct world_work *first;
	uint64_t busy_ns[256]; /* until when the worker of a channel has to do */
};

static void unlink_work(struct world_work *work)
{
	*(work->before != NULL ? &work->before->next : &work->n->works->first) = work->next;
	if (work->next != NULL)
		work->next->before = work->before;
	free(work);
}

static void done(struct world_node *n, uint64_t token, enum sy_err err)
{
	n->entered++;
	tp_driver_work_done(n->driver, token, err);
	n->entered--;
}

static void on_done(void *arg)
{
	struct world_work *work = arg;
	struct world_node *n = work->n;
	uint64_t token = work->token;

	unlink_work(work);
	if (n->core != NULL && !n->is_stopped)
		done(n, token, SY_OK);
}

static struct world_work *work_new(struct world_node *n, uint64_t token)
{
	if (n->works == NULL)
		n->works = calloc(1, sizeof *n->works);
	struct world_work *work = n->works == NULL ? NULL : calloc(1, sizeof *work);
	if (work == NULL)
		return NULL;
	*work = (struct world_work){.n = n, .token = token, .next = n->works->first};
	if (work->next != NULL)
		work->next->before = work;
	n->works->first = work;
	return work;
}

/* Never inside the driver's own call: also what takes no time is done in an event of its own. */
void world_node_deliver(void *ctx, const struct sy_output *out)
{
	struct world_node *n = ctx;
	struct world_work *work = work_new(n, out->token);
	uint64_t now_ns = n->w->ops->now_ns(n->w);

	if (work == NULL)
		return; /* out of memory: the message stays in its inbox for good */
	uint64_t *busy_ns = &n->works->busy_ns[out->channel], work_ns = n->w->listener.work_ns(n->w->listener.ctx, n, out->channel);
	uint64_t from_ns = *busy_ns > now_ns ? *busy_ns : now_ns;
	*busy_ns = work_ns < UINT64_MAX - from_ns ? from_ns + work_ns : UINT64_MAX; /* centuries add up to no more than for ever */
	work->timer = world_at(n->w, *busy_ns, SIM_SCRIPT, on_done, work);
	if (work->timer == NULL)
		unlink_work(work);
}

void world_works_end(struct world_node *n)
{
	struct world_work *next;

	for (struct world_work *work = n->works == NULL ? NULL : n->works->first; work != NULL; work = next) {
		next = work->next;
		world_cancel(n->w, work->timer);
		free(work);
	}
	free(n->works);
	n->works = NULL;
}
