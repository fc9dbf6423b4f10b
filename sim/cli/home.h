/* Which home directory a command means. */
#ifndef SIM_CLI_HOME_H
#define SIM_CLI_HOME_H

#include "sim/cli/settings.h"

/* ~/.cometbft, kept with the settings' texts; null without $HOME. */
const char *cli_default_home(struct settings *s);

#endif
