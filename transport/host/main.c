/* What a program that is a node needs around it: its arguments, its first line, its exit code. */
#include "transport/host/host_private.h"

#include <getopt.h>
#include <stdio.h>

enum { ARG_HOME = 1, ARG_LISTEN, ARG_MONIKER, ARG_SEED, ARG_PEER, ARG_LOCAL, ARG_HELP };

static void usage(FILE *to, const char *program)
{
	fprintf(to,
	        "usage: %s [option]...\n"
	        "  --home DIR            the directory of key and address book; none: a fresh key, nothing is kept\n"
	        "  --listen tcp://H:P    where to listen; port 0: any\n"
	        "  --moniker NAME        what others show of this node\n"
	        "  --seed ID@HOST:PORT   asks there for addresses; may be given %u times\n"
	        "  --peer ID@HOST:PORT   a peer to stay connected with; may be given %u times\n"
	        "  --local               several nodes on one machine or in one private network\n",
	        program, TP_HOST_ARGS_LIST, TP_HOST_ARGS_LIST);
}

static bool add(const char **list, size_t *n, const char *text)
{
	if (*n == TP_HOST_ARGS_LIST)
		return false;
	list[(*n)++] = text;
	return true;
}

/* False: a word that is no option, or one too many. */
static bool take(struct tp_host_config *config, struct tp_host_args *args, int arg)
{
	struct sy_config *node = &config->node;
	switch (arg) {
	case ARG_HOME:
		config->home = optarg;
		return true;
	case ARG_LISTEN:
		config->listen = optarg;
		return true;
	case ARG_MONIKER:
		node->moniker = optarg;
		return true;
	case ARG_SEED:
		node->seeds = args->seeds;
		return add(args->seeds, &node->num_seeds, optarg);
	case ARG_PEER:
		node->persistent_peers = args->peers;
		return add(args->peers, &node->num_persistent_peers, optarg);
	case ARG_LOCAL:
		node->addr_book_strict = false;
		node->allow_duplicate_ip = true;
		return true;
	}
	return false;
}

int tp_host_take_args(struct tp_host_config *config, struct tp_host_args *args, int argc, char **argv)
{
	static const struct option options[] = {
	    {"home", required_argument, NULL, ARG_HOME},
	    {"listen", required_argument, NULL, ARG_LISTEN},
	    {"moniker", required_argument, NULL, ARG_MONIKER},
	    {"seed", required_argument, NULL, ARG_SEED},
	    {"peer", required_argument, NULL, ARG_PEER},
	    {"local", no_argument, NULL, ARG_LOCAL},
	    {"help", no_argument, NULL, ARG_HELP},
	    {NULL, 0, NULL, 0},
	};
	int arg;

	optind = 1;
	while ((arg = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (arg == ARG_HELP) {
			usage(stdout, argv[0]);
			return -1;
		}
		if (!take(config, args, arg)) {
			usage(stderr, argv[0]);
			return 2;
		}
	}
	if (optind == argc)
		return 0;
	fprintf(stderr, "%s: what is \"%s\"? (see: %s --help)\n", argv[0], argv[optind], argv[0]);
	return 2;
}

static enum sy_err run(const struct tp_host_config *config, struct tp_message *msg)
{
	struct tp_host *host = NULL;

	setvbuf(stdout, NULL, _IOLBF, 0);
	enum sy_err err = tp_host_new(&host, config, msg);
	if (err == SY_OK)
		err = tp_host_start(host, msg);
	if (err == SY_OK) {
		printf("%s\n", tp_host_address(host));
		err = tp_host_run(host, msg);
	}
	tp_host_free(host);
	return err;
}

int tp_host_main(const struct tp_host_config *config, int argc, char **argv)
{
	struct tp_host_config with = *config;
	struct tp_host_args args;
	struct tp_message msg = {.text = ""};
	int code = tp_host_take_args(&with, &args, argc, argv);

	if (code != 0)
		return code < 0 ? 0 : code;
	if (run(&with, &msg) == SY_OK)
		return 0;
	fprintf(stderr, "%s: %s\n", argv[0], msg.text);
	return 1;
}
