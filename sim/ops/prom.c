#include "sim/ops/prom.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *type_name(enum prom_type type)
{
	switch (type) {
	case PROM_COUNTER:
		return "counter";
	case PROM_GAUGE:
		return "gauge";
	case PROM_HISTOGRAM:
		return "histogram";
	}
	return "untyped";
}

static const char *full_name(const struct prom *p, char name[PROM_NAME_MAX])
{
	snprintf(name, PROM_NAME_MAX, "%s%s", p->family->upstream ? p->prefix : "", p->family->name);
	return name;
}

void prom_open(struct prom *p, const struct prom_family *family)
{
	p->family = family;
	p->announced = false;
}

static void announce(struct prom *p)
{
	char name[PROM_NAME_MAX];

	if (p->announced)
		return;
	p->announced = true;
	full_name(p, name);
	ops_text_print(p->to, "# HELP %s %s\n", name, p->family->help);
	ops_text_print(p->to, "# TYPE %s %s\n", name, type_name(p->family->type));
}

static void put_escaped(struct ops_text *to, const char *value)
{
	for (; *value != '\0'; value++) {
		if (*value == '\n')
			ops_text_add(to, "\\n", 2);
		else if (*value == '"' || *value == '\\')
			ops_text_print(to, "\\%c", *value);
		else
			ops_text_add(to, value, 1);
	}
}

static void put_labels(struct prom *p, const struct prom_label *labels, size_t n, const char *le)
{
	if (n == 0 && le == NULL)
		return;
	ops_text_add(p->to, "{", 1);
	for (size_t i = 0; i < n; i++) {
		ops_text_print(p->to, "%s%s=\"", i == 0 ? "" : ",", labels[i].name);
		put_escaped(p->to, labels[i].value);
		ops_text_add(p->to, "\"", 1);
	}
	if (le != NULL)
		ops_text_print(p->to, "%sle=\"%s\"", n == 0 ? "" : ",", le);
	ops_text_add(p->to, "}", 1);
}

static void put_name(struct prom *p, const char *suffix, const struct prom_label *labels, size_t n, const char *le)
{
	char name[PROM_NAME_MAX];

	announce(p);
	ops_text_print(p->to, "%s%s", full_name(p, name), suffix);
	put_labels(p, labels, n, le);
}

#define SECONDS "%" PRIu64 ".%09" PRIu64
#define AS_SECONDS(ns) (ns) / 1000000000u, (ns) % 1000000000u

void prom_u64(struct prom *p, const struct prom_label *labels, size_t n, uint64_t value)
{
	put_name(p, "", labels, n, NULL);
	ops_text_print(p->to, " %" PRIu64 "\n", value);
}

void prom_seconds(struct prom *p, const struct prom_label *labels, size_t n, uint64_t ns)
{
	put_name(p, "", labels, n, NULL);
	ops_text_print(p->to, " " SECONDS "\n", AS_SECONDS(ns));
}

/* "0.001", "2.5", "10.0": without the zeros behind, but always with a point, as OpenMetrics wants it. */
static void bound_text(uint64_t ns, char text[32])
{
	int len = snprintf(text, 32, SECONDS, AS_SECONDS(ns));

	while (len > 2 && text[len - 1] == '0' && text[len - 2] != '.')
		text[--len] = '\0';
}

void prom_histogram(struct prom *p, const struct prom_label *labels, size_t n, const struct prom_histogram *h)
{
	char le[32];
	uint64_t so_far = 0;

	for (size_t i = 0; i <= h->n; i++) {
		if (i < h->n)
			bound_text(h->bounds_ns[i], le);
		so_far += h->counts[i];
		put_name(p, "_bucket", labels, n, i < h->n ? le : "+Inf");
		ops_text_print(p->to, " %" PRIu64 "\n", so_far);
	}
	put_name(p, "_sum", labels, n, NULL);
	ops_text_print(p->to, " " SECONDS "\n", AS_SECONDS(h->sum_ns));
	put_name(p, "_count", labels, n, NULL);
	ops_text_print(p->to, " %" PRIu64 "\n", so_far);
}
