/* Users' message types, by protobuf-c. The one file in core that includes its header is usermsg.c. */
#ifndef SY_WIRE_USERMSG_H
#define SY_WIRE_USERMSG_H

#include "core/switchyard.h"

/*
 * SY_PEER_BAD_MESSAGE when the bytes do not parse, nest messages deeper than SY_LIMIT_MESSAGE_DEPTH (the library recurses)
 * or need more memory than SY_LIMIT_DECODE_FACTOR times the bytes + 4 KiB at any time; SY_NO_MEMORY. *message is null then.
 * Groups do not parse: protobuf-c does not know them.
 */
SY_MUST enum sy_err sy_usermsg_decode(const struct sy_env *env, const struct ProtobufCMessageDescriptor *type, struct sy_span bytes,
                                      struct ProtobufCMessage **message);
void sy_usermsg_free(const struct sy_env *env, struct ProtobufCMessage *message);
size_t sy_usermsg_size(const struct ProtobufCMessage *message);
void sy_usermsg_encode(const struct ProtobufCMessage *message, uint8_t *buf); /* sy_usermsg_size bytes */
bool sy_usermsg_is(const struct ProtobufCMessage *message, const struct ProtobufCMessageDescriptor *type);

#endif
