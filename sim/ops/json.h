/* A jansson value as the body of an answer. */
#ifndef SIM_OPS_JSON_H
#define SIM_OPS_JSON_H

#include <jansson.h>

#include "sim/ops/text.h"

/* Takes the value and writes it as one line; null, which is what jansson makes of no memory, fails the text. */
void ops_json_put(struct ops_text *to, json_t *value);
/* A text of a peer's: what is no UTF-8 becomes "?". New reference, null without memory. */
json_t *ops_json_text(const char *text);
/* False when it could not be set. Takes the value, which may be null. */
bool ops_json_set(json_t *object, const char *key, json_t *value);

#endif
