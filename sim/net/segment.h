/*
 * tcp = "segment" and "flow": what the sockets, hosts and faults of the network ask of an end whose bytes are carried by an endpoint
 * of sim/tcp. An operation delivers no event: what is due is done in the end's own event.
 *
 *   end:   DIALLING -> OPEN -> FAILED             (the user's, until it closes)
 *          SYN -> BACKLOG -> OPEN
 *          any -> CLOSED (lingers, orphan) -> GONE (the kernel's)
 */
#ifndef SIM_NET_SEGMENT_H
#define SIM_NET_SEGMENT_H

#include "sim/net/internal.h"

void segment_init(struct end *e, uint64_t key);
void segment_fini(struct end *e); /* idempotent; never from inside the endpoint's callbacks */
bool segment_settled(const struct conn *c);
void segment_event(struct sim_event *event, uint64_t now_ns);
void segment_touch(struct end *e); /* its event is due now */

/* The pair's link towards a host, and a host's downlink. Null: out of memory. */
struct sim_tcp_link *segment_link(struct sim_net *net, struct sim_host *to, const struct kind *k);
struct sim_tcp_link *segment_downlink(struct sim_net *net, struct sim_host *to, uint64_t rate_bits, uint64_t queue_bytes);
/* The same of a host's uplink before a site's line, and of that line. */
struct sim_tcp_link *segment_uplink(struct sim_net *net, struct sim_host *from, uint64_t rate_bits, uint64_t queue_bytes);
struct sim_tcp_link *segment_site_up(struct sim_site *site);
struct sim_tcp_link *segment_site_down(struct sim_site *site);
void segment_path(struct conn *c); /* the parameters of its way, or what cuts it, are others now */

SY_MUST enum sy_err segment_dial(struct end *e, uint64_t timeout_ns);
size_t segment_room(struct end *e);
size_t segment_write(struct end *e, const uint8_t *bytes, size_t n);
void segment_lowat(struct end *e, uint32_t bytes);
void segment_close(struct end *e, enum tp_close how);
void segment_ended(struct end *e);      /* the process is over */
void segment_power_lost(struct end *e); /* the machine is */
void segment_reset(struct end *e);      /* as if the other side's reset had just arrived */

#endif
