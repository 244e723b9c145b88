#pragma once

/*
 * One line of --trace, put together in a fixed buffer (an overlong line is cut) and written with a
 * single write(2), so that the lines of several threads and processes do not mix.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

enum { TRACE_LINE_SIZE = 1024 };

struct trace {
	size_t len;
	char text[TRACE_LINE_SIZE];
};

/* Each appends to the line. */
void trace_print(struct trace *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void trace_socket_kind(struct trace *t, int family, int type, int protocol);
void trace_address(struct trace *t, const struct sockaddr *addr, socklen_t len);
void trace_option(struct trace *t, int level, int option, const void *value, socklen_t len);
void trace_accept_flags(struct trace *t, int flags);
void trace_message_flags(struct trace *t, int flags);
void trace_splice_flags(struct trace *t, unsigned flags);

/* The first bytes in quotes, escaped as in C, "..." behind what was cut, at a token at the latest.
 * LEN is negative when the call failed and there are none. */
void trace_data(struct trace *t, const void *data, ssize_t len);
void trace_iov(struct trace *t, const struct iovec *iov, size_t count, ssize_t len);

/* Appends `) = RESULT`, the error's name and meaning when it is negative, and writes the line. */
void trace_end(struct trace *t, ssize_t result);
