/* Faults, at once: cuts of ordered pairs, healing, resets. A cut costs an entry; live connections find it in their pair. */
#include <stdlib.h>

#include "sim/net/segment.h"

enum sim_cut cut_between(const struct sim_net *net, const struct sim_host *from, const struct sim_host *to)
{
	uint64_t index = net->num_cuts ? sim_map_get(&net->cut_index, pair_key(from, to)) : 0;
	return index ? (enum sim_cut)net->cuts[index - 1].cut : SIM_CUT_NONE;
}

/* What was held back on a direction goes on. */
void pair_pump(struct pair *p, unsigned half)
{
	for (struct conn *c = p->conns; c; c = c->next) {
		if (is_segment(&c->end[0])) {
			segment_path(c);
			continue;
		}
		for (int side = 0; side < 2; side++) {
			struct end *to = &c->end[side];
			if (to->half == half && to->state != END_DIALLING) {
				stream_pump(to);
			}
		}
	}
}

static void set_on_pair(struct sim_net *net, const struct sim_host *from, const struct sim_host *to, enum sim_cut cut)
{
	struct pair *p = pair_find(net, from, to);
	if (!p) {
		return;
	}
	unsigned half = from == p->host[0] ? 0 : 1;
	p->half[half].cut = (uint8_t)cut;
	pair_pump(p, half);
}

static bool remember(struct sim_net *net, uint64_t key, enum sim_cut cut)
{
	uint64_t index = sim_map_get(&net->cut_index, key);
	if (index) {
		net->cuts[index - 1].cut = (uint8_t)cut;
		return true;
	}
	if (net->num_cuts == net->cap_cuts) {
		size_t cap = net->cap_cuts ? net->cap_cuts * 2 : 64;
		struct cut_entry *cuts = realloc(net->cuts, cap * sizeof *cuts);
		if (!cuts) {
			return false;
		}
		net->cuts = cuts;
		net->cap_cuts = cap;
	}
	if (!sim_map_put(&net->cut_index, key, net->num_cuts + 1)) {
		return false;
	}
	net->cuts[net->num_cuts++] = (struct cut_entry){(uint32_t)(key >> 32), (uint32_t)key, (uint8_t)cut};
	return true;
}

void sim_net_cut(struct sim_net *net, struct sim_host *from, struct sim_host *to, enum sim_cut cut)
{
	uint64_t key = pair_key(from, to);
	net_hash(net, key + cut);
	if (cut == SIM_CUT_NONE && !sim_map_get(&net->cut_index, key)) {
		return;
	}
	/* Without memory for the entry the cut holds for the connections that live, as long as they do. */
	(void)remember(net, key, cut);
	set_on_pair(net, from, to, cut);
}

void sim_net_heal(struct sim_net *net)
{
	net_hash(net, SIM_NEVER);
	size_t n = net->num_cuts;
	sim_map_clear(&net->cut_index);
	net->num_cuts = 0;
	for (size_t i = 0; i < n; i++) {
		set_on_pair(net, net->hosts[net->cuts[i].from], net->hosts[net->cuts[i].to], SIM_CUT_NONE);
	}
}

/* As if each side had just received the other's reset. */
static void reset_end(struct end *e, uint64_t now_ns)
{
	if (is_segment(e)) {
		segment_reset(e);
		return;
	}
	switch ((enum end_state)e->state) {
	case END_DIALLING:
		e->in.dial.answer_ns = now_ns;
		conn_of(e)->refused = true;
		end_notice(e, now_ns);
		break;
	case END_SYN:
		end_vanish(e);
		break;
	case END_BACKLOG:
	case END_OPEN:
	case END_CLOSED:
		stream_purge(e);
		e->in.flags = S_RST_SENT;
		e->in.last_ns = now_ns;
		end_arm(e);
		break;
	case END_FAILED:
	case END_GONE:
		break;
	}
}

void sim_net_reset(struct sim_net *net, struct sim_host *a, struct sim_host *b)
{
	struct pair *p = pair_find(net, a, b);
	net_hash(net, ~pair_key(a, b));
	for (struct conn *c = p ? p->conns : NULL; c; c = c->next) {
		reset_end(&c->end[0], net->engine->now_ns);
		reset_end(&c->end[1], net->engine->now_ns);
	}
}

void sim_net_half_open(struct sim_net *net, struct sim_host *a, struct sim_host *b)
{
	struct pair *p = pair_find(net, a, b);
	net_hash(net, ~pair_key(a, b) + 1);
	for (struct conn *c = p ? p->conns : NULL; c; c = c->next) {
		reset_end(&c->end[c->end[0].host != a], net->engine->now_ns);
	}
}

void sim_host_hide(struct sim_host *h, bool hidden)
{
	h->hidden = hidden;
	net_hash(h->net, h->entity ^ 2 ^ hidden);
}
