/* A CometBFT home directory: config/ (config.toml, genesis.json, node_key.json, addrbook.json) and data/. */
#ifndef TP_FILES_HOME_H
#define TP_FILES_HOME_H

#include "core/switchyard.h"
#include "transport/files/atomic_file.h"

#define TP_HOME_CONFIG "config/config.toml"
#define TP_HOME_GENESIS "config/genesis.json"
#define TP_HOME_NODE_KEY "config/node_key.json"
#define TP_HOME_ADDRBOOK "config/addrbook.json"

/*
 * Makes home, home/config and home/data where they are missing, mode 0700 as upstream does; parents too. Nothing that exists
 * is changed. Returns SY_IO (not a directory, not allowed), SY_INVALID (path too long).
 */
SY_MUST enum sy_err tp_home_make(const char *home, struct tp_message *msg);
/* home/name into path; an absolute name stays as it is. SY_INVALID: too long. */
SY_MUST enum sy_err tp_home_path(const char *home, const char *name, char path[TP_PATH_MAX], struct tp_message *msg);

#endif
