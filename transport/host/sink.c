#include "transport/host/sink.h"

#include <stdlib.h>
#include <string.h>

#define MIB (1024u * 1024u)

/*
 * The stock channels in the order of the node info, with their capacities. Source: protocol.md 0.3. What peers send there
 * on request only (blocks, snapshots) is never requested: its requests and announcements are small, and a capacity of
 * 100 MiB would be memory for whoever likes to fill it. Queues are short, for nothing is ever sent.
 */
static const struct sy_channel stock[] = {
    {.id = 0x40, .priority = 5, .send_queue_capacity = 1, .recv_message_capacity = MIB},
    {.id = 0x20, .priority = 6, .send_queue_capacity = 1, .recv_message_capacity = MIB},
    {.id = 0x21, .priority = 10, .send_queue_capacity = 1, .recv_message_capacity = MIB},
    {.id = 0x22, .priority = 7, .send_queue_capacity = 1, .recv_message_capacity = MIB},
    {.id = 0x23, .priority = 1, .send_queue_capacity = 1, .recv_message_capacity = MIB},
    {.id = 0x30, .priority = 5, .send_queue_capacity = 1, .recv_message_capacity = 4194314},
    {.id = 0x38, .priority = 6, .send_queue_capacity = 1, .recv_message_capacity = MIB},
    {.id = 0x60, .priority = 5, .send_queue_capacity = 1, .recv_message_capacity = MIB},
    {.id = 0x61, .priority = 3, .send_queue_capacity = 1, .recv_message_capacity = MIB},
};

/* A channel of a chain's own: what it carries is unknown, so it gets the largest of the capacities above. */
static struct sy_channel channel_of(uint8_t id)
{
	for (size_t i = 0; i < sizeof stock / sizeof stock[0]; i++)
		if (stock[i].id == id)
			return stock[i];
	return (struct sy_channel){.id = id, .priority = 1, .send_queue_capacity = 1, .recv_message_capacity = 4194314};
}

static size_t find(const struct tp_sink *sink, uint8_t id)
{
	size_t i = 0;
	while (i < sink->num_channels && sink->channels[i].id != id)
		i++;
	return i;
}

static enum sy_err add(struct tp_sink *sink, uint8_t id)
{
	if (id == 0 || find(sink, id) < sink->num_channels)
		return SY_OK;
	if (sink->num_channels == TP_SINK_CHANNELS)
		return SY_LIMIT;
	sink->channels[sink->num_channels++] = channel_of(id);
	return SY_OK;
}

/* "0x20" or "20". */
static bool parse_id(const char *word, size_t len, uint8_t *id)
{
	char digits[3] = "", *end;
	if (len > 2 && word[0] == '0' && (word[1] | 32) == 'x') {
		word += 2;
		len -= 2;
	}
	if (len == 0 || len > 2)
		return false;
	memcpy(digits, word, len);
	if (strspn(digits, "0123456789abcdefABCDEF") != len)
		return false;
	*id = (uint8_t)strtoul(digits, &end, 16);
	return true;
}

static enum sy_err add_word(struct tp_sink *sink, const char *word, size_t len)
{
	uint8_t id;
	enum sy_err err = SY_OK;
	if (len == 0 || (len == 4 && memcmp(word, "none", 4) == 0))
		return SY_OK;
	if (len == 5 && memcmp(word, "stock", 5) == 0) {
		for (size_t i = 0; !err && i < sizeof stock / sizeof stock[0]; i++)
			err = add(sink, stock[i].id);
		return err;
	}
	return parse_id(word, len, &id) ? add(sink, id) : SY_PARSE;
}

enum sy_err tp_sink_parse(struct tp_sink *sink, const char *text)
{
	enum sy_err err = SY_OK;
	*sink = (struct tp_sink){0};
	while (!err && *text != '\0') {
		text += strspn(text, " \t,");
		size_t len = strcspn(text, " \t,");
		err = add_word(sink, text, len);
		text += len;
	}
	if (err)
		sink->num_channels = 0;
	return err;
}

void tp_sink_leave(struct tp_sink *sink, uint8_t id)
{
	size_t i = find(sink, id);
	if (i == sink->num_channels)
		return;
	sink->num_channels--;
	memmove(&sink->channels[i], &sink->channels[i + 1], (sink->num_channels - i) * sizeof sink->channels[0]);
}

static enum sy_err receive(void *self, struct sy_ctx *ctx, const struct sy_peer *peer, const struct sy_message *msg)
{
	struct tp_sink *sink = self;
	size_t i = find(sink, msg->channel);
	sink->messages[i]++;
	sink->bytes[i] += msg->bytes.len;
	return SY_OK;
}

struct sy_reactor tp_sink_reactor(struct tp_sink *sink)
{
	return (struct sy_reactor){
	    .name = "SINK",
	    .channels = sink->channels,
	    .num_channels = sink->num_channels,
	    .self = sink,
	    .receive = receive,
	};
}
