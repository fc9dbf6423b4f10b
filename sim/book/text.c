#include "sim/book/book.h"

#include <stdlib.h>
#include <string.h>

#define LIST_MAX ((size_t)16 << 20)

bool book_read_addr(const char *text, struct sy_netaddr *addr, char error[BOOK_ERROR_TEXT])
{
	char host[SY_HOST_TEXT];
	enum sy_err err = sy_netaddr_parse(text, addr, host);

	if (err == SY_OK)
		return true;
	if (err == SY_ADDR_NEEDS_DNS)
		snprintf(error, BOOK_ERROR_TEXT, "\"%.200s\": a book holds IP addresses, not names; look it up first", text);
	else
		snprintf(error, BOOK_ERROR_TEXT, "\"%.200s\" is no id@ip:port: %s", text, sy_err_text(err));
	return false;
}

/* The words of one line, up to a comment. */
static bool read_line(char *line, struct sy_netaddr *addrs, uint32_t *n, char error[BOOK_ERROR_TEXT])
{
	char *rest = NULL;

	line[strcspn(line, "#")] = '\0';
	for (char *word = strtok_r(line, ", \t\r\"", &rest); word != NULL; word = strtok_r(NULL, ", \t\r\"", &rest))
		if (!book_read_addr(word, &addrs[(*n)++], error))
			return false;
	return true;
}

static bool read_lines(const char *path, char *text, struct sy_netaddr *addrs, uint32_t *n, char error[BOOK_ERROR_TEXT])
{
	char why[BOOK_ERROR_TEXT];
	unsigned number = 1;

	for (char *line = text, *next; line != NULL; line = next, number++) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (read_line(line, addrs, n, why))
			continue;
		snprintf(error, BOOK_ERROR_TEXT, "%.300s:%u: %.300s", path, number, why);
		return false;
	}
	return true;
}

bool book_read_list(const char *path, struct sy_netaddr **addrs, uint32_t *n, char error[BOOK_ERROR_TEXT])
{
	struct tp_message msg;
	char *text;
	size_t len;

	*n = 0;
	if (tp_file_read(path, LIST_MAX, &text, &len, &msg) != SY_OK) {
		snprintf(error, BOOK_ERROR_TEXT, "%.600s", msg.text);
		return false;
	}
	*addrs = calloc(len / 44 + 2, sizeof **addrs); /* the shortest has 40 digits, @, :, and what parts it from the next */
	bool good = *addrs != NULL;
	if (good)
		good = read_lines(path, text, *addrs, n, error);
	else
		snprintf(error, BOOK_ERROR_TEXT, "%.500s: out of memory", path);
	if (!good) {
		free(*addrs);
		*addrs = NULL;
	}
	free(text);
	return good;
}
