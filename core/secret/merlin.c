#include "core/secret/merlin.h"

#include "core/base/assert.h"
#include "core/secret/keccak.h"

#include <string.h>

enum { RATE = 166, FLAG_I = 1, FLAG_A = 2, FLAG_C = 4, FLAG_M = 0x10 };
enum { META_AD = FLAG_M | FLAG_A, AD = FLAG_A, PRF = FLAG_I | FLAG_A | FLAG_C };

static void run_f(struct sy_merlin *m)
{
	m->state[m->pos] ^= m->pos_begin;
	m->state[m->pos + 1] ^= 0x04;
	m->state[RATE + 1] ^= 0x80;
	sy_keccak_f1600(m->state);
	m->pos = 0;
	m->pos_begin = 0;
}

static void absorb(struct sy_merlin *m, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	for (size_t i = 0; i < n; i++) {
		m->state[m->pos++] ^= p[i];
		if (m->pos == RATE)
			run_f(m);
	}
}

static void squeeze(struct sy_merlin *m, uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		out[i] = m->state[m->pos];
		m->state[m->pos++] = 0;
		if (m->pos == RATE)
			run_f(m);
	}
}

/* Begins an operation, or goes on with the same one. */
static void begin_op(struct sy_merlin *m, uint8_t flags, bool more)
{
	if (more) {
		SY_ASSERT(flags == m->flags);
		return;
	}
	uint8_t frame[2] = {m->pos_begin, flags};
	m->pos_begin = (uint8_t)(m->pos + 1);
	m->flags = flags;
	absorb(m, frame, sizeof frame);
	if ((flags & FLAG_C) && m->pos != 0)
		run_f(m);
}

static void meta(struct sy_merlin *m, const void *bytes, size_t n, bool more)
{
	begin_op(m, META_AD, more);
	absorb(m, bytes, n);
}

/* The label and the length of what follows, in one operation. */
static void frame_op(struct sy_merlin *m, const char *label, uint32_t n)
{
	uint8_t length[4] = {(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24)};
	meta(m, label, strlen(label), false);
	meta(m, length, sizeof length, true);
}

void sy_merlin_init(struct sy_merlin *m, const char *label)
{
	static const uint8_t head[] = {1, RATE + 2, 1, 0, 1, 96, 'S', 'T', 'R', 'O', 'B', 'E', 'v', '1', '.', '0', '.', '2'};
	memset(m, 0, sizeof *m);
	memcpy(m->state, head, sizeof head);
	sy_keccak_f1600(m->state);
	meta(m, "Merlin v1.0", 11, false);
	sy_merlin_append(m, "dom-sep", label, (uint32_t)strlen(label));
}

void sy_merlin_append(struct sy_merlin *m, const char *label, const void *bytes, uint32_t n)
{
	frame_op(m, label, n);
	begin_op(m, AD, false);
	absorb(m, bytes, n);
}

void sy_merlin_extract(struct sy_merlin *m, const char *label, void *out, uint32_t n)
{
	frame_op(m, label, n);
	begin_op(m, PRF, false);
	squeeze(m, out, n);
}
