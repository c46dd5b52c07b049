/* File systems whose server does not answer: FUSE without libfuse, and an automounter. */
#include "stage.h"
#include <linux/auto_fs4.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#define CONTENT "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nauthorization: {mode: Webhook}\n"
/* The root, a folder in it and a file; every name of a folder leads to the file, but `folder`. */
enum { ROOT = 1, FILE_NODE = 2, FOLDER_NODE = 3 };
/* What is in the file: $SERVE, else a configuration that passes. */
static const char *content = CONTENT;
static size_t content_length = sizeof CONTENT - 1;
/* Nothing is answered any more. */
static volatile sig_atomic_t quiet;

static const struct { const char *name; uint32_t opcode; } OPCODES[] = {
	{ "lookup", FUSE_LOOKUP }, { "getattr", FUSE_GETATTR }, { "open", FUSE_OPEN },
	{ "read", FUSE_READ }, { "opendir", FUSE_OPENDIR }, { "readdir", FUSE_READDIR },
	{ "statfs", FUSE_STATFS },
};

static struct fuse_attr attributes(uint64_t node)
{
	int is_file = node == FILE_NODE;
	return (struct fuse_attr){
		.ino = node, .nlink = 1, .blksize = 4096, .mtime = 1000000000, .ctime = 1000000000,
		.mode = is_file ? S_IFREG | 0755 : S_IFDIR | 0755, .size = is_file ? content_length : 0,
	};
}

static void answer(int fd, uint64_t unique, int error, const void *data, size_t length)
{
	static char buffer[1 << 18];
	struct fuse_out_header out = { .unique = unique, .error = -error, .len = sizeof out + length };
	memcpy(buffer, &out, sizeof out);
	if (length)
		memcpy(buffer + sizeof out, data, length);
	/* The one who asked may be gone. */
	if (write(fd, buffer, out.len) < 0 && errno != ENOENT)
		must(0, "answer");
}

static void serve(int fd, const struct fuse_in_header *in)
{
	const void *body = in + 1;
	switch (in->opcode) {
	case FUSE_INIT: {
		struct fuse_init_out out = { .major = 7, .minor = 31, .max_write = 65536 };
		return answer(fd, in->unique, 0, &out, sizeof out);
	}
	case FUSE_LOOKUP: {
		int is_folder = !strcmp(body, "folder");
		uint64_t node = is_folder ? FOLDER_NODE : FILE_NODE;
		struct fuse_entry_out out = { .nodeid = node, .attr = attributes(node) };
		return answer(fd, in->unique, 0, &out, sizeof out);
	}
	case FUSE_GETATTR: {
		struct fuse_attr_out out = { .attr = attributes(in->nodeid) };
		return answer(fd, in->unique, 0, &out, sizeof out);
	}
	case FUSE_OPEN: case FUSE_OPENDIR: {
		struct fuse_open_out out = { 0 };
		return answer(fd, in->unique, 0, &out, sizeof out);
	}
	case FUSE_READ: {
		const struct fuse_read_in *read = body;
		size_t start = read->offset < content_length ? read->offset : content_length;
		size_t rest = content_length - start;
		return answer(fd, in->unique, 0, content + start, rest < read->size ? rest : read->size);
	}
	case FUSE_READDIR: case FUSE_RELEASE: case FUSE_RELEASEDIR: case FUSE_FLUSH:
		return answer(fd, in->unique, 0, NULL, 0);
	case FUSE_STATFS: {
		struct fuse_statfs_out out = { .st = { .bsize = 4096, .namelen = 255 } };
		return answer(fd, in->unique, 0, &out, sizeof out);
	}
	case FUSE_FORGET: case FUSE_BATCH_FORGET: case FUSE_INTERRUPT:
		return;
	default:
		return answer(fd, in->unique, ENOSYS, NULL, 0);
	}
}

static void be_quiet(int signal)
{
	quiet = signal;
}

/* Mounts FUSE at a folder and serves it. `silent` is what is read and never answered, `deaf` to read nothing
 * at all, or `healthy`, which is until SIGUSR1. What was asked is written to $ASKED, a line each. */
static int fuse(const char *folder, const char *silent)
{
	static char buffer[1 << 17];
	char options[128];
	uint32_t unanswered = 0;
	int fd = open("/dev/fuse", O_RDWR);
	int asked = open(getenv("ASKED"), O_CREAT | O_WRONLY | O_APPEND, 0644);
	must(fd >= 0 && asked >= 0, "/dev/fuse");
	if (getenv("SERVE")) {
		static char served[1 << 20];
		int file = open(getenv("SERVE"), O_RDONLY);
		content_length = read(file, served, sizeof served);
		must(content_length < sizeof served && close(file) == 0, "SERVE");
		content = served;
	}
	signal(SIGUSR1, be_quiet);
	snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd);
	must(mount("stage", folder, "fuse", MS_NOSUID | MS_NODEV, options) == 0, folder);
	for (unsigned i = 0; i < sizeof OPCODES / sizeof *OPCODES; i++)
		if (!strcmp(OPCODES[i].name, silent))
			unanswered = OPCODES[i].opcode;
	ready();
	if (!strcmp(silent, "deaf"))
		wait_for_ever();
	for (;;) {
		const struct fuse_in_header *in = (void *)buffer;
		ssize_t length = read(fd, buffer, sizeof buffer - 1);
		if (length < 0 && (errno == EINTR || errno == ENOENT))
			continue;
		if (length < 0)
			return 0;
		buffer[length] = 0;
		if (in->opcode != FUSE_INIT)
			dprintf(asked, "%u\n", in->opcode);
		if (in->opcode != unanswered && !quiet)
			serve(fd, in);
	}
}

/* Mounts autofs at a folder. `silent` never mounts what is asked for, `healthy` does. */
static int automount(const char *folder, const char *how)
{
	int pipes[2];
	char options[128];
	/* The kernel lets the automounter's own process group see the folder as it is. */
	must(setpgid(0, 0) == 0 && pipe(pipes) == 0, "pipe");
	int asked = open(getenv("ASKED"), O_CREAT | O_WRONLY | O_APPEND, 0644);
	snprintf(options, sizeof options, "fd=%d,pgrp=%d,minproto=5,maxproto=5,indirect", pipes[1], getpgrp());
	must(mount("stage", folder, "autofs", 0, options) == 0, folder);
	close(pipes[1]);
	int root = open(folder, O_RDONLY | O_DIRECTORY);
	must(root >= 0, folder);
	ready();
	for (;;) {
		union autofs_v5_packet_union packet;
		if (read(pipes[0], &packet, sizeof packet) <= 0)
			return 0;
		const struct autofs_v5_packet *wanted = &packet.v5_packet;
		dprintf(asked, "%s\n", wanted->name);
		if (strcmp(how, "healthy"))
			continue;
		char path[4096];
		snprintf(path, sizeof path, "%s/%s", folder, wanted->name);
		must(mkdir(path, 0755) == 0 && mount("stage", path, "tmpfs", 0, NULL) == 0, path);
		strcat(path, "/config");
		int fd = open(path, O_CREAT | O_WRONLY, 0644);
		must(write(fd, CONTENT, sizeof CONTENT - 1) > 0 && close(fd) == 0, path);
		must(ioctl(root, AUTOFS_IOC_READY, (long)wanted->wait_queue_token) == 0, "ready");
	}
}

int server(const char *role, int argc, char **argv)
{
	if (!strcmp(role, "fuse") && argc == 3)
		return fuse(argv[1], argv[2]);
	if (!strcmp(role, "automount") && argc == 3)
		return automount(argv[1], argv[2]);
	return NOT_MINE;
}
