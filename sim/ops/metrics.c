#include "sim/ops/metrics.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const ways[] = {[OPS_INBOUND] = "inbound", [OPS_OUTBOUND] = "outbound"};
static const char *const routes[] = {[OPS_SENT] = "sent", [OPS_RECEIVED] = "received"};

static void plain(struct prom *p, enum ops_family family, uint64_t value)
{
	ops_open(p, family);
	prom_u64(p, NULL, 0, value);
}

static void plain_seconds(struct prom *p, enum ops_family family, uint64_t ns)
{
	ops_open(p, family);
	prom_seconds(p, NULL, 0, ns);
}

/* One sample for each of two words of a label. */
static void pair(struct prom *p, enum ops_family family, const char *label, const char *const words[2], const uint64_t values[2])
{
	ops_open(p, family);
	for (size_t i = 0; i < 2; i++)
		prom_u64(p, &(struct prom_label){label, words[i]}, 1, values[i]);
}

/* The reasons that have occurred. Labels: those given, and the reason's name last. */
static void reasons(struct prom *p, const struct ops_reasons *r, const char *label, const struct prom_label *first)
{
	for (size_t i = 0; i < OPS_REASONS; i++) {
		struct prom_label labels[2] = {{label, sy_err_name(ops_reason_at(i))}};

		if (r->n[i] == 0)
			continue;
		if (first != NULL) {
			labels[1] = labels[0];
			labels[0] = *first;
		}
		prom_u64(p, labels, first == NULL ? 1 : 2, r->n[i]);
	}
}

static void ways_reasons(struct prom *p, enum ops_family family, const struct ops_reasons r[2])
{
	ops_open(p, family);
	for (size_t i = 0; i < 2; i++)
		reasons(p, &r[i], "reason", &(struct prom_label){"direction", ways[i]});
}

static void who(const struct ops *ops, struct prom *p)
{
	const struct ops_source *s = &ops->source;
	const struct prom_label build[] = {{"version", SY_VERSION}, {"profile", s->profile}};
	const struct prom_label node[] = {{"node_id", s->id}, {"network", s->network}, {"moniker", s->moniker}};

	ops_open(p, OPS_BUILD);
	prom_u64(p, build, COUNT(build), 1);
	ops_open(p, OPS_NODE);
	prom_u64(p, node, COUNT(node), 1);
	plain_seconds(p, OPS_START, ops->started_wall_ns);
}

static void connections(const struct ops *ops, struct prom *p)
{
	const struct ops_counts *c = &ops->counts;
	uint64_t peers[2] = {0};
	struct sy_peer peer;

	for (uint32_t i = 0; sy_node_peer_at(ops->source.node, i, &peer) == SY_OK; i++)
		peers[peer.outbound ? OPS_OUTBOUND : OPS_INBOUND]++;
	pair(p, OPS_WAY_PEERS, "direction", ways, peers);
	plain(p, OPS_DIALLING, sy_node_counts(ops->source.node).dialling);
	plain(p, OPS_SHAKING, sy_node_handshakes(ops->source.node));
	pair(p, OPS_ADDED, "direction", ways, c->added);
	ways_reasons(p, OPS_GONE, c->gone);
	ways_reasons(p, OPS_REFUSED, c->refused);
	ops_open(p, OPS_DIALS);
	reasons(p, &c->dials, "result", NULL);
	plain(p, OPS_RECONNECTS, c->reconnects);
	ops_open(p, OPS_HANDSHAKE);
	for (size_t i = 0; i < 2; i++)
		prom_histogram(p, &(struct prom_label){"direction", ways[i]}, 1,
		               &(struct prom_histogram){ops_handshake_bounds_ns, c->handshakes[i], OPS_HANDSHAKE_BOUNDS, c->handshakes_ns[i]});
	ops_open(p, OPS_BANS);
	reasons(p, &c->bans, "reason", NULL);
	ops_open(p, OPS_DROPPED);
	for (unsigned ch = 0; ch < COUNT(c->dropped); ch++) {
		char text[8];

		snprintf(text, sizeof text, "0x%x", ch);
		if (c->dropped[ch] != 0)
			prom_u64(p, &(struct prom_label){"chID", text}, 1, c->dropped[ch]);
	}
}

static void crawl(const struct ops *ops, struct prom *p)
{
	static const char *const results[] = {"reached", "unreached"};
	struct sy_pex_counts pex = sy_node_pex_counts(ops->source.node);

	plain(p, OPS_PEX_NEW, pex.addrs_new);
	plain(p, OPS_VERIFIED, pex.verified);
	plain(p, OPS_CRAWLING, pex.crawling);
	pair(p, OPS_CRAWLED, "result", results, (const uint64_t[]){pex.reached, pex.unreached});
	plain(p, OPS_CRAWL_LOST, pex.lost);
	plain(p, OPS_MADE_ROOM, pex.made_room);
}

static void addresses(const struct ops *ops, struct prom *p)
{
	static const char *const buckets[] = {"new", "old"};
	const struct ops_counts *c = &ops->counts;
	struct sy_book_counts book = sy_node_book_counts(ops->source.node);

	pair(p, OPS_PEX_REQUESTS, "direction", routes, c->pex_requests);
	pair(p, OPS_PEX_ANSWERS, "direction", routes, c->pex_answers);
	pair(p, OPS_PEX_ADDRS, "direction", routes, c->pex_addrs);
	if (c->last_answer_ns != 0)
		plain_seconds(p, OPS_PEX_LAST, uv_hrtime() - c->last_answer_ns);
	crawl(ops, p);
	pair(p, OPS_BOOK, "bucket", buckets, (const uint64_t[]){book.new_addrs, book.old_addrs});
	plain(p, OPS_BOOK_BANNED, book.banned);
	ops_open(p, OPS_BOOK_GONE);
	reasons(p, &c->book_gone, "reason", NULL);
}

static void ourselves(const struct ops *ops, struct prom *p)
{
	plain(p, OPS_TRACES_LOST, sy_node_traces_dropped(ops->source.node));
	plain(p, OPS_FAREWELLS, tp_driver_farewells_refused(ops->source.driver));
	plain(p, OPS_LOG_LOST, *ops->source.log_left_out);
	plain(p, OPS_LOG_UNREAD, *ops->source.log_dropped);
	ops_open(p, OPS_HTTP);
	for (unsigned i = 1; i < COUNT(ops->http.answered); i++) {
		char text[4] = {(char)('0' + i), 'x', 'x'};

		if (ops->http.answered[i] != 0)
			prom_u64(p, &(struct prom_label){"code", text}, 1, ops->http.answered[i]);
	}
}

void ops_metrics(struct ops *ops, struct ops_text *to)
{
	char prefix[OPS_NAMESPACE_MAX + 8];
	struct prom p = {.to = to, .prefix = prefix};
	const char *ns = ops->source.name_space;

	/* Prometheus' own clients join with _ what is not empty */
	snprintf(prefix, sizeof prefix, "%.63s%sp2p_", ns, *ns == '\0' ? "" : "_");
	ops_metrics_upstream(ops, &p);
	who(ops, &p);
	connections(ops, &p);
	addresses(ops, &p);
	ops_metrics_peers(ops, &p);
	ourselves(ops, &p);
	ops_metrics_process(&p);
}
