#include "net/channel.h"

#include "base/cleanup.h"
#include "net/child.h"
#include "net/peer.h"
#include "net/standard.h"
#include "net/sys.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

void channel_init(struct channel *c, int fd, const struct endpoint *peer)
{
	*c = (struct channel){.in = fd, .out = fd};
	if (peer)
		c->peer = *peer;
	else if (endpoint_peer(&c->peer, fd) < 0)
		c->peer = ENDPOINT_NULL;
	peer_name(fd, &c->peer, c->name);
}

static bool is_socket(int fd, struct stat *st)
{
	return fstat(fd, st) == 0 && S_ISSOCK(st->st_mode);
}

int channel_init_inherited(struct channel *c, int fd)
{
	struct stat st;
	bool socket = is_socket(fd, &st);

	*c = CHANNEL_NULL;
	int anew = standard_open(fd);
	if (anew < 0)
		return anew;
	if (fd > STDERR_FILENO)
		sys_close(fd);
	if (socket) {
		channel_init(c, anew, NULL);
	} else {
		c->in = anew;
		c->out = anew;
		snprintf(c->name, sizeof(c->name), "fd:%d", fd);
	}
	return 0;
}

int channel_init_standard(struct channel *c)
{
	struct stat in_is;
	struct stat out_is;
	bool one_socket = is_socket(STDIN_FILENO, &in_is) && is_socket(STDOUT_FILENO, &out_is) &&
			  in_is.st_ino == out_is.st_ino && in_is.st_dev == out_is.st_dev;

	*c = CHANNEL_NULL;
	int in = standard_open(STDIN_FILENO);
	if (in < 0)
		return in;
	if (one_socket) {
		channel_init(c, in, NULL);
		return 0;
	}
	int out = standard_open(STDOUT_FILENO);
	if (out < 0) {
		sys_close(in);
		return out;
	}
	c->in = in;
	c->out = out;
	snprintf(c->name, sizeof(c->name), "-");
	return 0;
}

int channel_init_exec(struct channel *c, struct loop *l, const char *command, struct fault *why)
{
	*c = CHANNEL_NULL;
	int r = child_start(&c->child, l, command, &c->in, why);
	if (r < 0)
		return r;
	c->out = c->in;
	snprintf(c->name, sizeof(c->name), "exec:pid/%d", child_pid(c->child));
	return 0;
}

int channel_take(struct channel *c)
{
	if (c->in != c->out)
		return -1;
	c->out = -1;
	return take_fd(&c->in);
}

void channel_deinit(struct channel *c)
{
	if (c->out >= 0 && c->out != c->in)
		sys_close(c->out);
	if (c->in >= 0)
		sys_close(c->in);
	c->child = child_free(c->child);
	*c = CHANNEL_NULL;
}
