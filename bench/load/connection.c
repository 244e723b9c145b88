#include "connection.h"
#include "../program.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { SOURCES = 8 };

static int open_tcp(const char *address, unsigned source)
{
	struct sockaddr_in from = {.sin_family = AF_INET}, to = from;
	const char *colon = strrchr(address, ':');
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + source % SOURCES);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)number(colon ? colon + 1 : ""));
	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) ||
		bind(fd, (struct sockaddr *)&from, sizeof(from)) ||
		connect(fd, (struct sockaddr *)&to, sizeof(to)))
		die(address);
	return fd;
}

static int open_unix(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		die(path);
	return fd;
}

int connection_open(const char *address, unsigned source)
{
	struct timeval wait = {.tv_sec = WAIT_S};
	int fd = strncmp(address, "unix:", 5) ? open_tcp(address, source) : open_unix(address + 5);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) ||
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)))
		die("timeout");
	return fd;
}

void connection_send(int fd, const void *data, size_t len)
{
	for (size_t sent = 0; sent < len;) {
		ssize_t n = send(fd, (const char *)data + sent, len - sent, MSG_NOSIGNAL);
		if (n < 0)
			die("send");
		sent += (size_t)n;
	}
}

void connection_send_text(int fd, const char *text)
{
	connection_send(fd, text, strlen(text));
}

void connection_receive(int fd, void *to, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = recv(fd, (char *)to + got, len - got, 0);
		if (n < 0)
			die("receive");
		if (n == 0)
			die_because("receive: the server has closed the connection");
		got += (size_t)n;
	}
}

void connection_receive_until(int fd, const char *end)
{
	char got[4096];
	size_t len = 0, end_len = strlen(end);

	do {
		if (len == sizeof(got))
			die_because("no \"%s\" in %zu bytes", end, len);
		connection_receive(fd, got + len, 1);
		len++;
	} while (len < end_len || memcmp(got + len - end_len, end, end_len) != 0);
}

void connection_lift_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		die("getrlimit");
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files))
		die("setrlimit");
}
