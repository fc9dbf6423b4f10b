/*
 * Block and allow lists of a real node, at the start and again at each SIGHUP, together with the log level. What does not
 * read is told with file and line, and everything stays as it was.
 */
#include "sim/cli/real_node.h"

#include <inttypes.h>

#include "transport/files/list_file.h"

/* One file's rules; an empty name is none. */
static bool read_list(const struct settings *s, const char *name, bool allow, struct tp_rules *rules, char error[CLI_ERROR_TEXT])
{
	char path[TP_PATH_MAX];
	struct tp_message msg;

	if (*name == '\0')
		return true;
	if (tp_home_path(s->home, name, path, &msg) == SY_OK && tp_rules_read(rules, path, allow, &msg) == SY_OK)
		return true;
	snprintf(error, CLI_ERROR_TEXT, "%.600s", msg.text);
	return false;
}

static bool take_lists(struct real_node *n, const struct settings *s, char error[CLI_ERROR_TEXT])
{
	struct tp_rules rules = {0};

	if (!read_list(s, s->block_list_file, false, &rules, error) || !read_list(s, s->allow_list_file, true, &rules, error)) {
		tp_rules_free(&rules);
		return false;
	}
	struct sy_input in = {.kind = SY_IN_LISTS, .bytes = {rules.bytes, rules.len}};
	struct sy_answer answer = real_node_give(n, &in);
	if (answer.err == SY_OK && (rules.len != 0 || answer.value != 0))
		node_log(&n->log, NODE_LOG_INFO, "lists: %zu rules; %" PRIu64 " addresses left the book", rules.len / SY_RULE_BYTES, answer.value);
	tp_rules_free(&rules);
	if (answer.err == SY_OK)
		return true;
	snprintf(error, CLI_ERROR_TEXT, "block_list_file, allow_list_file: %s", sy_err_text(answer.err));
	return false;
}

static bool has_allow_list(const struct settings *s, char error[CLI_ERROR_TEXT])
{
	if (!s->allow_list_only || *s->allow_list_file != '\0')
		return true;
	settings_blame(s, "switchyard.allow_list_only", error, "switchyard.allow_list_only: without an allow_list_file nobody would be let in");
	return false;
}

bool real_node_lists(struct real_node *n, char error[CLI_ERROR_TEXT])
{
	return has_allow_list(n->settings, error) && take_lists(n, n->settings, error);
}

/* What a running node can change: lists and log level. The rest of the file is judged and waits for a restart. */
static bool reload(struct real_node *n, const struct settings *fresh, char error[CLI_ERROR_TEXT])
{
	struct node_log_levels level;

	if (!node_log_parse(fresh->log_level, &level)) {
		settings_blame(fresh, "log_level", error, "log_level wants levels such as info or p2p:debug,*:error, not \"%.60s\"",
		               fresh->log_level);
		return false;
	}
	if (fresh->allow_list_only != n->settings->allow_list_only) {
		snprintf(error, CLI_ERROR_TEXT, "switchyard.allow_list_only has changed: that takes a restart");
		return false;
	}
	if (!has_allow_list(fresh, error) || !take_lists(n, fresh, error))
		return false;
	n->log.level = level;
	return true;
}

void real_node_reload(struct real_node *n)
{
	struct settings fresh = {0};
	char error[CLI_ERROR_TEXT] = "";

	if (settings_load(&fresh, n->call, NULL, error) && reload(n, &fresh, error))
		node_log(&n->log, NODE_LOG_INFO, "reloaded: lists and log level");
	else
		node_log(&n->log, NODE_LOG_ERROR, "not reloaded, everything stays: %s", error);
	settings_fini(&fresh);
}
