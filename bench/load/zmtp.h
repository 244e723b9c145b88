#pragma once

/* ZeroMQ's wire, ZMTP 3.0 (rfc.zeromq.org/spec/23) without security: what a PUB or a SUB socket
 * says. */

#include <stddef.h>

void zmtp_publish(int fd);
void zmtp_subscribe(int fd);
size_t zmtp_encode(char *to, const char *body);
