#include "base/log.h"
#include "cli/command.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

int main(int argc, char **argv)
{
	/* A reader that has gone and a file that may not grow are errors of write(2), with a
	 * message. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (argc < 2) {
		command_print_overview(stderr);
		return EX_USAGE;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("ferry " FERRY_VERSION);
		return EX_OK;
	}
	const char *name = !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ? "help" : argv[1];
	const struct command *c = command_find(name);
	if (!c) {
		log_error("there is no command %s; the commands are shown by: ferry help", name);
		return EX_USAGE;
	}
	int r = command_run(c, argc - 1, argv + 1);
	if (fflush(stdout) == EOF && r == EX_OK)
		return EX_IOERR;
	return r;
}
