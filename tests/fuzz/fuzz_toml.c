/* A config.toml, up to what the core is told; no name is looked up. First byte: the profile. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim/cli/real_node.h"
#include "tests/fuzz/fuzz.h"

static FILE *nowhere(void)
{
	static FILE *null;

	if (null == NULL)
		null = fopen("/dev/null", "w");
	FUZZ_HOLDS(null != NULL);
	return null;
}

static void configure(struct settings *s)
{
	struct real_node *n = calloc(1, sizeof *n);
	struct sy_config config;
	char error[CLI_ERROR_TEXT] = "";

	FUZZ_HOLDS(n != NULL);
	s->laddr = "tcp://127.0.0.1:1"; /* any other may be a name */
	if (s->network == NULL)
		s->network = "x"; /* else a genesis file is looked for */
	n->settings = s;
	n->checking = true;
	n->held_port = -1;
	FUZZ_HOLDS(real_node_configure(n, &config, error) || error[0] != '\0');
	real_node_unconfigure(n);
	free(n);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fuzz_in in = {bytes, n};
	enum sy_profile profile = fuzz_byte(&in) & 1 ? SY_PROFILE_UPSTREAM : SY_PROFILE_DEFAULT;
	struct settings s = {0};
	char path[FUZZ_PATH], error[CLI_ERROR_TEXT] = "";
	int fd;

	settings_init(&s, profile);
	fuzz_file(in, &fd, path);
	bool good = settings_read_file(&s, path, nowhere(), error);
	close(fd);
	FUZZ_HOLDS(good || error[0] != '\0');
	if (good) {
		settings_show(nowhere(), &s);
		configure(&s);
	}
	settings_fini(&s);
	return 0;
}
