#include "zmtp.h"

#include "../program.h"
#include "connection.h"
#include "pubsub.h"

#include <string.h>

enum { GREETING_LEN = 64 };

/* Greets, tells the socket's type (three letters), and reads both from the other end. */
static void zmtp_open(int fd, const char *type)
{
	char greeting[GREETING_LEN] = "\xff\0\0\0\0\0\0\0\0\x7f\x03\0NULL";
	char ready[] = "\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03???";
	unsigned char head[2];
	char theirs[256];

	memcpy(ready + sizeof(ready) - 1 - 3, type, 3);
	connection_send(fd, greeting, sizeof(greeting));
	connection_receive(fd, greeting, sizeof(greeting));
	connection_send(fd, ready, sizeof(ready) - 1);
	connection_receive(fd, head, sizeof(head));
	if (head[0] != 4)
		die_because("zmtp: no READY");
	connection_receive(fd, theirs, head[1]);
}

void zmtp_publish(int fd)
{
	zmtp_open(fd, "PUB");
}

void zmtp_subscribe(int fd)
{
	zmtp_open(fd, "SUB");
	/* Everything: a message of the byte 1 and an empty prefix. */
	connection_send(fd, "\x00\x01\x01", 3);
}

size_t zmtp_encode(char *to, const char *body)
{
	to[0] = 0;
	to[1] = BODY_LEN;
	memcpy(to + 2, body, BODY_LEN);
	return 2 + BODY_LEN;
}
