/* Messages of the PEX channel. Source: protocol.md 5.1. */
#ifndef SY_WIRE_PEXMSG_H
#define SY_WIRE_PEXMSG_H

#include "core/switchyard.h"

enum sy_pex_kind { SY_PEX_REQUEST = 1, SY_PEX_ADDRS };

#define SY_PEX_REQUEST_BYTES "\x0a\x00"
/* Upper bound of one encoded address with its tag: 2 + 42 + 41 + 4. */
#define SY_PEX_ADDR_MAX 96u

/*
 * Writes PexAddrs{addrs}; null addresses (all bytes zero) are skipped. Returns the size, 0 when cap is too small: 6 bytes
 * more than the addresses are always enough.
 */
size_t sy_pex_addrs_encode(const struct sy_netaddr *addrs, size_t n, uint8_t *buf, size_t cap);

/* The same in steps, and without the move to the start of buf: the message lies somewhere in buf; length 0: cap is too small. */
struct sy_pex_writer {
	uint8_t *buf;
	size_t cap, at;
	bool full;
};
struct sy_pex_writer sy_pex_writer_of(uint8_t *buf, size_t cap);
void sy_pex_put(struct sy_pex_writer *w, const struct sy_netaddr *addr);
void sy_pex_put_entry(struct sy_pex_writer *w, struct sy_span entry); /* what sy_pex_addr_encode gave */
struct sy_span sy_pex_message(struct sy_pex_writer *w);

/* One NetAddress as it stands in a list, without tag and length. Decode: false when it is malformed, has no IP literal or a bad port. */
size_t sy_pex_addr_encode(const struct sy_netaddr *addr, uint8_t out[SY_PEX_ADDR_MAX]);
SY_MUST bool sy_pex_addr_decode(struct sy_span entry, struct sy_netaddr *addr);

/*
 * Tells what a message is and, for PexAddrs, hands out its addresses one by one. The whole list is checked before the
 * first is handed out: SY_PEER_PEX_BAD_ADDR when any entry has no IP literal or a port >= 65536, SY_PEER_BAD_MESSAGE
 * when it is malformed or carries no member.
 */
struct sy_pex_reader {
	enum sy_pex_kind kind;
	uint32_t count;
	struct sy_span rest;
};
SY_MUST enum sy_err sy_pex_parse(struct sy_span message, struct sy_pex_reader *reader);
/* False at the end. An entry whose id is not 40 hex digits comes without SY_ADDR_HAS_ID. */
bool sy_pex_next(struct sy_pex_reader *reader, struct sy_netaddr *addr);

/*
 * A quick look for those who know entries by their bytes: the list, when the message is one PexAddrs and nothing else, and its
 * entries as they stand. Nothing is checked. False says nothing but "not the usual encoding, or the end": sy_pex_parse decides.
 */
SY_MUST bool sy_pex_list(struct sy_span message, struct sy_span *list);
SY_MUST bool sy_pex_next_entry(struct sy_span *list, struct sy_span *entry);

#endif
