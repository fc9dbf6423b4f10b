/* The log of a real node. */
#include "sim/cli/node_log.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "core/conn/conn.h"

static bool level_of(const char *word, size_t len, enum node_log_level *level)
{
	static const char *const names[] = {"none", "error", "info", "debug"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strlen(names[i]) == len && memcmp(names[i], word, len) == 0) {
			*level = (enum node_log_level)i;
			return true;
		}
	}
	return false;
}

/* One element: "level" or "module:level". */
static bool parse_element(const char *at, size_t len, enum node_log_level *level, bool *found_p2p)
{
	const char *colon = memchr(at, ':', len);
	size_t module = colon == NULL ? 0 : (size_t)(colon - at);
	enum node_log_level one;

	if (!level_of(colon == NULL ? at : colon + 1, colon == NULL ? len : len - module - 1, &one))
		return false;
	bool p2p = colon != NULL && module == 3 && memcmp(at, "p2p", 3) == 0;
	bool all = colon == NULL || (module == 1 && *at == '*');
	if (p2p || (all && !*found_p2p))
		*level = one;
	*found_p2p = *found_p2p || p2p;
	return true;
}

bool node_log_parse(const char *text, enum node_log_level *level)
{
	bool found_p2p = false;

	*level = NODE_LOG_INFO;
	for (const char *at = text;; at++) {
		size_t len = strcspn(at, ",");

		if (!parse_element(at, len, level, &found_p2p))
			return false;
		at += len;
		if (*at == '\0')
			return true;
	}
}

static void put(const struct node_log *log, enum node_log_level level, const char *format, va_list args)
{
	static const char *const names[] = {"", "ERROR", "INFO ", "DEBUG"};
	FILE *to = log->to == NULL ? stderr : log->to;
	struct timespec now;
	struct tm tm;
	char time[32];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &tm);
	fprintf(to, "%s.%03ldZ %s ", time, now.tv_nsec / 1000000, names[level]);
	vfprintf(to, format, args);
	fputc('\n', to);
}

static bool is_wanted(const struct node_log *log, enum node_log_level level)
{
	return level <= log->level && level != NODE_LOG_NONE;
}

void node_log(const struct node_log *log, enum node_log_level level, const char *format, ...)
{
	va_list args;

	if (!is_wanted(log, level))
		return;
	va_start(args, format);
	put(log, level, format, args);
	va_end(args);
}

/* ------------------------------------------------------------------ what the node traces */

void node_log_flush(struct node_log *log)
{
	if (log->left_out != 0)
		node_log(log, NODE_LOG_INFO, "%u lines were left out: more than %u in a second", log->left_out, NODE_LOG_LINES);
	log->left_out = 0;
}

/* A line for this record, unless its second has had enough of them. */
static __attribute__((format(printf, 4, 5))) void say(struct node_log *log, const struct sy_trace *t, enum node_log_level level,
                                                      const char *format, ...)
{
	uint64_t second = t->now_ns / 1000000000u;
	va_list args;

	if (!is_wanted(log, level))
		return;
	if (second != log->second) {
		node_log_flush(log);
		log->second = second;
		log->lines = 0;
	}
	if (log->lines == NODE_LOG_LINES) {
		log->left_out++;
		return;
	}
	log->lines++;
	va_start(args, format);
	put(log, level, format, args);
	va_end(args);
}

static const char *address(const struct sy_trace *t, char text[SY_ADDR_TEXT])
{
	if (t->addr.flags == 0)
		sy_netaddr_format_dial(&t->addr, text);
	else
		sy_netaddr_format(&t->addr, text);
	return text;
}

static bool is_same(struct sy_ref a, struct sy_ref b)
{
	return !sy_ref_is_null(a) && a.slot == b.slot && a.gen == b.gen;
}

static const char *direction(const struct node_log *log, const struct sy_trace *t)
{
	bool ours = !sy_ref_is_null(t->conn) && t->conn.slot < SY_LIMIT_CONNS && log->dial_gen[t->conn.slot] == t->conn.gen;

	return ours ? "outbound" : "inbound";
}

/* A removal names the slot and the reason only: which side dialled, and whether it ever was up, is known from before. */
static void remember(struct node_log *log, const struct sy_trace *t)
{
	if (t->kind == SY_TRACE_DIAL && t->conn.slot < SY_LIMIT_CONNS)
		log->dial_gen[t->conn.slot] = t->conn.gen;
	else if (t->kind == SY_TRACE_CONN_STATE && t->a == SY_CONN_DIALLING && t->b == SY_CONN_CLOSED)
		log->unopened = t->conn;
}

#define REASON "reason=%s (%s)"

static void trace_of_peers(struct node_log *log, const struct sy_trace *t)
{
	char text[SY_ADDR_TEXT];
	const char *who = address(t, text), *way = direction(log, t), *name = sy_err_name(t->err), *why = sy_err_text(t->err);

	if (t->kind == SY_TRACE_PEER_ADDED)
		say(log, t, NODE_LOG_INFO, "peer added %s %s", who, t->a != 0 ? "outbound" : "inbound");
	else if (t->kind == SY_TRACE_PEER_REMOVED)
		say(log, t, NODE_LOG_INFO, "peer removed %s %s " REASON, who, way, name, why);
	else if (t->kind == SY_TRACE_REFUSED && !is_same(t->conn, log->unopened)) /* what never was up: see DIAL_DONE */
		say(log, t, NODE_LOG_INFO, "refused %s %s " REASON, who, way, name, why);
	else if (t->kind == SY_TRACE_BAN)
		say(log, t, NODE_LOG_INFO, "banned %s until %llu " REASON, who, (unsigned long long)t->a, name, why);
	else if (t->kind == SY_TRACE_DROPPED)
		say(log, t, NODE_LOG_ERROR, "dropped a message of %llu bytes on channel 0x%02x of %s %s " REASON, (unsigned long long)t->b,
		    (unsigned)t->a, who, way, name, why);
}

static void trace_of_dials(struct node_log *log, const struct sy_trace *t)
{
	char text[SY_ADDR_TEXT];
	const char *who = address(t, text);

	if (t->kind == SY_TRACE_DIAL)
		say(log, t, NODE_LOG_DEBUG, "dialling %s", who);
	else if (t->kind == SY_TRACE_RECONNECT)
		say(log, t, NODE_LOG_DEBUG, "reconnecting to %s, attempt %llu", who, (unsigned long long)t->a);
	else if (t->err == SY_OK)
		say(log, t, NODE_LOG_DEBUG, "dialled %s: connected", who);
	else
		say(log, t, NODE_LOG_DEBUG, "dial failed %s " REASON, who, sy_err_name(t->err), sy_err_text(t->err));
}

static void show(struct node_log *log, const struct sy_trace *t)
{
	char who[SY_ADDR_TEXT];

	switch (t->kind) {
	case SY_TRACE_PEER_ADDED:
	case SY_TRACE_PEER_REMOVED:
	case SY_TRACE_REFUSED:
	case SY_TRACE_BAN:
	case SY_TRACE_DROPPED:
		trace_of_peers(log, t);
		break;
	case SY_TRACE_DIAL:
	case SY_TRACE_DIAL_DONE:
	case SY_TRACE_RECONNECT:
		trace_of_dials(log, t);
		break;
	case SY_TRACE_PEX_REQUEST:
		say(log, t, NODE_LOG_DEBUG, "pex request %s", t->a == 0 ? "sent" : "received");
		break;
	case SY_TRACE_PEX_ADDRS:
		say(log, t, NODE_LOG_DEBUG, "pex: %llu addresses %s", (unsigned long long)t->b, t->a == 0 ? "sent" : "received");
		break;
	case SY_TRACE_BOOK_ADD:
		if (t->err == SY_OK)
			say(log, t, NODE_LOG_DEBUG, "book: new address %s", address(t, who));
		break;
	case SY_TRACE_BOOK_GONE:
	case SY_TRACE_CONN_STATE:
	case SY_TRACE_MESSAGE:
		break;
	}
}

void node_log_trace(struct node_log *log, const struct sy_trace *t, bool shown)
{
	remember(log, t);
	if (shown)
		show(log, t);
}
