#include "transport/files/list_file.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/wire/group.h"
#include "transport/files/atomic_file.h"

#define FILE_MAX (8u * 1024u * 1024u) /* 65,536 lines with a comment each */

static bool parse_bits(const char *text, size_t n, uint32_t most, uint32_t *bits)
{
	*bits = 0;
	if (n == 0 || n > 3)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*bits = *bits * 10 + (uint32_t)(text[i] - '0');
	}
	return *bits <= most;
}

/* Null: a rule; else what is wrong with the word. */
static const char *parse_net(const char *word, size_t n, bool allow, uint8_t rule[SY_RULE_BYTES])
{
	const char *slash = memchr(word, '/', n);
	size_t ip_len = slash ? (size_t)(slash - word) : n;
	uint8_t ip[16];
	if (sy_ip_parse(word, ip_len, ip) != SY_OK)
		return "is no id of 40 hex digits, no IP and no network such as 192.0.2.0/24";
	bool v4 = sy_ip_is_v4(ip) && !memchr(word, ':', ip_len);
	uint32_t bits = v4 ? 32 : 128;
	if (slash && !parse_bits(slash + 1, n - ip_len - 1, bits, &bits))
		return v4 ? "wants a prefix of 0 to 32 bits behind the /" : "wants a prefix of 0 to 128 bits behind the /";
	sy_rule_of_net(rule, allow ? SY_RULE_ALLOW_NET : SY_RULE_BLOCK_NET, ip, v4 ? bits + 96 : bits);
	return memcmp(rule + 2, ip, sizeof ip) == 0 ? NULL : "has bits set behind its prefix: which network is meant?";
}

static const char *parse_word(const char *word, size_t n, bool allow, uint8_t rule[SY_RULE_BYTES])
{
	struct sy_id id;
	if (sy_id_parse(word, n, &id, NULL) != SY_OK)
		return parse_net(word, n, allow, rule);
	sy_rule_of_id(rule, allow ? SY_RULE_ALLOW_ID : SY_RULE_BLOCK_ID, &id);
	return NULL;
}

static bool add(struct tp_rules *rules, const uint8_t rule[SY_RULE_BYTES])
{
	if (rules->len + SY_RULE_BYTES > rules->cap) {
		size_t cap = rules->cap ? 2 * rules->cap : 64 * SY_RULE_BYTES;
		uint8_t *grown = realloc(rules->bytes, cap);
		if (!grown)
			return false;
		rules->bytes = grown;
		rules->cap = cap;
	}
	memcpy(rules->bytes + rules->len, rule, SY_RULE_BYTES);
	rules->len += SY_RULE_BYTES;
	return true;
}

/* One line, without its end. */
static enum sy_err read_line(struct tp_rules *rules, const char *line, size_t n, bool allow, const char **wrong)
{
	static const char blanks[] = " \t\r";
	uint8_t rule[SY_RULE_BYTES];
	const char *comment = memchr(line, '#', n);
	n = comment ? (size_t)(comment - line) : n;
	while (n && strchr(blanks, line[n - 1]))
		n--;
	while (n && strchr(blanks, *line)) {
		line++;
		n--;
	}
	if (n == 0)
		return SY_OK;
	*wrong = parse_word(line, n, allow, rule);
	if (*wrong)
		return SY_PARSE;
	if (rules->len == SY_LIMIT_LIST_RULES * SY_RULE_BYTES)
		return SY_LIMIT;
	return add(rules, rule) ? SY_OK : SY_NO_MEMORY;
}

static enum sy_err read_lines(struct tp_rules *rules, const char *path, const char *text, bool allow, struct tp_message *msg)
{
	for (unsigned number = 1; *text != '\0'; number++) {
		size_t n = strcspn(text, "\n");
		const char *wrong = NULL;
		enum sy_err err = read_line(rules, text, n, allow, &wrong);
		if (err == SY_PARSE)
			tp_message_set(msg, "%s:%u: \"%.*s\" %s", path, number, (int)(n < 60 ? n : 60), text, wrong);
		else if (err == SY_LIMIT)
			tp_message_set(msg, "%s:%u: there may be %u rules at most, those of the block and the allow list together", path, number,
			               SY_LIMIT_LIST_RULES);
		else if (err)
			tp_message_set(msg, "%s: out of memory", path);
		if (err)
			return err;
		text += n + (text[n] == '\n');
	}
	return SY_OK;
}

enum sy_err tp_rules_read(struct tp_rules *rules, const char *path, bool allow, struct tp_message *msg)
{
	char *text;
	size_t len, before = rules->len;
	enum sy_err err = tp_file_read(path, FILE_MAX, &text, &len, msg);
	if (err)
		return err;
	if (strlen(text) != len) {
		tp_message_set(msg, "%s: is no text", path);
		err = SY_PARSE;
	}
	if (!err)
		err = read_lines(rules, path, text, allow, msg);
	free(text);
	if (err)
		rules->len = before;
	return err;
}

void tp_rules_free(struct tp_rules *rules)
{
	free(rules->bytes);
	*rules = (struct tp_rules){0};
}
