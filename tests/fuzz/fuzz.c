#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

uint8_t fuzz_byte(struct fuzz_in *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

char *fuzz_text(struct fuzz_in in)
{
	char *text = malloc(in.left + 1);

	FUZZ_HOLDS(text != NULL);
	if (in.left != 0)
		memcpy(text, in.at, in.left);
	text[in.left] = '\0';
	return text;
}

void fuzz_file(struct fuzz_in in, int *fd, char path[FUZZ_PATH])
{
	*fd = memfd_create("fuzz", MFD_CLOEXEC);
	FUZZ_HOLDS(*fd >= 0);
	FUZZ_HOLDS(write(*fd, in.at, in.left) == (ssize_t)in.left);
	snprintf(path, FUZZ_PATH, "/proc/self/fd/%d", *fd);
}
