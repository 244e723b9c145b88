#include "net/monitor.h"

#include "base/bytes.h"
#include "net/sys.h"

#include <errno.h>
#include <stdio.h>

enum { ANSWER_MAX = 32 };

int monitor_greet(int fd, uint32_t port)
{
	char line[32];

	int len = snprintf(line, sizeof(line), "CONNECT %u\n", port);
	ssize_t n = sys_send(fd, line, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return (int)n;
	return n == len ? 0 : -EPROTO;
}

int monitor_answer(int fd)
{
	char line[ANSWER_MAX];

	ssize_t n = sys_recv(fd, line, sizeof(line), MSG_DONTWAIT | MSG_PEEK);
	if (n == 0 || n == -ECONNRESET)
		return -ECONNREFUSED;
	if (n < 0)
		return (int)n;
	const char *end = memchr(line, '\n', (size_t)n);
	if (!end)
		return n == sizeof(line) ? -EPROTO : -EAGAIN;
	n = sys_recv(fd, line, (size_t)(end - line) + 1, MSG_DONTWAIT);
	if (n < 0)
		return (int)n;
	return n >= 3 && !memcmp(line, "OK ", 3) ? 0 : -EPROTO;
}
