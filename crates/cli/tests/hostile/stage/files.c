/* Files that change while they are read, and folders that no person would make. */
#include "stage.h"
#include <sys/socket.h>
#include <sys/un.h>

/* Two files or folders change places, for ever. */
static void swap(const char *one, const char *other)
{
	ready();
	for (;;)
		must(renameat2(AT_FDCWD, one, AT_FDCWD, other, 2 /* RENAME_EXCHANGE */) == 0, "exchange");
}

/* Copies of two files take the place of a third, for ever. */
static void replace(const char *path, char **contents)
{
	static char text[2][1 << 19];
	char draft[4096];
	ssize_t length[2];
	snprintf(draft, sizeof draft, "%s.draft", path);
	for (int i = 0; i < 2; i++) {
		int fd = open(contents[i], O_RDONLY);
		length[i] = read(fd, text[i], sizeof text[i]);
		must(length[i] > 0 && close(fd) == 0, contents[i]);
	}
	ready();
	for (int turn = 0;; turn = !turn) {
		int fd = open(draft, O_CREAT | O_WRONLY | O_TRUNC, 0644);
		must(write(fd, text[turn], length[turn]) == length[turn], "write");
		close(fd);
		must(rename(draft, path) == 0, "rename");
	}
}

/* One file is cut short and grows again, for ever. */
static void resize(const char *path)
{
	struct stat status;
	int fd = open(path, O_RDWR);
	must(fd >= 0 && fstat(fd, &status) == 0, path);
	ready();
	for (;;) {
		must(ftruncate(fd, status.st_size / 2) == 0, "truncate");
		must(ftruncate(fd, status.st_size) == 0, "grow");
	}
}

int files(const char *role, int argc, char **argv)
{
	if (!strcmp(role, "swap") && argc == 3)
		swap(argv[1], argv[2]);
	if (!strcmp(role, "replace") && argc == 4)
		replace(argv[1], argv + 2);
	if (!strcmp(role, "resize") && argc == 2)
		resize(argv[1]);
	if (!strcmp(role, "fill") && argc == 3) {
		must(chdir(argv[1]) == 0, argv[1]);
		for (int i = 0; i < atoi(argv[2]); i++) {
			char name[32];
			snprintf(name, sizeof name, "%06d.conf", i);
			must(close(open(name, O_CREAT | O_WRONLY, 0644)) == 0, name);
		}
		return 0;
	}
	if (!strcmp(role, "socket") && argc == 2) {
		struct sockaddr_un address = { .sun_family = AF_UNIX };
		strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
		return bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address);
	}
	/* Folders in folders named `d`, far longer than a path can be, and a file in the last. */
	if (!strcmp(role, "deep") && argc == 3) {
		must(chdir(argv[1]) == 0, argv[1]);
		for (int i = 0; i < atoi(argv[2]); i++)
			must(mkdir("d", 0755) == 0 && chdir("d") == 0, "d");
		return close(open("10.conf", O_CREAT | O_WRONLY, 0644));
	}
	return NOT_MINE;
}
