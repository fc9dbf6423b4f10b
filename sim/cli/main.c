/* The door of the program; everything else is in the library, where tests reach it. */
#include "sim/cli/cli.h"

#include <fcntl.h>
#include <unistd.h>

/* Where a descriptor of the first three is closed, the next file or socket would take its number, and messages would go there. */
static void hold_standard(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) < 0)
			_exit(3);
}

int main(int argc, char **argv)
{
	hold_standard();
	return cli_main(argc, argv);
}
