/* What a crawl found, as JSON and as CSV. Keys and columns are the same, and in the same order. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/crawl/crawl.h"
#include "transport/files/rfc3339.h"

struct texts {
	char id[SY_ID_TEXT], address[SY_HOST_TEXT + SY_ADDR_TEXT], told_by[SY_ID_TEXT], channels[2 * SY_NODE_INFO_CHANNELS + 1];
};

static const char *end_name(enum crawl_end end)
{
	switch (end) {
	case CRAWL_DONE:
		return "done";
	case CRAWL_INTERRUPTED:
		return "interrupted";
	case CRAWL_TIME_UP:
		return "time_up";
	}
	return "?";
}

/* host:port as it was given, when it was a name; ip:port otherwise. */
static void put_address(const struct crawl_found *f, char *text, size_t cap)
{
	char dial[SY_ADDR_TEXT];

	sy_netaddr_format_dial(&f->addr, dial);
	if (f->host == NULL)
		snprintf(text, cap, "%s", dial);
	else
		snprintf(text, cap, "%s:%u", f->host, f->addr.port);
}

static void put_texts(const struct crawl_table *t, const struct crawl_found *f, struct texts *x)
{
	memset(x, 0, sizeof *x);
	sy_id_format(&f->addr.id, x->id);
	put_address(f, x->address, sizeof x->address);
	if (f->told_by != 0)
		sy_id_format(&t->at[f->told_by - 1].addr.id, x->told_by);
	for (unsigned i = 0; f->info != NULL && i < f->info->num_channels; i++)
		snprintf(x->channels + 2 * i, 3, "%02X", f->info->channels[i]);
}

/* ------------------------------------------------------------------ one address */

static json_t *text_or_null(const char *text)
{
	return text == NULL || *text == '\0' ? json_null() : json_string(text);
}

static json_t *time_or_null(uint64_t ns)
{
	return ns == CRAWL_NO_TIME ? json_null() : json_integer((json_int_t)(ns / 1000));
}

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static void put_who(json_t *o, const struct crawl_found *f, const struct texts *x)
{
	char dial[SY_ADDR_TEXT];

	sy_netaddr_format_dial(&f->addr, dial);
	json_object_set_new(o, "id", json_string(x->id));
	json_object_set_new(o, "address", json_string(x->address));
	json_object_set_new(o, "ip", f->err == SY_DNS ? json_null() : json_string(dial));
	json_object_set_new(o, "outcome", json_string(crawl_outcome_name(f->outcome)));
	json_object_set_new(o, "error", f->err == SY_OK ? json_null() : json_string(sy_err_name(f->err)));
	json_object_set_new(o, "error_text", f->err == SY_OK ? json_null() : json_string(sy_err_text(f->err)));
}

/* What it says of itself; nothing when no node info was seen. */
static void put_info(json_t *o, const struct crawl_info *info, const struct texts *x)
{
	static const struct crawl_info none;
	const struct crawl_info *k = info == NULL ? &none : info;

	json_object_set_new(o, "network", text_or_null(k->network));
	json_object_set_new(o, "p2p_version", info == NULL ? json_null() : number(k->p2p_version));
	json_object_set_new(o, "block_version", info == NULL ? json_null() : number(k->block_version));
	json_object_set_new(o, "app_version", info == NULL ? json_null() : number(k->app_version));
	json_object_set_new(o, "version", text_or_null(k->version));
	json_object_set_new(o, "moniker", text_or_null(k->moniker));
	json_object_set_new(o, "channels", text_or_null(x->channels));
	json_object_set_new(o, "listen_addr", text_or_null(k->listen_addr));
	json_object_set_new(o, "rpc_address", text_or_null(k->rpc_address));
	json_object_set_new(o, "tx_index", text_or_null(k->tx_index));
}

static void put_found(json_t *o, const struct crawl_found *f, const struct texts *x)
{
	json_object_set_new(o, "connect_us", time_or_null(f->connect_ns));
	json_object_set_new(o, "handshake_us", time_or_null(f->handshake_ns));
	json_object_set_new(o, "answer_us", time_or_null(f->answer_ns));
	json_object_set_new(o, "answered", json_boolean(f->answered));
	json_object_set_new(o, "gave", number(f->gave));
	json_object_set_new(o, "hung_up", json_boolean(f->hung_up));
	json_object_set_new(o, "depth", number(f->depth));
	json_object_set_new(o, "told", number(f->told));
	json_object_set_new(o, "told_by", text_or_null(x->told_by));
}

static json_t *node_json(const struct crawl_table *t, const struct crawl_found *f)
{
	json_t *o = json_object();
	struct texts x;

	put_texts(t, f, &x);
	put_who(o, f, &x);
	put_info(o, f->info, &x);
	put_found(o, f, &x);
	return o;
}

/* ------------------------------------------------------------------ JSON */

static json_t *head_json(const struct crawl_result *r)
{
	char began[TP_RFC3339_TEXT];
	json_t *o = json_object(), *counts = json_object();

	tp_rfc3339_format(r->began_s, began);
	json_object_set_new(counts, "all", number(r->table.n));
	for (int i = 0; i < CRAWL_OUTCOMES; i++)
		json_object_set_new(counts, crawl_outcome_name((enum crawl_outcome)i), number(r->counts[i]));
	json_object_set_new(counts, "dropped", number(r->table.dropped));
	json_object_set_new(o, "network", text_or_null(r->network));
	json_object_set_new(o, "block_version", r->block_version == 0 ? json_null() : number(r->block_version));
	json_object_set_new(o, "began", json_string(began));
	json_object_set_new(o, "took_ms", number(r->took_ns / 1000000u));
	json_object_set_new(o, "end", json_string(end_name(r->end)));
	json_object_set_new(o, "addresses", counts);
	return o;
}

char *crawl_json(const struct crawl_result *r, size_t *len)
{
	uint32_t *order = crawl_table_sorted(&r->table);
	json_t *all = head_json(r), *nodes = json_array();
	char *text = NULL;

	for (uint32_t i = 0; order != NULL && i < r->table.n; i++)
		json_array_append_new(nodes, node_json(&r->table, &r->table.at[order[i]]));
	bool whole = order != NULL && json_array_size(nodes) == r->table.n;
	if (json_object_set_new(all, "nodes", nodes) == 0 && whole)
		text = json_dumps(all, JSON_INDENT(1));
	*len = text == NULL ? 0 : strlen(text);
	json_decref(all);
	free(order);
	return text;
}

/* ------------------------------------------------------------------ CSV */

/* Quoted, since monikers have commas; and what a spreadsheet would take for a formula begins with an apostrophe. */
static void put_text(FILE *to, const char *text)
{
	fputs(strchr("=+-@", *text) != NULL ? "\"'" : "\"", to);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			fputc('"', to);
		fputc(*text, to);
	}
	fputc('"', to);
}

/* A row of the object's keys, or of its values. */
static void put_row(FILE *to, json_t *node, bool keys)
{
	const char *key, *between = "";
	json_t *value;

	json_object_foreach(node, key, value)
	{
		fputs(between, to);
		between = ",";
		if (keys)
			fputs(key, to);
		else if (json_is_string(value))
			put_text(to, json_string_value(value));
		else if (json_is_integer(value))
			fprintf(to, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		else if (json_is_boolean(value))
			fputs(json_is_true(value) ? "true" : "false", to);
	}
	fputc('\n', to);
	json_decref(node);
}

char *crawl_csv(const struct crawl_result *r, size_t *len)
{
	static const struct crawl_found nobody;
	uint32_t *order = crawl_table_sorted(&r->table);
	char *text = NULL;
	FILE *to = order == NULL ? NULL : open_memstream(&text, len);

	if (to == NULL) {
		free(order);
		return NULL;
	}
	put_row(to, node_json(&r->table, &nobody), true);
	for (uint32_t i = 0; i < r->table.n; i++)
		put_row(to, node_json(&r->table, &r->table.at[order[i]]), false);
	free(order);
	if (fclose(to) == 0)
		return text;
	free(text);
	return NULL;
}
