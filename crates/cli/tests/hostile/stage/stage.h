/* What the programs of the stage share: C, because a tenant forks, rewrites its arguments and registers its
 * memory with the kernel, none of which safe Rust can do; compiled once by the `cc` that cargo links with. */
#ifndef STAGE_H
#define STAGE_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Ends the program if `ok` is false, saying what failed. */
void must(int ok, const char *what);
/* Makes the file that the script waits for ($READY). */
void ready(void);
/* Waits for a signal that ends the program. */
void wait_for_ever(void);

/* Each takes the arguments of the role, without the program's own name. */
int tenant(const char *role, int argc, char **argv);
int files(const char *role, int argc, char **argv);
int server(const char *role, int argc, char **argv);
int runner(const char *role, int argc, char **argv);

/* What a role function returns for a role that is not one of its own. */
#define NOT_MINE (-1)

#endif
