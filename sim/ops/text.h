/* A text that grows as it is written: what an answer over HTTP is made of. */
#ifndef SIM_OPS_TEXT_H
#define SIM_OPS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* 4,096 peers with ten channels in net_info are 9 MB; nothing that is asked for is longer than that. */
#define OPS_TEXT_MAX (16u * 1024u * 1024u)

/* All zeros is an empty text. Once it has failed (no memory, too long) it takes nothing any more. */
struct ops_text {
	char *at; /* ends with a NUL; null while nothing was written */
	size_t len, cap;
	bool failed;
};

void ops_text_add(struct ops_text *t, const char *bytes, size_t len);
void ops_text_print(struct ops_text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ops_text_free(struct ops_text *t);

#endif
