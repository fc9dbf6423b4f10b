/* A plan of faults, given to a short run of three nodes: whatever it says, the run ends, or says why it does not begin. */
#include <stdlib.h>
#include <unistd.h>

#include "sim/lua/scenario.h"
#include "tests/fuzz/fuzz.h"

static const char script[] = "network { latency = '20ms', tcp = 'none' }\n"
                             "local a = node { name = 'a' }\n"
                             "local b = node { name = 'b', p2p = { persistent_peers = { 'a' } } }\n"
                             "local c = node { name = 'c', p2p = { persistent_peers = { 'a' } } }\n"
                             "start(a, b, c)\n"
                             "run_for '3s'\n";

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char plan[FUZZ_PATH], file[FUZZ_PATH], error[SCENARIO_ERROR_TEXT] = "";
	struct scenario_options o = {.seed = 1, .null_crypto = true, .crypto_given = true, .file = file, .plan = plan};
	struct scenario *s = NULL;
	int plan_fd, file_fd;

	fuzz_file((struct fuzz_in){bytes, n}, &plan_fd, plan);
	fuzz_file((struct fuzz_in){(const uint8_t *)script, sizeof script - 1}, &file_fd, file);
	enum scenario_status status = scenario_load(&s, &o, error);
	if (status == SCENARIO_OK)
		status = scenario_run(s, NULL, error);
	FUZZ_HOLDS(status == SCENARIO_OK || (status == SCENARIO_ERROR && error[0] != '\0'));
	scenario_free(s);
	close(plan_fd);
	close(file_fd);
	return 0;
}
