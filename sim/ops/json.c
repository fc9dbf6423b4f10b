#include "sim/ops/json.h"

static int add(const char *bytes, size_t len, void *to)
{
	ops_text_add(to, bytes, len);
	return 0;
}

void ops_json_put(struct ops_text *to, json_t *value)
{
	if (value == NULL || json_dump_callback(value, add, to, JSON_COMPACT) != 0)
		to->failed = true;
	ops_text_add(to, "\n", 1);
	json_decref(value);
}

json_t *ops_json_text(const char *text)
{
	json_t *value = json_string(text);

	return value != NULL ? value : json_string("?");
}

bool ops_json_set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}
