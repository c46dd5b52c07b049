/* The program of the stage: every role is chosen by $TENANT (then the arguments are all the role's own, so
 * that it can be given those of a kubelet), or by the first argument. */
#include "stage.h"

void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		_exit(99);
	}
}

void ready(void)
{
	const char *path = getenv("READY");
	if (path)
		must(close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644)) == 0, "ready");
}

void wait_for_ever(void)
{
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	const char *role = getenv("TENANT");
	if (!role && argc > 1) {
		role = argv[1];
		argc--;
		argv++;
	}
	must(role != NULL, "no role");
	int (*const families[])(const char *, int, char **) = { runner, tenant, files, server };
	for (unsigned i = 0; i < sizeof families / sizeof *families; i++) {
		int code = families[i](role, argc, argv);
		if (code != NOT_MINE)
			return code;
	}
	errno = EINVAL;
	must(0, role);
}
