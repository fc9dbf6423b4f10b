#include "tests/support/data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void give_up(const char *what, const char *name)
{
	fprintf(stderr, "test data: %s: %s\n", what, name);
	exit(99);
}

static unsigned digit(char c)
{
	const char *all = "0123456789abcdef";
	const char *at = c ? strchr(all, c) : NULL;
	return at ? (unsigned)(at - all) : 16;
}

size_t test_hex(const char *hex, uint8_t *out, size_t cap)
{
	size_t n = 0;
	for (const char *p = hex; *p; p++) {
		if (*p == ' ')
			continue;
		unsigned high = digit(p[0]), low = digit(p[1]);
		if (high > 15 || low > 15 || n == cap)
			give_up("bad or too long hex", hex);
		out[n++] = (uint8_t)(high << 4 | low);
		p++;
	}
	return n;
}

json_t *test_data_json(const char *name)
{
	static const char up[] = "../../../../../../../";
	for (size_t level = 0; level <= sizeof up / 3; level++) {
		char path[256];
		snprintf(path, sizeof path, "%.*stests/data/%s", (int)(3 * level), up, name);
		json_t *root = json_load_file(path, 0, NULL);
		if (root)
			return root;
	}
	give_up("not found or no JSON", name);
	return NULL;
}

void test_data_hex(const json_t *object, const char *key, uint8_t *out, size_t n)
{
	const char *hex = json_string_value(json_object_get(object, key));
	if (!hex || test_hex(hex, out, n) != n)
		give_up("missing or of another length", key);
}
