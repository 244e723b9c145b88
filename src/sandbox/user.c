#include "sandbox/user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

static const struct passwd *user_find(const char *name)
{
	const struct passwd *user = getpwnam(name);

	if (user || *name < '0' || *name > '9')
		return user;
	char *end;
	unsigned long number = strtoul(name, &end, 10);
	return *end || number >= (uid_t)-1 ? NULL : getpwuid((uid_t)number);
}

int user_become(const char *name, struct fault *why)
{
	const struct passwd *user = user_find(name);

	if (!user)
		return fault_set(why, -ENOENT, "--user %.100s: there is no such user", name);
	if (getuid() == user->pw_uid && geteuid() == user->pw_uid)
		return 0;
	if (geteuid() != 0)
		return fault_set(
			why, -EPERM, "--user %.100s: only root can become another user", name);
	if (initgroups(user->pw_name, user->pw_gid) < 0 ||
		setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
		setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
		return fault_errno(why, -errno, "--user %.100s", name);
	if (user->pw_uid != 0 && setuid(0) == 0)
		return fault_set(why, -EPERM, "--user %.100s: the rights of root stayed", name);
	return 0;
}
