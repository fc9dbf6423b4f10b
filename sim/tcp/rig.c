/* The rig: a writer that always has data, a reader that reads at once. */
#include "sim/tcp/rig.h"

#define BUFFER (64u << 20)
#define WINDOW (32u << 20) /* what a receive buffer of 64 MiB advertises at most: half is overhead */
#define MARK_NS 10000000000ull

struct side {
	struct rig *rig;
	struct sim_tcp *tcp;
	struct sim_tcp_link *out;
	struct sim_tcp_lane lane; /* towards this side */
	bool writer;
};

struct rig {
	const struct sim_tcp_rig *config;
	struct sim_tcp_rig_result *result;
	struct sim_engine *engine;
	struct sim_source source;
	struct side side[2];
	uint64_t written, read;
};

void sim_tcp_rig_defaults(struct sim_tcp_rig *rig)
{
	*rig = (struct sim_tcp_rig){.seed = 1, .until_ns = 30000000000ull};
	sim_tcp_defaults(&rig->tcp);
	rig->tcp.sndbuf = BUFFER;
	rig->tcp.rcvbuf_max = WINDOW;
}

static void transmit(void *user, const struct sim_tcp_packet *p)
{
	struct side *side = user;
	struct side *to = &side->rig->side[side->writer ? 1 : 0];

	/* what is lost or dropped is the endpoints' business */
	(void)sim_tcp_link_send(side->out, &to->lane, p, side->rig->engine->now_ns);
}

static void deliver(void *user, const struct sim_tcp_packet *p)
{
	struct side *side = user;

	if (p->flags == SIM_TCP_SYN && !side->writer && sim_tcp_accept(side->tcp, p))
		return;
	sim_tcp_input(side->tcp, p);
}

static void write_more(struct side *side)
{
	struct rig *r = side->rig;
	uint64_t wanted = r->config->bytes == 0 ? 2 * (uint64_t)BUFFER : r->config->bytes - r->written;

	if (wanted != 0)
		r->written += sim_tcp_write(side->tcp, wanted);
}

static void read_all(struct side *side)
{
	struct rig *r = side->rig;

	r->read += sim_tcp_read(side->tcp, sim_tcp_readable(side->tcp));
	if (r->config->bytes != 0 && r->read == r->config->bytes && !r->result->finished) {
		r->result->finished = true;
		r->result->finished_ns = r->engine->now_ns;
	}
}

static void event(void *user, enum sim_tcp_event what)
{
	struct side *side = user;

	switch (what) {
	case SIM_TCP_CONNECTED:
		if (side->writer) {
			side->rig->result->connected = true;
			side->rig->result->connected_ns = side->rig->engine->now_ns;
			write_more(side);
		}
		break;
	case SIM_TCP_WRITABLE:
		if (side->writer)
			write_more(side);
		break;
	case SIM_TCP_READABLE:
		read_all(side);
		break;
	case SIM_TCP_PEER_DONE:
	case SIM_TCP_CLOSED:
	case SIM_TCP_RESET:
	case SIM_TCP_TIMEOUT:
		break;
	}
}

static const struct sim_tcp_ops ops = {.transmit = transmit, .event = event};

static bool build(struct rig *r, const struct sim_tcp_config *config)
{
	r->engine = sim_engine_new(r->config->seed);
	if (r->engine == NULL || !sim_engine_add_source(r->engine, &r->source, "rig"))
		return false;
	for (unsigned i = 0; i < 2; i++) {
		struct side *side = &r->side[i];

		side->rig = r;
		side->writer = i == 0;
		side->tcp = sim_tcp_new(r->engine, &r->source, i, config, &ops, side);
		side->lane = (struct sim_tcp_lane){.to = side, .entity = 1 - i};
		side->out = sim_tcp_link_new(r->engine, &r->source, &r->config->link, deliver);
		if (side->tcp == NULL || side->out == NULL)
			return false;
	}
	return true;
}

static void tear_down(struct rig *r)
{
	for (unsigned i = 0; i < 2; i++) {
		sim_tcp_free(r->side[i].tcp);
		sim_tcp_link_free(r->side[i].out);
	}
	sim_engine_free(r->engine);
}

static void sample(struct rig *r)
{
	struct sim_tcp_info info;

	if (r->result->num_samples == r->config->max_samples)
		return;
	sim_tcp_info(r->side[0].tcp, &info);
	r->config->samples[r->result->num_samples++] = (struct sim_tcp_rig_sample){
	    .at_ns = r->engine->now_ns,
	    .bytes = r->read,
	    .cwnd = info.cwnd,
	    .in_flight = info.in_flight,
	    .queue_bytes = sim_tcp_link_backlog(r->side[0].out, r->engine->now_ns),
	    .srtt_ns = info.srtt_ns,
	};
}

/* Works off events until a time, or until the message is through. */
static void run_until(struct rig *r, uint64_t until_ns)
{
	uint64_t step = r->config->sample_ns;

	while (step != 0 && r->engine->now_ns + step <= until_ns && !r->result->finished) {
		uint64_t next = r->engine->now_ns / step * step + step;

		while (!r->result->finished && sim_engine_step(r->engine, next))
			;
		sample(r);
	}
	while (!r->result->finished && sim_engine_step(r->engine, until_ns))
		;
}

static void run_segments(struct rig *r)
{
	struct sim_tcp_info info;
	uint64_t mark = r->config->until_ns < 3 * MARK_NS ? r->config->until_ns / 3 : MARK_NS;

	sim_tcp_connect(r->side[0].tcp);
	run_until(r, mark);
	r->result->mark_ns = mark;
	r->result->at_mark = r->read;
	run_until(r, r->config->until_ns);
	r->result->at_end = r->read;
	sim_tcp_info(r->side[0].tcp, &info);
	r->result->retransmits = info.retransmits;
	r->result->timeouts = info.timeouts;
	r->result->probes = info.probes;
	r->result->events = r->engine->events;
}

bool sim_tcp_rig_run(const struct sim_tcp_rig *rig, struct sim_tcp_rig_result *result)
{
	struct rig r = {.config = rig, .result = result};

	*result = (struct sim_tcp_rig_result){0};
	struct sim_tcp_config config = rig->tcp;
	config.trains = rig->flow;
	bool built = build(&r, &config);
	if (built)
		run_segments(&r);
	tear_down(&r);
	return built;
}
