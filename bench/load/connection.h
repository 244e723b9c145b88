#pragma once

/*
 * One end of a connection to the server under load. The sockets block, and a wait of WAIT_S seconds
 * is the end of the program: a load whose server falls silent fails, it never hangs.
 */

#include <stddef.h>

enum { WAIT_S = 10, WAIT_MS = WAIT_S * 1000 };

/* Connects to "tcp:127.0.0.1:PORT" or "unix:PATH". SOURCE picks one of a few loopback addresses to
 * come from, so that ten thousands of connections do not run out of ports. */
int connection_open(const char *address, unsigned source);

void connection_send(int fd, const void *data, size_t len);
void connection_send_text(int fd, const char *text);

/* Reads exactly LEN bytes. */
void connection_receive(int fd, void *to, size_t len);

/* Reads byte by byte until what has come ends in END; leaves what follows unread. */
void connection_receive_until(int fd, const char *end);

/* Lifts the limit of open files to what the system lets this process have. */
void connection_lift_limit(void);
