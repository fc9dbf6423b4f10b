/* The log of a real node. */
#include "sim/cli/node_log.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "sim/cli/log_line.h"

static const char *const level_names[] = {"none", "error", "warn", "info", "debug"};
static const char *const module_names[NODE_LOG_MODULES] = {"main", "p2p", "pex", "book"};

/* ------------------------------------------------------------------ levels */

static bool level_of(const char *word, size_t len, enum node_log_level *level)
{
	for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
		if (strlen(level_names[i]) == len && memcmp(level_names[i], word, len) == 0) {
			*level = (enum node_log_level)i;
			return true;
		}
	}
	return false;
}

/* One element: "level" or "module:level". named: the modules that have a level of their own, a bit each. */
static bool parse_element(const char *at, size_t len, struct node_log_levels *levels, unsigned *named)
{
	const char *colon = memchr(at, ':', len);
	size_t module = colon == NULL ? 0 : (size_t)(colon - at);
	enum node_log_level one;

	if (!level_of(colon == NULL ? at : colon + 1, colon == NULL ? len : len - module - 1, &one))
		return false;
	bool all = colon == NULL || (module == 1 && *at == '*');
	for (unsigned i = 0; i < NODE_LOG_MODULES; i++) {
		bool its = !all && strlen(module_names[i]) == module && memcmp(module_names[i], at, module) == 0;

		if (its || (all && (*named >> i & 1) == 0))
			levels->of[i] = one;
		*named |= (unsigned)its << i;
	}
	return true;
}

bool node_log_parse(const char *text, struct node_log_levels *levels)
{
	unsigned named = 0;

	for (unsigned i = 0; i < NODE_LOG_MODULES; i++)
		levels->of[i] = NODE_LOG_INFO;
	for (const char *at = text;; at++) {
		size_t len = strcspn(at, ",");

		if (!parse_element(at, len, levels, &named))
			return false;
		at += len;
		if (*at == '\0')
			return true;
	}
}

/* ------------------------------------------------------------------ lines */

static void begin(const struct node_log *log, struct log_line *l, enum node_log_level level, enum node_log_module module, const char *msg)
{
	struct timespec now;
	struct tm tm;
	char time[32], ts[64];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(ts, sizeof ts, "%s.%03ldZ", time, now.tv_nsec / 1000000);
	log_line_begin(l, log->json);
	log_line_text(l, "ts", ts);
	log_line_text(l, "level", level_names[level]);
	log_line_text(l, "module", module_names[module]);
	log_line_text(l, log->json ? "_msg" : "msg", msg);
}

/* Before the next line, so that the gap is told where it is. */
static void tell_dropped(struct node_log *log)
{
	struct log_line line;

	if (log->untold == 0 || !log_out_ready(&log->out))
		return;
	begin(log, &line, NODE_LOG_WARN, NODE_LOG_MAIN, "lines were dropped");
	log_line_u64(&line, "lines", log->untold);
	log_line_text(&line, "why", "nobody read standard error in time");
	log_line_end(&line);
	if (log_out_line(&log->out, line.text, line.len))
		log->untold = 0;
}

static void end(struct node_log *log, struct log_line *l)
{
	log_line_end(l);
	if (!log->out.open) {
		fputs(l->text, log->to == NULL ? stderr : log->to);
		return;
	}
	tell_dropped(log);
	if (log->untold == 0 && log_out_line(&log->out, l->text, l->len))
		return;
	log->dropped++;
	log->untold++;
}

void node_log_open(struct node_log *log, int fd)
{
	log_out_open(&log->out, fd);
}

void node_log_close(struct node_log *log)
{
	if (!log->out.open)
		return;
	if (log->untold != 0 || !log_out_ready(&log->out))
		log_out_wait(&log->out);
	tell_dropped(log);
	log_out_close(&log->out);
}

void node_log(struct node_log *log, enum node_log_level level, const char *format, ...)
{
	struct log_line line;
	char msg[1024];
	va_list args;

	if (level > log->level.of[NODE_LOG_MAIN] || level == NODE_LOG_NONE)
		return;
	va_start(args, format);
	vsnprintf(msg, sizeof msg, format, args);
	va_end(args);
	begin(log, &line, level, NODE_LOG_MAIN, msg);
	end(log, &line);
}

/* ------------------------------------------------------------------ what the node traces */

/* How a kind of record is told. */
struct telling {
	const char *msg;
	enum node_log_module module;
	enum node_log_level level;
};

/* An empty msg: it is not told. */
static struct telling telling_of(const struct sy_trace *t)
{
	switch (t->kind) {
	case SY_TRACE_PEER_ADDED:
		return (struct telling){"peer added", NODE_LOG_P2P, NODE_LOG_INFO};
	case SY_TRACE_PEER_REMOVED:
		return (struct telling){"peer removed", NODE_LOG_P2P, NODE_LOG_INFO};
	case SY_TRACE_REFUSED:
		return (struct telling){"refused", NODE_LOG_P2P, NODE_LOG_INFO};
	case SY_TRACE_DIAL:
		return (struct telling){"dialling", NODE_LOG_P2P, NODE_LOG_DEBUG};
	case SY_TRACE_DIAL_DONE:
		return (struct telling){t->err == SY_OK ? "dialled" : "dial failed", NODE_LOG_P2P, NODE_LOG_DEBUG};
	case SY_TRACE_RECONNECT:
		return (struct telling){"reconnecting", NODE_LOG_P2P, NODE_LOG_DEBUG};
	case SY_TRACE_DROPPED:
		return (struct telling){"dropped a message", NODE_LOG_P2P, NODE_LOG_WARN};
	case SY_TRACE_PEX_REQUEST:
		return (struct telling){t->a == 0 ? "request sent" : "request received", NODE_LOG_PEX, NODE_LOG_DEBUG};
	case SY_TRACE_PEX_ADDRS:
		return (struct telling){t->a == 0 ? "addresses sent" : "addresses received", NODE_LOG_PEX, NODE_LOG_DEBUG};
	case SY_TRACE_BOOK_ADD:
		return (struct telling){"new address", NODE_LOG_BOOK, NODE_LOG_DEBUG};
	case SY_TRACE_BOOK_GONE:
		return (struct telling){"address given up", NODE_LOG_BOOK, NODE_LOG_DEBUG};
	case SY_TRACE_BAN:
		return (struct telling){"banned", NODE_LOG_BOOK, NODE_LOG_INFO};
	case SY_TRACE_CONN_STATE:
	case SY_TRACE_MESSAGE:
		break;
	}
	return (struct telling){"", NODE_LOG_P2P, NODE_LOG_NONE};
}

static bool has_address(const struct sy_trace *t)
{
	static const uint8_t none[16];

	return t->addr.flags != 0 || t->addr.port != 0 || memcmp(t->addr.ip, none, sizeof none) != 0;
}

/* Who, from where, and why: whatever the record has of these. */
static void put_common(struct log_line *l, const struct ops_conns *conns, const struct sy_trace *t)
{
	char text[SY_ADDR_TEXT];

	if (has_address(t)) {
		if (t->addr.flags == 0)
			sy_netaddr_format_dial(&t->addr, text);
		else
			sy_netaddr_format(&t->addr, text);
		log_line_text(l, "peer", text);
	}
	if (t->kind == SY_TRACE_PEER_ADDED || t->kind == SY_TRACE_PEER_REMOVED || t->kind == SY_TRACE_REFUSED || t->kind == SY_TRACE_DROPPED)
		log_line_text(l, "direction", ops_conns_outbound(conns, t->conn) ? "outbound" : "inbound");
	if (t->err != SY_OK) {
		log_line_text(l, "reason", sy_err_name(t->err));
		log_line_text(l, "why", sy_err_text(t->err));
	}
}

static void put_own(struct log_line *l, const struct sy_trace *t)
{
	char ch[8];

	snprintf(ch, sizeof ch, "0x%x", (unsigned)(t->a & 0xff));
	if (t->kind == SY_TRACE_DROPPED) {
		log_line_text(l, "chID", ch);
		log_line_u64(l, "bytes", t->b);
	} else if (t->kind == SY_TRACE_PEX_ADDRS) {
		log_line_u64(l, "addresses", t->b);
	} else if (t->kind == SY_TRACE_BAN) {
		log_line_u64(l, "until", t->a);
	} else if (t->kind == SY_TRACE_RECONNECT) {
		log_line_u64(l, "attempt", t->a);
		log_line_u64(l, "in_ms", t->b / 1000000u);
	}
}

static void left_out(struct node_log *log, unsigned kind)
{
	struct telling what = telling_of(&(struct sy_trace){.kind = (enum sy_trace_kind)kind});
	struct log_line line;

	if (log->kind[kind].left_out == 0)
		return;
	begin(log, &line, NODE_LOG_WARN, what.module, "lines were left out");
	log_line_text(&line, "of", what.msg);
	log_line_u64(&line, "lines", log->kind[kind].left_out);
	end(log, &line);
	log->kind[kind].left_out = 0;
}

void node_log_flush(struct node_log *log)
{
	for (unsigned i = 0; i < NODE_LOG_KINDS; i++)
		left_out(log, i);
}

/* False: this kind's second has had enough lines. */
static bool may_say(struct node_log *log, const struct sy_trace *t)
{
	uint64_t second = t->now_ns / 1000000000u;

	for (unsigned i = 0; i < NODE_LOG_KINDS; i++) {
		if (log->kind[i].second == second)
			continue;
		left_out(log, i);
		log->kind[i].second = second;
		log->kind[i].lines = 0;
	}
	if (log->kind[t->kind].lines == NODE_LOG_LINES) {
		log->kind[t->kind].left_out++;
		log->left_out++;
		return false;
	}
	log->kind[t->kind].lines++;
	return true;
}

void node_log_trace(struct node_log *log, const struct ops_conns *conns, const struct sy_trace *t)
{
	struct telling how = telling_of(t);
	struct log_line line;

	if (*how.msg == '\0' || how.level > log->level.of[how.module])
		return;
	if (t->kind == SY_TRACE_REFUSED && ops_conns_unopened(conns, t->conn)) /* what never was up: see DIAL_DONE */
		return;
	if (!may_say(log, t))
		return;
	begin(log, &line, how.level, how.module, how.msg);
	put_common(&line, conns, t);
	put_own(&line, t);
	end(log, &line);
}
