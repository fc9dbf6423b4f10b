/* A message of a user's type, by protobuf-c under our bounds: its memory is counted, and what is read is written the same. */
#include <stdlib.h>

#include "core/base/limits.h"
#include "core/wire/usermsg.h"
#include "testmsg.pb-c.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/env.h"

#define TREE (&testmsg__tree__descriptor)

/* Without our bound of memory, which goes by the bytes: what is written may be shorter than what was read, and denser. */
static void same(const uint8_t *bytes, size_t n)
{
	ProtobufCMessage *m = protobuf_c_message_unpack(TREE, NULL, n, bytes);
	uint8_t *buf = malloc(n + 1);

	FUZZ_HOLDS(m != NULL && buf != NULL);
	FUZZ_HOLDS(sy_usermsg_size(m) == n);
	sy_usermsg_encode(m, buf);
	FUZZ_HOLDS(memcmp(buf, bytes, n) == 0);
	protobuf_c_message_free_unpacked(m, NULL);
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct test_env t;
	struct ProtobufCMessage *m;

	test_env_init(&t, 1);
	enum sy_err err = sy_usermsg_decode(&t.env, TREE, (struct sy_span){bytes, n}, &m);
	FUZZ_HOLDS(err == SY_OK || err == SY_PEER_BAD_MESSAGE);
	FUZZ_HOLDS(t.peak_bytes <= n * SY_LIMIT_DECODE_FACTOR + 4096);
	if (err == SY_OK) {
		size_t len = sy_usermsg_size(m);
		uint8_t *buf = malloc(len + 1);

		FUZZ_HOLDS(buf != NULL);
		sy_usermsg_encode(m, buf);
		sy_usermsg_free(&t.env, m);
		same(buf, len);
		free(buf);
	}
	FUZZ_HOLDS(t.live_blocks == 0);
	return 0;
}
