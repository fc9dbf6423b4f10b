/*
 * What strangers, files and users decide, as targets for a fuzzer: each tests/fuzz/fuzz_NAME.c takes any bytes and holds
 * its room to what it promises of them. libFuzzer drives them (`make fuzz`); the kept inputs of tests/fuzz/corpus/NAME are
 * replayed in every test run, by replay.c. An input that showed a bug goes there, named after what it showed.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The name is libFuzzer's. Always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* A promise: when it does not hold the process ends, in every build. */
#define FUZZ_HOLDS(condition) ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))
_Noreturn void fuzz_fail(const char *file, int line, const char *what);

/* An input taken from the front: choices first, then what is left. */
struct fuzz_in {
	const uint8_t *at;
	size_t left;
};
/* 0 at the end. */
uint8_t fuzz_byte(struct fuzz_in *in);
/* The input as a text, from malloc: what stands behind a NUL is out of sight. */
char *fuzz_text(struct fuzz_in in);

/* A file in memory that holds the rest of the input, and its path; close *fd. */
#define FUZZ_PATH 32u
void fuzz_file(struct fuzz_in in, int *fd, char path[FUZZ_PATH]);

#endif
