/* Starting and ending nodes, one or a group alike; and small things that the handles of nodes and peers share. */
#ifndef SIM_LUA_LIFECYCLE_H
#define SIM_LUA_LIFECYCLE_H

#include "sim/lua/host.h"

/* Lua functions; the first argument is a node. */
int lifecycle_start(lua_State *L);
int lifecycle_stop(lua_State *L);
int lifecycle_crash(lua_State *L);
int lifecycle_restart(lua_State *L);
int lifecycle_lose_disk(lua_State *L);
int lifecycle_lose_key(lua_State *L);
int lifecycle_configure(lua_State *L);
/* Starts the node after a fault: at this time, or as soon as nothing else stands in the way. False: out of memory. */
bool lifecycle_begin(struct node *n, const char *where);
/* The texts of the lists of peers, made from names; then the node's configuration is given to the world. False: host.error. */
bool lifecycle_settle(struct scenario *s, struct node *n);

/* true, or false and the error's name: the results of sends and dials. */
int node_push_error(lua_State *L, enum sy_err err);
uint8_t node_channel_check(lua_State *L, int index);
/* A node, a name or id@ip:port: where to connect to. */
struct sy_netaddr node_address_check(lua_State *L, int index, const char *what);
int node_unknown_field(lua_State *L, const char *type, const char *key, const struct api_page *page);
void node_decl_p2p(lua_State *L, struct node_decl *d, int t);
/* An IP address in text, v4 as v6-mapped; raises an error that begins with `what`. */
void ip_check(lua_State *L, const char *text, const char *what, uint8_t ip[16]);

/* stranger_api.c: methods of a node; and a stranger's transport, once its host is made. */
int stranger_connect(lua_State *L);
int stranger_connections(lua_State *L);
SY_MUST enum sy_err stranger_begin(struct node *n);

void book_open(lua_State *L);
/* A new handle of the book of the node, or of each node of the group. */
void book_push(lua_State *L, struct node *n, struct group *g);

#endif
