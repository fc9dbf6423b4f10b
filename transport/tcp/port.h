/* A free port, found before anybody listens: what a node advertises must be known before it starts. */
#ifndef TP_TCP_PORT_H
#define TP_TCP_PORT_H

#include <stdint.h>

/*
 * Binds a socket to a free port of this address (16 bytes, IPv4 mapped) and keeps it bound, so that nobody else is given
 * the port. Returns the descriptor, to be closed right before the node listens, and *port; -1 when there is none.
 */
int tp_port_hold(const uint8_t ip[16], uint16_t *port);

#endif
