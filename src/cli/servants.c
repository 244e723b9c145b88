#include "cli/servants.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "hub/name.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

struct servant {
	uv_process_t process; /* first: the loop frees what it finds running */
	char name[NAME_MAX_LEN + 1];
};

struct account {
	uid_t uid;
	gid_t gid;
	bool other; /* than ours */
};

static int servants_find_account(struct account *a, const char *user, struct fault *why)
{
	*a = (struct account){.uid = geteuid(), .gid = getegid()};
	if (!user)
		return 0;
	const struct passwd *p = getpwnam(user);
	char *end;
	if (!p) {
		unsigned long number = strtoul(user, &end, 10);
		p = *user && !*end ? getpwuid((uid_t)number) : NULL;
	}
	if (!p)
		return fault_set(why, -ENOENT, "there is no user '%s'", user);
	*a = (struct account){p->pw_uid, p->pw_gid, p->pw_uid != geteuid()};
	return 0;
}

static void servant_on_closed(uv_handle_t *handle)
{
	free(handle);
}

static void servant_on_exit(uv_process_t *process, int64_t status, int signal)
{
	const struct servant *v = (const struct servant *)process;

	if (status || signal)
		log_error("--serve %s has ended (%s %d)", v->name, signal ? "signal" : "status",
			signal ? signal : (int)status);
	uv_close((uv_handle_t *)process, servant_on_closed);
}

/* NAME=COMMAND */
static int servant_read(
	struct bytes *name, const char **command, const char *text, struct fault *why)
{
	struct bytes rest = bytes_text(text);

	if (!bytes_cut(&rest, '=', name) || !rest.len)
		return fault_set(why, -EINVAL, "--serve takes NAME=COMMAND, not '%s'", text);
	if (!name_valid(*name))
		return fault_set(why, -EINVAL,
			"--serve %.*s: a service's name is 1 to %d of A-Z a-z 0-9 . _ -",
			(int)name->len, (const char *)name->data, NAME_MAX_LEN);
	*command = (const char *)rest.data;
	return 0;
}

static int servant_start(struct loop *l, const struct account *a, const char *address,
	const char *text, struct fault *why)
{
	struct bytes name;
	const char *command;
	struct servant *v = calloc(1, sizeof(*v));

	if (!v)
		return fault_errno(why, -ENOMEM, "cannot serve");
	int r = servant_read(&name, &command, text, why);
	if (r < 0) {
		free(v);
		return r;
	}
	memcpy(v->name, name.data, name.len);
	char *args[] = {"ferry", "serve", "--with-hub", (char *)address, v->name, "--",
		(char *)command, NULL};
	uv_stdio_container_t stdio[] = {
		{.flags = UV_IGNORE},
		{.flags = UV_IGNORE},
		{.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
	};
	uv_process_options_t options = {
		.exit_cb = servant_on_exit,
		.file = "/proc/self/exe",
		.args = args,
		.flags = a->other ? UV_PROCESS_SETUID | UV_PROCESS_SETGID : 0,
		.uid = a->uid,
		.gid = a->gid,
		.stdio_count = 3,
		.stdio = stdio,
	};
	r = uv_spawn(&l->uv, &v->process, &options);
	if (r == 0)
		return 0;
	uv_close((uv_handle_t *)&v->process, servant_on_closed);
	return fault_errno(why, r, "cannot serve '%s'", v->name);
}

/* An address that nobody has. */
static int servants_address(char text[64], struct address *address, struct fault *why)
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return fault_errno(why, -errno, "cannot serve");
	snprintf(text, 64, "unix:@ferry-%d-%016llx", (int)getpid(), (unsigned long long)random);
	return address_parse(address, text, why);
}

int servants_start(struct loop *l, struct server *s, const char **texts, size_t count,
	const char *user, struct fault *why)
{
	cleanup(address_deinit) struct address address = ADDRESS_NULL;
	struct account account;
	char text[64];

	if (!count)
		return 0;
	int r = servants_find_account(&account, user, why);
	if (r == 0)
		r = servants_address(text, &address, why);
	if (r == 0)
		r = server_listen_for_servants(s, &address, account.uid, why);
	for (size_t i = 0; i < count && r == 0; i++) {
		struct bytes name;
		const char *command;
		r = servant_read(&name, &command, texts[i], why);
		if (r == 0)
			r = server_let_serve(s, name, why);
	}
	for (size_t i = 0; i < count && r == 0; i++)
		r = servant_start(l, &account, text, texts[i], why);
	return r;
}
