#include "net/child.h"

#include "base/cleanup.h"
#include "net/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>

struct child {
	uv_process_t process; /* first: loop_deinit() frees what it finds running */
	struct loop *loop;
	struct ending telling; /* on_exited of one that had exited before it was set */
	bool exited;
	bool forgotten;
	bool leads; /* a process group */
	int code;
	void (*on_exited)(void *arg, struct child *c, int code);
	void *arg;
};

static void child_on_close(uv_handle_t *process)
{
	free(process);
}

static void child_tell(struct ending *e)
{
	struct child *c = container_of(e, struct child, telling);

	if (c->on_exited)
		c->on_exited(c->arg, c, c->code);
}

static void child_on_exit(uv_process_t *process, int64_t code, int signal)
{
	struct child *c = (struct child *)process;

	c->exited = true;
	c->code = signal ? 128 + signal : (int)code;
	if (c->forgotten)
		uv_close((uv_handle_t *)process, child_on_close);
	else
		child_tell(&c->telling);
}

static int child_spawn_piped(
	struct child *c, struct loop *l, char **args, char **environment, int in, int out)
{
	uv_stdio_container_t stdio[] = {
		{.flags = UV_INHERIT_FD, .data.fd = in},
		{.flags = UV_INHERIT_FD, .data.fd = out},
		{.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
	};
	uv_process_options_t options = {
		.exit_cb = child_on_exit,
		.file = args[0],
		.args = args,
		.env = environment,
		.flags = UV_PROCESS_DETACHED,
		.stdio_count = 3,
		.stdio = stdio,
	};

	c->leads = true;
	return uv_spawn(&l->uv, &c->process, &options);
}

static int child_pipe(int fds[2], int ours)
{
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	return fcntl(fds[ours], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

int child_start_piped(struct child **out, struct loop *l, char **args, char **environment,
	int *from, int *to, struct fault *why)
{
	cleanup(cleanup_close) int in_read = -1, in_write = -1, out_read = -1, out_write = -1;
	struct child *c = calloc(1, sizeof(*c));
	int fds[2] = {-1, -1};

	if (!c)
		return fault_errno(why, -ENOMEM, "cannot run '%.100s'", args[0]);
	c->loop = l;
	ending_init(&c->telling, child_tell);
	int r = child_pipe(fds, 1);
	in_read = fds[0];
	in_write = fds[1];
	if (r == 0) {
		r = child_pipe(fds, 0);
		out_read = fds[0];
		out_write = fds[1];
	}
	if (r < 0) {
		free(c);
		return fault_errno(why, r, "cannot run '%.100s'", args[0]);
	}
	r = child_spawn_piped(c, l, args, environment, in_read, out_write);
	if (r < 0) {
		uv_close((uv_handle_t *)&c->process, child_on_close);
		return fault_errno(why, r, "cannot run '%.100s'", args[0]);
	}
	*from = take_fd(&out_read);
	*to = take_fd(&in_write);
	*out = c;
	return 0;
}

static int child_spawn(struct child *c, struct loop *l, const char *command, int fd)
{
	char *args[] = {"/bin/sh", "-c", (char *)command, NULL};
	uv_stdio_container_t stdio[] = {
		{.flags = UV_INHERIT_FD, .data.fd = fd},
		{.flags = UV_INHERIT_FD, .data.fd = fd},
		{.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
	};
	uv_process_options_t options = {
		.exit_cb = child_on_exit,
		.file = args[0],
		.args = args,
		.stdio_count = 3,
		.stdio = stdio,
	};

	return uv_spawn(&l->uv, &c->process, &options);
}

int child_start(struct child **out, struct loop *l, const char *command, int *fd, struct fault *why)
{
	struct child *c = calloc(1, sizeof(*c));
	int fds[2];

	if (!c)
		return fault_errno(why, -ENOMEM, "cannot run '%.100s'", command);
	c->loop = l;
	ending_init(&c->telling, child_tell);
	int r = sys_socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);
	if (r < 0) {
		free(c);
		return fault_errno(why, r, "cannot run '%.100s'", command);
	}
	r = child_spawn(c, l, command, fds[1]);
	sys_close(fds[1]);
	if (!r && fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0)
		r = -errno;
	if (r < 0) {
		sys_close(fds[0]);
		uv_close((uv_handle_t *)&c->process, child_on_close);
		return fault_errno(why, r, "cannot run '%.100s'", command);
	}
	*fd = fds[0];
	*out = c;
	return 0;
}

void child_set_exited(
	struct child *c, void (*exited)(void *arg, struct child *c, int code), void *arg)
{
	c->on_exited = exited;
	c->arg = arg;
	if (c->exited)
		ending_ask(c->loop, &c->telling);
}

int child_pid(const struct child *c)
{
	return c->process.pid;
}

void child_signal(struct child *c, int signal)
{
	if (c->leads)
		kill(-c->process.pid, signal); /* what it started may outlive it */
	else if (!c->exited)
		uv_process_kill(&c->process, signal);
}

struct child *child_free(struct child *c)
{
	if (!c)
		return NULL;
	ending_cancel(&c->telling);
	if (c->exited)
		uv_close((uv_handle_t *)&c->process, child_on_close);
	else
		c->forgotten = true; /* it is freed when it was waited for: no zombie stays */
	return NULL;
}
