/* The door of the program; everything else is in the library, where tests reach it. */
#include "sim/cli/cli.h"

int main(int argc, char **argv)
{
	return cli_main(argc, argv);
}
