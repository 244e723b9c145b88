#pragma once

/*
 * Processes as /proc shows them (proc(5)): which of them have a socket open, and what they are.
 *
 * A process may look into the descriptors of its own user's processes only (ptrace(2), "access mode
 * checking"); root may look into all of its pid namespace. What could not be looked into is told,
 * so that "no process" is never confused with "none that we may see".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A process has a socket open. */
struct process_socket {
	uint64_t inode;
	pid_t pid;
};

struct process_sockets {
	struct process_socket *list; /* by inode, then pid; a pair stands there once */
	size_t count;
	bool partial; /* there are processes that could not be looked into */
};

#define PROCESS_SOCKETS_NULL ((struct process_sockets){0})

/* Looks through all processes. Their number is what it costs: about 10 µs a process. 0 or a
 * negative errno. */
int process_sockets_init(struct process_sockets *s);
void process_sockets_deinit(struct process_sockets *s);

/* The first entry of INODE, with as many behind it as *count says; NULL and 0 when there is none.
 */
const struct process_socket *process_sockets_find(
	const struct process_sockets *s, uint64_t inode, size_t *count);

enum { PROCESS_NAME_SIZE = 64, PROCESS_USER_SIZE = 33, PROCESS_TEXT_SIZE = 1024 };

struct process {
	pid_t pid;
	uid_t uid; /* effective */
	char user[PROCESS_USER_SIZE];
	char name[PROCESS_NAME_SIZE];	  /* "nginx" */
	char command[PROCESS_TEXT_SIZE];  /* its arguments, a blank between; may be cut, or empty */
	char cgroup[PROCESS_TEXT_SIZE];	  /* "/system.slice/nginx.service", or empty */
	char unit[PROCESS_NAME_SIZE * 4]; /* "nginx.service": the innermost service or scope */
};

/* 0, or -ESRCH when it has gone. */
int process_read(struct process *p, pid_t pid);

/* The user's name, or its number where the system knows no name. */
void process_user(uid_t uid, char name[PROCESS_USER_SIZE]);
