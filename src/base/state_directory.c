#include "base/state_directory.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *state_variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value == '/' ? value : NULL; /* the specification ignores relative ones */
}

int state_directory_find(const char *given, char **path, struct fault *why)
{
	const char *state = state_variable("XDG_STATE_HOME");
	const char *home = state_variable("HOME");
	int len;

	*path = NULL;
	if (given)
		len = asprintf(path, "%s", given);
	else if (state)
		len = asprintf(path, "%s/ferry", state);
	else if (home)
		len = asprintf(path, "%s/.local/state/ferry", home);
	else
		return fault_set(why, -EINVAL,
			"there is no place for keys: set HOME or XDG_STATE_HOME, or give "
			"--key-dir DIR");
	if (len >= 0)
		return 0;
	*path = NULL;
	return fault_errno(why, -ENOMEM, "cannot find the place for keys");
}

static int state_make_one(const char *path, struct fault *why)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	return fault_errno(why, -errno, "cannot make the directory %s", path);
}

int state_directory_make(const char *path, struct fault *why)
{
	cleanup(cleanup_free) char *copy = strdup(path);
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	if (!copy)
		return fault_errno(why, -ENOMEM, "cannot make the directory %s", path);
	for (char *slash = copy + 1; *copy && (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		int r = state_make_one(copy, why);
		if (r < 0)
			return r;
		*slash = '/';
	}
	return state_make_one(path, why);
}
