/* The inputs of section 8 of the public header, spelled out as calls. */
#include "core/node/node.h"

#include "core/wire/usermsg.h"

enum sy_err sy_try_send(struct sy_node *node, uint64_t now_ns, struct sy_ref peer, uint8_t channel, struct sy_span bytes)
{
	struct sy_input in = {.kind = SY_IN_TRY_SEND, .now_ns = now_ns, .conn = peer, .channel = channel, .bytes = bytes};
	return sy_node_input(node, &in).err;
}

enum sy_err sy_send(struct sy_node *node, uint64_t now_ns, struct sy_ref peer, uint8_t channel, struct sy_span bytes, uint64_t timeout_ns,
                    uint64_t token)
{
	struct sy_input in = {
	    .kind = SY_IN_SEND, .now_ns = now_ns, .conn = peer, .channel = channel, .bytes = bytes, .timeout_ns = timeout_ns, .token = token};
	return sy_node_input(node, &in).err;
}

static const struct ProtobufCMessageDescriptor *type_of(const struct sy_node *node, uint8_t channel)
{
	const struct sy_channel_set *set = &node->sw.channels;
	return set->index_of[channel] ? set->channel[set->index_of[channel] - 1].message_type : NULL;
}

enum sy_err sy_try_send_message(struct sy_node *node, uint64_t now_ns, struct sy_ref peer, uint8_t channel,
                                const struct ProtobufCMessage *message)
{
	const struct ProtobufCMessageDescriptor *type = type_of(node, channel);
	if (!type || !sy_usermsg_is(message, type))
		return SY_INVALID;
	size_t n = sy_usermsg_size(message);
	uint8_t *buf = sy_mem_new(&node->env, n ? n : 1);
	if (!buf)
		return SY_NO_MEMORY;
	sy_usermsg_encode(message, buf);
	enum sy_err err = sy_try_send(node, now_ns, peer, channel, (struct sy_span){buf, n});
	sy_mem_free(&node->env, buf, n ? n : 1);
	return err;
}

uint32_t sy_broadcast(struct sy_node *node, uint64_t now_ns, uint8_t channel, struct sy_span bytes)
{
	struct sy_input in = {.kind = SY_IN_BROADCAST, .now_ns = now_ns, .channel = channel, .bytes = bytes};
	return (uint32_t)sy_node_input(node, &in).value;
}

bool sy_can_send(const struct sy_node *node, struct sy_ref peer, uint8_t channel)
{
	return sy_switch_can_send(&node->sw, peer, channel);
}
