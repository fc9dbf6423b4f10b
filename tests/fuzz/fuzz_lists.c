/* A block or allow list as people write it. First byte: which. What reads is what the core takes. */
#include <unistd.h>

#include "core/book/lists.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/env.h"
#include "transport/files/list_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fuzz_in in = {bytes, n};
	bool allow = fuzz_byte(&in) & 1;
	char path[FUZZ_PATH];
	struct tp_message msg = {.text = ""};
	struct tp_rules rules = {0};
	struct sy_lists lists = {0};
	struct test_env t;
	int fd;

	fuzz_file(in, &fd, path);
	enum sy_err err = tp_rules_read(&rules, path, allow, &msg);
	close(fd);
	FUZZ_HOLDS(err == SY_OK || (rules.len == 0 && msg.text[0] != '\0'));
	test_env_init(&t, 1);
	if (err == SY_OK)
		FUZZ_HOLDS(sy_lists_load(&lists, &t.env, (struct sy_span){rules.bytes, rules.len}) == SY_OK);
	sy_lists_fini(&lists, &t.env);
	tp_rules_free(&rules);
	FUZZ_HOLDS(t.live_blocks == 0);
	return 0;
}
