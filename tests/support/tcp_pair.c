#include "tests/support/tcp_pair.h"

#include <stdlib.h>

#include "tests/support/unit.h"

struct flying {
	struct sim_event event; /* first */
	struct tcp_pair *pair;
	unsigned to;
	struct sim_tcp_packet packet;
};

static void arrive(struct sim_event *event, uint64_t now_ns)
{
	struct flying *f = (struct flying *)event;
	struct sim_tcp *tcp = f->pair->side[f->to].tcp;

	if (f->packet.flags != SIM_TCP_SYN || !sim_tcp_accept(tcp, &f->packet))
		sim_tcp_input(tcp, &f->packet);
	free(f);
}

static void transmit(void *user, const struct sim_tcp_packet *p)
{
	struct tcp_pair_side *side = user;
	struct tcp_pair *pair = side->pair;
	unsigned from = (unsigned)(side - pair->side);
	bool dropped = pair->filter != NULL && pair->filter(pair, from, p, side->sent);

	side->sent++;
	assert_true(pair->num_log < TCP_PAIR_LOG);
	pair->log[pair->num_log++] = (struct tcp_pair_packet){pair->engine->now_ns, from, dropped, *p};
	if (dropped)
		return;
	struct flying *f = calloc(1, sizeof *f);
	assert_non_null(f);
	f->event.handler = arrive;
	f->pair = pair;
	f->to = 1 - from;
	f->packet = *p;
	assert_true(sim_engine_schedule(pair->engine, &pair->source, &f->event, SIM_DELIVERY, pair->engine->now_ns + pair->delay_ns));
}

static void event(void *user, enum sim_tcp_event what)
{
	struct tcp_pair_side *side = user;

	side->events |= what;
	if (what == SIM_TCP_READABLE && side->reads)
		tcp_pair_read(side->pair, (unsigned)(side - side->pair->side));
	if (what == SIM_TCP_WRITABLE && side->want != 0)
		side->want -= sim_tcp_write(side->tcp, side->want);
}

static const struct sim_tcp_ops ops = {.transmit = transmit, .event = event};

void tcp_pair_exact(struct sim_tcp_config *config)
{
	sim_tcp_defaults(config);
	config->tick_ns = 0;
}

void tcp_pair_init(struct tcp_pair *pair, const struct sim_tcp_config *config, uint64_t delay_ns)
{
	struct sim_tcp_config usual;

	memset(pair, 0, sizeof *pair);
	tcp_pair_exact(&usual);
	pair->delay_ns = delay_ns;
	pair->engine = sim_engine_new(1);
	assert_non_null(pair->engine);
	assert_true(sim_engine_add_source(pair->engine, &pair->source, "pair"));
	pair->log = calloc(TCP_PAIR_LOG, sizeof *pair->log);
	assert_non_null(pair->log);
	for (unsigned i = 0; i < 2; i++) {
		pair->side[i].pair = pair;
		pair->side[i].reads = true;
		pair->side[i].tcp = sim_tcp_new(pair->engine, &pair->source, i, config != NULL ? config : &usual, &ops, &pair->side[i]);
		assert_non_null(pair->side[i].tcp);
	}
}

/* Packets still under way are worked off first: their memory is theirs. */
void tcp_pair_fini(struct tcp_pair *pair)
{
	for (unsigned i = 0; i < 2; i++) {
		sim_tcp_abort(pair->side[i].tcp);
		pair->side[i].want = 0;
	}
	tcp_pair_run(pair, pair->delay_ns + 1);
	for (unsigned i = 0; i < 2; i++)
		sim_tcp_free(pair->side[i].tcp);
	sim_engine_free(pair->engine);
	free(pair->log);
}

void tcp_pair_run(struct tcp_pair *pair, uint64_t ns)
{
	uint64_t until = pair->engine->now_ns + ns;

	while (sim_engine_step(pair->engine, until))
		;
}

void tcp_pair_open(struct tcp_pair *pair)
{
	sim_tcp_connect(pair->side[0].tcp);
	tcp_pair_run(pair, 3 * pair->delay_ns);
	assert_true(pair->side[0].events & SIM_TCP_CONNECTED);
	assert_true(pair->side[1].events & SIM_TCP_CONNECTED);
}

void tcp_pair_write(struct tcp_pair *pair, unsigned side, uint64_t n)
{
	pair->side[side].want = n;
	pair->side[side].want -= sim_tcp_write(pair->side[side].tcp, n);
}

void tcp_pair_read(struct tcp_pair *pair, unsigned side)
{
	struct tcp_pair_side *s = &pair->side[side];

	s->got += sim_tcp_read(s->tcp, sim_tcp_readable(s->tcp));
}

size_t tcp_pair_data(const struct tcp_pair *pair, unsigned from, uint64_t from_ns, uint64_t to_ns)
{
	size_t n = 0;

	for (size_t i = 0; i < pair->num_log; i++) {
		const struct tcp_pair_packet *p = &pair->log[i];

		n += p->from == from && p->packet.len != 0 && p->at_ns >= from_ns && p->at_ns < to_ns;
	}
	return n;
}

const struct tcp_pair_packet *tcp_pair_find(const struct tcp_pair *pair, unsigned from, uint64_t seq, size_t n)
{
	for (size_t i = 0; i < pair->num_log; i++) {
		const struct tcp_pair_packet *p = &pair->log[i];

		if (p->from == from && p->packet.len != 0 && p->packet.seq == seq && n-- == 0)
			return p;
	}
	return NULL;
}
