/* Processes: a stand-in kubelet that only waits, and the tricks of a tenant that would look like one. */
#include "stage.h"
#include <linux/sched.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

/* Tells the kernel where the arguments lie: any process may, of its own. */
static void place_arguments(uintptr_t start, uintptr_t end)
{
	unsigned long field[53] = { 0 };
	char text[4096] = { 0 };
	int fd = open("/proc/self/stat", O_RDONLY);
	must(fd >= 0 && read(fd, text, sizeof text - 1) > 0, "stat");
	close(fd);
	char *rest = strrchr(text, ')') + 2;
	int i = 3;
	for (char *word = strtok(rest, " "); word && i < 53; word = strtok(NULL, " "))
		field[i++] = strtoul(word, NULL, 10);
	struct prctl_mm_map map = {
		.start_code = field[26], .end_code = field[27], .start_stack = field[28],
		.start_data = field[45], .end_data = field[46], .start_brk = field[47],
		.brk = (uintptr_t)sbrk(0), .arg_start = start, .arg_end = end,
		.env_start = field[50], .env_end = field[51], .exe_fd = -1,
	};
	must(prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0) == 0, "PR_SET_MM_MAP");
}

/* Overwrites the arguments where they lie; a new line in `fake` is the end of an argument. */
static void pretend(int argc, char **argv, const char *fake)
{
	char *start = argv[0];
	size_t room = argv[argc - 1] + strlen(argv[argc - 1]) + 1 - start;
	must(strlen(fake) < room, "room for other arguments");
	memset(start, 0, room);
	for (size_t i = 0; fake[i]; i++)
		start[i] = fake[i] == '\n' ? 0 : fake[i];
	place_arguments((uintptr_t)start, (uintptr_t)start + strlen(fake) + 1);
}

/* The page of the arguments is dropped, and whoever reads it waits for somebody who never answers. */
static void withhold_arguments(char **argv)
{
	uintptr_t page = (uintptr_t)argv[0] & ~(uintptr_t)4095;
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register area = { .range = { page, 4096 }, .mode = UFFDIO_REGISTER_MODE_MISSING };
	must(fd >= 0 && ioctl(fd, UFFDIO_API, &api) == 0, "userfaultfd");
	must(ioctl(fd, UFFDIO_REGISTER, &area) == 0, "UFFDIO_REGISTER");
	ready();
	must(madvise((void *)page, 4096, MADV_DONTNEED) == 0, "MADV_DONTNEED");
	wait_for_ever();
}

static void *map_of(const char *path)
{
	int fd = open(path, O_RDONLY);
	must(fd >= 0, path);
	void *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	must(map != MAP_FAILED, "mmap");
	return map;
}

static void *read_own_memory(void *map)
{
	char byte;
	int fd = open("/proc/self/mem", O_RDONLY);
	pread(fd, &byte, 1, (off_t)(uintptr_t)map);
	return NULL;
}

/* One thread reads the process's own memory, a file whose server never answers, and so holds the lock on its
 * map; another waits for the lock to change it; whoever reads the arguments then queues behind both. */
static void lock_memory(void)
{
	pthread_t thread;
	void *map = map_of(getenv("FILE"));
	must(pthread_create(&thread, NULL, read_own_memory, map) == 0, "thread");
	usleep(300 * 1000);
	ready();
	mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	wait_for_ever();
}

/* Becomes itself with other arguments, for ever; $OTHER has what the next one gets. */
static int flip(char **argv)
{
	char path[4096] = { 0 };
	char *now = strdup(argv[1]);
	must(readlink("/proc/self/exe", path, sizeof path - 1) > 0, "exe");
	char *next[] = { argv[0], strdup(getenv("OTHER")), argv[2], NULL };
	setenv("OTHER", now, 1);
	ready();
	execv(path, next);
	must(0, path);
	return 1;
}

/* Children that come and go, a few at a time. */
static int churn(int count)
{
	ready();
	for (;;) {
		for (int i = 0; i < count; i++)
			if (fork() == 0) {
				usleep(2000);
				_exit(0);
			}
		while (waitpid(-1, NULL, 0) > 0)
			;
	}
}

/* Gives one process id to one kubelet after another, of which each gets one of two arguments in turn. */
static int reuse(pid_t pid, char **choice, char *last)
{
	setenv("TENANT", "wait", 1);
	for (unsigned turn = 0;; turn++) {
		struct clone_args args = {
			.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&pid, .set_tid_size = 1,
		};
		long child = syscall(SYS_clone3, &args, sizeof args);
		must(child >= 0, "clone3 with a process id");
		if (child == 0) {
			execv("./kubelet", (char *[]){ "kubelet", choice[turn % 2], last, NULL });
			_exit(1);
		}
		/* Sometimes before it is the kubelet, mostly while it waits. */
		usleep(turn % 8 ? 4000 : 300);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

static int crowd(int count)
{
	for (int i = 0; i < count; i++) {
		pid_t child = fork();
		must(child >= 0, "fork");
		if (child == 0)
			wait_for_ever();
	}
	ready();
	wait_for_ever();
	return 0;
}

int tenant(const char *role, int argc, char **argv)
{
	const char *count = getenv("COUNT");
	int many = count ? atoi(count) : 0;
	if (!strcmp(role, "wait")) {
		if (getenv("NAME"))
			prctl(PR_SET_NAME, getenv("NAME"));
		if (getenv("FAKE"))
			pretend(argc, argv, getenv("FAKE"));
		if (getenv("NO_ARGUMENTS"))
			place_arguments((uintptr_t)argv[0], (uintptr_t)argv[0]);
		if (getenv("FILE")) {
			uintptr_t map = (uintptr_t)map_of(getenv("FILE"));
			place_arguments(map, map + 4096);
		}
		ready();
		wait_for_ever();
	}
	if (!strcmp(role, "withhold"))
		withhold_arguments(argv);
	if (!strcmp(role, "lock"))
		lock_memory();
	if (!strcmp(role, "flip"))
		return flip(argv);
	if (!strcmp(role, "churn"))
		return churn(many);
	if (!strcmp(role, "crowd"))
		return crowd(many);
	if (!strcmp(role, "reuse") && argc == 5)
		return reuse(atoi(argv[1]), argv + 2, argv[4]);
	if (!strcmp(role, "zombie")) {
		if (fork() == 0)
			_exit(0);
		usleep(50 * 1000);
		ready();
		wait_for_ever();
	}
	if (!strcmp(role, "trace")) {
		pid_t pid = atoi(argv[1]);
		must(ptrace(PTRACE_SEIZE, pid, 0, 0) == 0, "PTRACE_SEIZE");
		must(ptrace(PTRACE_INTERRUPT, pid, 0, 0) == 0, "PTRACE_INTERRUPT");
		waitpid(pid, NULL, 0);
		ready();
		wait_for_ever();
	}
	return NOT_MINE;
}
