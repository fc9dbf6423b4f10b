/* Test data: hex, and the files below tests/data, found from any directory inside the repository. */
#ifndef TESTS_SUPPORT_DATA_H
#define TESTS_SUPPORT_DATA_H

#include "core/switchyard.h"

#include <jansson.h>

/* Turns hex (spaces allowed) into bytes. Returns how many; ends the process when it is no hex or exceeds cap. */
size_t test_hex(const char *hex, uint8_t *out, size_t cap);
/* Loads tests/data/<name>, looking upwards from the current directory; ends the process when it cannot. */
json_t *test_data_json(const char *name);
/* The bytes of a hex member; its length must be n. */
void test_data_hex(const json_t *object, const char *key, uint8_t *out, size_t n);

#endif
