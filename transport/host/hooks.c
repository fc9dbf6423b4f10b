/* The driver knows one ctx: the host stands between it and the program, and answers itself where the program does not. */
#include "transport/host/host_private.h"

#include "core/secret/suite.h"

static const struct tp_driver_hooks *theirs(void *ctx)
{
	return &((struct tp_host *)ctx)->config.hooks;
}

static bool on_sign(void *ctx, struct sy_ref conn, const uint8_t challenge[32], uint8_t sig[64])
{
	struct tp_host *host = ctx;
	if (theirs(ctx)->sign != NULL)
		return theirs(ctx)->sign(theirs(ctx)->ctx, conn, challenge, sig);
	host->env.crypto->sign(sig, host->key.secret, challenge);
	return true;
}

static void on_started(void *ctx, enum sy_err err)
{
	struct tp_host *host = ctx;
	host->start_err = err;
	if (err != SY_OK)
		uv_stop(host->loop);
	if (theirs(ctx)->started != NULL)
		theirs(ctx)->started(theirs(ctx)->ctx, err);
}

static void on_stopped(void *ctx)
{
	struct tp_host *host = ctx;
	host->stopped = true;
	uv_stop(host->loop);
	if (theirs(ctx)->stopped != NULL)
		theirs(ctx)->stopped(theirs(ctx)->ctx);
}

static void on_deliver(void *ctx, const struct sy_output *out)
{
	theirs(ctx)->deliver(theirs(ctx)->ctx, out);
}

static void on_send_done(void *ctx, uint64_t token, enum sy_err err)
{
	theirs(ctx)->send_done(theirs(ctx)->ctx, token, err);
}

static void on_peer_up(void *ctx, const struct sy_output *out)
{
	theirs(ctx)->peer_up(theirs(ctx)->ctx, out);
}

static void on_peer_down(void *ctx, const struct sy_output *out)
{
	theirs(ctx)->peer_down(theirs(ctx)->ctx, out);
}

static void on_filter(void *ctx, const struct sy_output *out)
{
	theirs(ctx)->filter(theirs(ctx)->ctx, out);
}

static void on_trace(void *ctx, const struct sy_trace *trace)
{
	theirs(ctx)->trace(theirs(ctx)->ctx, trace);
}

static void on_save_failed(void *ctx, enum sy_err err)
{
	theirs(ctx)->save_failed(theirs(ctx)->ctx, err);
}

static void on_worked(void *ctx, uint32_t frames_out, uint32_t frames_in)
{
	theirs(ctx)->worked(theirs(ctx)->ctx, frames_out, frames_in);
}

struct tp_driver_hooks tp_host_hooks(struct tp_host *host)
{
	const struct tp_driver_hooks *h = &host->config.hooks;
	/* a null hook means something to the driver: it stays null */
	return (struct tp_driver_hooks){
	    .ctx = host,
	    .sign = on_sign,
	    .started = on_started,
	    .stopped = on_stopped,
	    .deliver = h->deliver == NULL ? NULL : on_deliver,
	    .send_done = h->send_done == NULL ? NULL : on_send_done,
	    .peer_up = h->peer_up == NULL ? NULL : on_peer_up,
	    .peer_down = h->peer_down == NULL ? NULL : on_peer_down,
	    .filter = h->filter == NULL ? NULL : on_filter,
	    .trace = h->trace == NULL ? NULL : on_trace,
	    .save_failed = h->save_failed == NULL ? NULL : on_save_failed,
	    .worked = h->worked == NULL ? NULL : on_worked,
	};
}
