/* The only file of core that includes protobuf-c's header. */
#include "core/wire/usermsg.h"

#include "core/base/assert.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "core/wire/cursor.h"

#include <protobuf-c/protobuf-c.h>
#include <string.h>

/*
 * The library frees without telling the size, so each block carries it in front. Sixteen bytes keep the alignment that
 * the environment gives.
 */
#define HEAD 16

struct budget {
	const struct sy_env *env;
	uint64_t left;
	bool no_memory; /* the environment refused, rather than the budget */
};

static void *budget_alloc(void *data, size_t size)
{
	struct budget *b = data;
	if (size > b->left || size + HEAD > b->left)
		return NULL;
	uint8_t *block = b->env->alloc(b->env->ctx, NULL, 0, size + HEAD);
	b->no_memory |= !block;
	if (!block)
		return NULL;
	b->left -= size + HEAD;
	memcpy(block, &size, sizeof size);
	return block + HEAD;
}

static void budget_free(void *data, void *ptr)
{
	struct budget *b = data;
	size_t size;
	if (!ptr)
		return;
	memcpy(&size, (uint8_t *)ptr - HEAD, sizeof size);
	sy_mem_free(b->env, (uint8_t *)ptr - HEAD, size + HEAD);
	b->left += size + HEAD;
}

static ProtobufCAllocator allocator_of(struct budget *b)
{
	return (ProtobufCAllocator){.alloc = budget_alloc, .free = budget_free, .allocator_data = b};
}

/*
 * Tells whether messages nest at most `depth` deep. The library unpacks by recursion without a limit, so a peer could
 * exhaust the stack with a type that contains itself; this looks first. Recursion is bounded by depth.
 */
static bool nests_at_most(const ProtobufCMessageDescriptor *type, struct sy_span bytes, uint32_t depth)
{
	struct sy_reader r = sy_reader_of(bytes.ptr, bytes.len);
	struct sy_field field;
	while (sy_read_field(&r, &field)) {
		if (field.type != 2)
			continue;
		const ProtobufCFieldDescriptor *known = protobuf_c_message_descriptor_get_field(type, field.number);
		if (!known || known->type != PROTOBUF_C_TYPE_MESSAGE)
			continue;
		if (depth == 0 || !nests_at_most(known->descriptor, field.span, depth - 1))
			return false;
	}
	return !r.bad;
}

enum sy_err sy_usermsg_decode(const struct sy_env *env, const struct ProtobufCMessageDescriptor *type, struct sy_span bytes,
                              struct ProtobufCMessage **message)
{
	struct budget b = {.env = env, .left = (uint64_t)bytes.len * SY_LIMIT_DECODE_FACTOR + 4096};
	ProtobufCAllocator allocator = allocator_of(&b);
	*message = NULL;
	if (!nests_at_most(type, bytes, SY_LIMIT_MESSAGE_DEPTH))
		return SY_PEER_BAD_MESSAGE;
	uint64_t before = b.left;
	*message = protobuf_c_message_unpack(type, &allocator, bytes.len, bytes.len ? bytes.ptr : (const uint8_t *)"");
	if (*message)
		return SY_OK;
	SY_ASSERT(b.left == before);
	return b.no_memory ? SY_NO_MEMORY : SY_PEER_BAD_MESSAGE;
}

void sy_usermsg_free(const struct sy_env *env, struct ProtobufCMessage *message)
{
	struct budget b = {.env = env};
	ProtobufCAllocator allocator = allocator_of(&b);
	if (message)
		protobuf_c_message_free_unpacked(message, &allocator);
}

size_t sy_usermsg_size(const struct ProtobufCMessage *message)
{
	return protobuf_c_message_get_packed_size(message);
}

void sy_usermsg_encode(const struct ProtobufCMessage *message, uint8_t *buf)
{
	(void)protobuf_c_message_pack(message, buf);
}

bool sy_usermsg_is(const struct ProtobufCMessage *message, const struct ProtobufCMessageDescriptor *type)
{
	return message->descriptor == type;
}
