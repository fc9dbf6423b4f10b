/*
 * Addresses, each kept once for all nodes of a process. An index is private to the process: never order by it, hash
 * it, trace it or save it. Append-only (simulator) or reference-counted and bounded (real sockets).
 */
#ifndef SY_BOOK_INTERN_H
#define SY_BOOK_INTERN_H

#include "core/switchyard.h"

/*
 * max: entries at most (SY_LIMIT_INTERNED); counted: entries go when their last reference goes. Memory comes from this env (its
 * functions and ctx are copied and must outlive the table), also when another node's env is passed later on. Null: no memory.
 */
struct sy_addrs *sy_addrs_new(const struct sy_env *env, uint32_t max, bool counted);
void sy_addrs_free(struct sy_addrs *addrs, const struct sy_env *env);
/* Takes a reference. Returns 0 when full or out of memory, else an index >= 1. */
uint32_t sy_addrs_intern(struct sy_addrs *addrs, const struct sy_env *env, const struct sy_netaddr *addr);
void sy_addrs_ref(struct sy_addrs *addrs, uint32_t index);
void sy_addrs_unref(struct sy_addrs *addrs, uint32_t index);
/* Valid until the next intern. */
const struct sy_netaddr *sy_addrs_get(const struct sy_addrs *addrs, uint32_t index);
/* The index of the id (0 = none) in a numbering of its own: ids are interned beside addresses, so that books compare integers. */
uint32_t sy_addrs_id_of(const struct sy_addrs *addrs, uint32_t index);
uint32_t sy_addrs_find_id(const struct sy_addrs *addrs, const struct sy_id *id);
/* The same for an id written with upper-case digits, which is another id to upstream (D-11). */
uint32_t sy_addrs_find_id_text(const struct sy_addrs *addrs, const struct sy_id *id, bool bad_case);
/* 0: not there. Takes no reference. */
uint32_t sy_addrs_find(const struct sy_addrs *addrs, const struct sy_netaddr *addr);
/* The text of sy_addr_group, kept with the address; valid until the next intern. */
struct sy_span sy_addrs_group(const struct sy_addrs *addrs, uint32_t index, bool strict);
/*
 * What the address looks like in a PEX list, and which address looks like that (0: none): whole lists are read and written
 * without taking an address apart. Kept in append-only tables, where thousands of nodes tell each other the same addresses;
 * in a counted one nothing is found, and the length is 0. The same for an address that its encoding would not give back.
 */
struct sy_span sy_addrs_entry(const struct sy_addrs *addrs, uint32_t index);
uint32_t sy_addrs_find_entry(const struct sy_addrs *addrs, struct sy_span entry);
uint32_t sy_addrs_count(const struct sy_addrs *addrs);
bool sy_addrs_full(const struct sy_addrs *addrs);

#endif
