/* The bytes of one direction, in chunks: appended by the writer's user, taken by the reader's in the same order. */
#include <stdlib.h>
#include <string.h>

#include "sim/tcp/tcp.h"

#define CHUNK 16384u

struct sim_tcp_chunk {
	struct sim_tcp_chunk *next;
	size_t from, to; /* of bytes */
	uint8_t bytes[CHUNK];
};

static void free_all(struct sim_tcp_chunk *c)
{
	while (c != NULL) {
		struct sim_tcp_chunk *next = c->next;

		free(c);
		c = next;
	}
}

/* Empty chunks for n bytes; null when there is no memory. */
static struct sim_tcp_chunk *make(size_t n)
{
	struct sim_tcp_chunk *first = NULL;

	for (size_t made = 0; made < n; made += CHUNK) {
		struct sim_tcp_chunk *c = malloc(sizeof *c);

		if (c == NULL) {
			free_all(first);
			return NULL;
		}
		c->next = first;
		c->from = c->to = 0;
		first = c;
	}
	return first;
}

static size_t fill(struct sim_tcp_chunk *c, const uint8_t *bytes, size_t n)
{
	size_t part = CHUNK - c->to < n ? CHUNK - c->to : n;

	memcpy(c->bytes + c->to, bytes, part);
	c->to += part;
	return part;
}

/* Chunks are made before a byte is copied, so that running out of memory changes nothing. */
bool sim_tcp_stream_append(struct sim_tcp_stream *s, const void *bytes, size_t n)
{
	const uint8_t *from = bytes;
	size_t room = s->last != NULL ? CHUNK - s->last->to : 0, done = 0;
	struct sim_tcp_chunk *fresh = n > room ? make(n - room) : NULL;

	if (n > room && fresh == NULL)
		return false;
	if (room != 0 && n != 0)
		done = fill(s->last, from, n);
	if (fresh != NULL) {
		if (s->last != NULL)
			s->last->next = fresh;
		else
			s->first = fresh;
	}
	for (struct sim_tcp_chunk *c = fresh; c != NULL; c = c->next) {
		done += fill(c, from + done, n - done);
		s->last = c;
	}
	s->bytes += n;
	return true;
}

static void drop_first(struct sim_tcp_stream *s)
{
	struct sim_tcp_chunk *c = s->first;

	s->first = c->next;
	if (s->last == c)
		s->last = NULL;
	free(c);
}

size_t sim_tcp_stream_take(struct sim_tcp_stream *s, void *buf, size_t n)
{
	uint8_t *to = buf;
	size_t took = 0;

	while (took < n && s->first != NULL && s->bytes != 0) {
		struct sim_tcp_chunk *c = s->first;
		size_t part = c->to - c->from < n - took ? c->to - c->from : n - took;

		if (to != NULL)
			memcpy(to + took, c->bytes + c->from, part);
		c->from += part;
		took += part;
		s->bytes -= part;
		if (c->from == c->to)
			drop_first(s);
	}
	return took;
}

void sim_tcp_stream_fini(struct sim_tcp_stream *s)
{
	while (s->first != NULL)
		drop_first(s);
	*s = (struct sim_tcp_stream){0};
}
