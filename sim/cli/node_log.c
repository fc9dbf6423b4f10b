/* The log of a real node. */
#include "sim/cli/node_log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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

void node_log(const struct node_log *log, enum node_log_level level, const char *format, ...)
{
	static const char *const names[] = {"", "ERROR", "INFO ", "DEBUG"};
	struct timespec now;
	struct tm tm;
	char time[32];
	va_list args;

	if (level > log->level || level == NODE_LOG_NONE)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &tm);
	fprintf(stderr, "%s.%03ldZ %s ", time, now.tv_nsec / 1000000, names[level]);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static const char *address(const struct sy_trace *t, char text[SY_ADDR_TEXT])
{
	if (t->addr.flags == 0)
		sy_netaddr_format_dial(&t->addr, text);
	else
		sy_netaddr_format(&t->addr, text);
	return text;
}

static void trace_of_peers(const struct node_log *log, const struct sy_trace *t, const char *who)
{
	if (t->kind == SY_TRACE_PEER_ADDED)
		node_log(log, NODE_LOG_INFO, "peer added %s %s", who, t->a != 0 ? "outbound" : "inbound");
	else if (t->kind == SY_TRACE_PEER_REMOVED)
		node_log(log, NODE_LOG_INFO, "peer removed %s: %s", who, sy_err_text(t->err));
	else if (t->kind == SY_TRACE_REFUSED)
		node_log(log, NODE_LOG_DEBUG, "refused %s: %s", who, sy_err_text(t->err));
	else if (t->kind == SY_TRACE_BAN)
		node_log(log, NODE_LOG_INFO, "banned %s: %s", who, sy_err_text(t->err));
}

void node_log_trace(const struct node_log *log, const struct sy_trace *t)
{
	char who[SY_ADDR_TEXT];

	switch (t->kind) {
	case SY_TRACE_PEER_ADDED:
	case SY_TRACE_PEER_REMOVED:
	case SY_TRACE_REFUSED:
	case SY_TRACE_BAN:
		trace_of_peers(log, t, address(t, who));
		break;
	case SY_TRACE_DIAL:
		node_log(log, NODE_LOG_DEBUG, "dialling %s", address(t, who));
		break;
	case SY_TRACE_DIAL_DONE:
		node_log(log, NODE_LOG_DEBUG, "dialled %s: %s", address(t, who), t->err == SY_OK ? "connected" : sy_err_text(t->err));
		break;
	case SY_TRACE_RECONNECT:
		node_log(log, NODE_LOG_DEBUG, "reconnecting to %s, attempt %llu", address(t, who), (unsigned long long)t->a);
		break;
	case SY_TRACE_PEX_REQUEST:
		node_log(log, NODE_LOG_DEBUG, "pex request %s", t->a == 0 ? "sent" : "received");
		break;
	case SY_TRACE_PEX_ADDRS:
		node_log(log, NODE_LOG_DEBUG, "pex: %llu addresses %s", (unsigned long long)t->b, t->a == 0 ? "sent" : "received");
		break;
	case SY_TRACE_BOOK_ADD:
		if (t->err == SY_OK)
			node_log(log, NODE_LOG_DEBUG, "book: new address %s", address(t, who));
		break;
	case SY_TRACE_DROPPED:
		node_log(log, NODE_LOG_ERROR, "a message of %llu bytes on channel 0x%02x was dropped", (unsigned long long)t->b, (unsigned)t->a);
		break;
	case SY_TRACE_BOOK_GONE:
	case SY_TRACE_CONN_STATE:
	case SY_TRACE_MESSAGE:
		break;
	}
}
