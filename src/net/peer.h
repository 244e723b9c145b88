#pragma once

/*
 * Who is at the other end of a connected socket.
 */

#include "net/endpoint.h"

/* The name people see: the address as endpoint_format() gives it. A Unix socket without one is
 * known by its process instead, `unix:pid/1234`, or `unix:uid/1000` when the process is in a PID
 * namespace that we do not see into; `unix:` when nothing is known (datagrams). */
void peer_name(int fd, const struct endpoint *peer, char text[ENDPOINT_TEXT_SIZE]);

/* The process that made the connection, as it was then (SO_PEERCRED, unix(7)); Unix sockets only. 0
 * or a negative errno. A pid of 0 is one that we do not see. */
int peer_credentials(int fd, struct ucred *who);
