/* Addresses for tests: the nth host, in a /16 of its own, public, with an id of its own. */
#ifndef TESTS_SUPPORT_ADDRS_H
#define TESTS_SUPPORT_ADDRS_H

#include "core/switchyard.h"

/* n < 48,000: 11.0.0.1, 11.1.0.1 ... without private and reserved ranges. */
struct sy_netaddr test_addr(uint32_t n);
struct sy_netaddr test_addr_at(uint32_t n, uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port);
struct sy_id test_id(uint32_t n);

#endif
