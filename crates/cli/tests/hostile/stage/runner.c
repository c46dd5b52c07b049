/* Runs another program and says how it went, or refuses it system calls. */
#include "stage.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

static long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Counts how often $WATCH was opened so far. What was found and not opened (`O_PATH`) does not count. */
static int count_opens(int inotify)
{
	int opens = 0;
	char buffer[4096] __attribute__((aligned(8)));
	ssize_t length;
	while ((length = read(inotify, buffer, sizeof buffer)) > 0)
		for (char *at = buffer; at < buffer + length;) {
			const struct inotify_event *event = (void *)at;
			opens += (event->mask & IN_OPEN) != 0;
			at += sizeof *event + event->len;
		}
	return opens;
}

/* `measure FILE SECONDS PROGRAM …`: writes exit code, milliseconds, those in which it had a processor, peak memory in
 * KiB and the number of opens of $WATCH. A program that has not ended by then is killed and not waited for: its code
 * is -1. */
static int measure(char **argv)
{
	const char *watch = getenv("WATCH");
	int inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch)
		must(inotify_add_watch(inotify, watch, IN_OPEN | IN_DONT_FOLLOW) >= 0, watch);
	int out = open(argv[1], O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
	long start = now_ms(), limit = atol(argv[2]) * 1000;
	pid_t child = fork();
	must(child >= 0, "fork");
	if (child == 0) {
		execvp(argv[3], argv + 3);
		must(0, argv[3]);
	}
	int status = 0, code = -1;
	struct rusage usage = { 0 };
	while (now_ms() - start < limit) {
		if (wait4(child, &status, WNOHANG, &usage) == child) {
			code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
			break;
		}
		usleep(1000);
	}
	if (code < 0)
		kill(child, SIGKILL);
	long worked = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000
		+ (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
	dprintf(out, "%d %ld %ld %ld %d\n", code, now_ms() - start, worked, usage.ru_maxrss, count_opens(inotify));
	return 0;
}

/* `no-device PROGRAM …`: exits 98 if a system call of the program, or of one of its threads, ever says that
 * there is no such device: that is what opening a device without a driver comes to. */
static int no_device(char **argv)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
	int status, asked = 0;
	pid_t child = fork(), one;
	if (child == 0) {
		must(ptrace(PTRACE_TRACEME, 0, 0, 0) == 0, "PTRACE_TRACEME");
		raise(SIGSTOP);
		execvp(argv[1], argv + 1);
		must(0, argv[1]);
	}
	waitpid(child, &status, 0);
	must(ptrace(PTRACE_SETOPTIONS, child, 0, options) == 0, "PTRACE_SETOPTIONS");
	ptrace(PTRACE_SYSCALL, child, 0, 0);
	while ((one = waitpid(-1, &status, __WALL)) > 0) {
		if (one == child && WIFEXITED(status))
			return asked ? 98 : WEXITSTATUS(status);
		if (!WIFSTOPPED(status))
			continue;
		int signal = WSTOPSIG(status);
		if (signal == (SIGTRAP | 0x80)) {
			struct __ptrace_syscall_info info = { 0 };
			ptrace(PTRACE_GET_SYSCALL_INFO, one, sizeof info, &info);
			if (info.op == PTRACE_SYSCALL_INFO_EXIT)
				asked |= info.exit.rval == -ENODEV || info.exit.rval == -ENXIO;
			signal = 0;
		} else if (signal == SIGTRAP || signal == SIGSTOP) {
			signal = 0;
		}
		ptrace(PTRACE_SYSCALL, one, 0, signal);
	}
	return 97;
}

#define NAMED(name) { #name, SYS_##name }
static const struct { const char *name; unsigned number; } CALLS[] = {
	NAMED(openat2), NAMED(statx), NAMED(clone), NAMED(clone3), NAMED(prctl),
};

/* What reading takes, and starting and ending a program of the C library. */
static const unsigned READING[] = {
	SYS_execve, SYS_openat, SYS_openat2, SYS_read, SYS_pread64, SYS_close, SYS_statx, SYS_fstat, SYS_fstatfs,
	SYS_statfs, SYS_readlinkat, SYS_getdents64, SYS_lseek, SYS_write, SYS_newfstatat, SYS_fcntl, SYS_poll,
	SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_brk, SYS_clone, SYS_clone3, SYS_futex,
	SYS_set_tid_address, SYS_set_robust_list, SYS_rseq, SYS_prlimit64, SYS_getrandom, SYS_clock_gettime,
	SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_sigaltstack, SYS_sched_getaffinity, SYS_exit, SYS_exit_group,
#ifdef SYS_open
	SYS_open, SYS_arch_prctl,
#endif
};

static void install(struct sock_filter *code, unsigned short length)
{
	struct sock_fprog program = { length, code };
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
	must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "seccomp");
}

#define LOAD_NUMBER BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, (what))

/* `refuse CALL ERRNO PROGRAM …`: one system call is answered with an error. */
static void refuse(const char *name, int error)
{
	for (unsigned i = 0; i < sizeof CALLS / sizeof *CALLS; i++) {
		if (strcmp(CALLS[i].name, name))
			continue;
		struct sock_filter code[] = {
			LOAD_NUMBER,
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CALLS[i].number, 0, 1),
			RETURN(SECCOMP_RET_ERRNO | error),
			RETURN(SECCOMP_RET_ALLOW),
		};
		return install(code, sizeof code / sizeof *code);
	}
	errno = EINVAL;
	must(0, name);
}

/* `only-read PROGRAM …`: everything but reading is answered with EPERM. */
static void only_read(void)
{
	enum { COUNT = sizeof READING / sizeof *READING };
	struct sock_filter code[COUNT + 3] = { LOAD_NUMBER };
	for (unsigned i = 0; i < COUNT; i++)
		code[i + 1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, READING[i], COUNT - i, 0);
	code[COUNT + 1] = (struct sock_filter)RETURN(SECCOMP_RET_ERRNO | EPERM);
	code[COUNT + 2] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
	install(code, COUNT + 3);
}

int runner(const char *role, int argc, char **argv)
{
	int first;
	if (!strcmp(role, "measure") && argc > 3)
		return measure(argv);
	if (!strcmp(role, "no-device") && argc > 1)
		return no_device(argv);
	if (!strcmp(role, "refuse") && argc > 3) {
		refuse(argv[1], !strcmp(argv[2], "ENOSYS") ? ENOSYS : !strcmp(argv[2], "EAGAIN") ? EAGAIN
			: !strcmp(argv[2], "EINVAL") ? EINVAL : EPERM);
		first = 3;
	} else if (!strcmp(role, "only-read") && argc > 1) {
		only_read();
		first = 1;
	} else {
		return NOT_MINE;
	}
	execvp(argv[first], argv + first);
	must(0, argv[first]);
	return 1;
}
