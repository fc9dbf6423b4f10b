/* A reactor that takes the place of those that a node does not have: it reads what peers send there, counts it, and drops it. */
#ifndef TP_HOST_SINK_H
#define TP_HOST_SINK_H

#include "core/switchyard.h"

#define TP_SINK_CHANNELS 16u /* what a node info may advertise */

/* Where it is must not change while a node runs that has its reactor. */
struct tp_sink {
	struct sy_channel channels[TP_SINK_CHANNELS];
	size_t num_channels;
	uint64_t messages[TP_SINK_CHANNELS], bytes[TP_SINK_CHANNELS]; /* dropped, by the index of the channel */
};

/*
 * Which channels, from a comma list of hexadecimal ids ("0x20,21"); "stock" stands for what a CometBFT node without peer
 * exchange advertises (40 20 21 22 23 30 38 60 61), "none" for nothing. An id that comes twice, and 0x00, which is peer
 * exchange's, are left out. Returns SY_PARSE (*sink is empty), SY_LIMIT (more than TP_SINK_CHANNELS).
 */
SY_MUST enum sy_err tp_sink_parse(struct tp_sink *sink, const char *text);
/* Leaves a channel to somebody else. */
void tp_sink_leave(struct tp_sink *sink, uint8_t id);
/* The reactor; without channels there is no use in it. */
struct sy_reactor tp_sink_reactor(struct tp_sink *sink);

#endif
