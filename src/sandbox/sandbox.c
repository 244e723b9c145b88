#include "sandbox/sandbox.h"

#include "base/cleanup.h"

#include <errno.h>
#include <libgen.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

int sandbox_init(struct sandbox *s, bool abstract, struct fault *why)
{
	*s = (struct sandbox){.text = "none"};
	int r = landlock_init(&s->landlock, abstract);
	return r < 0 ? fault_errno(why, r, "cannot confine the process") : 0;
}

void sandbox_deinit(struct sandbox *s)
{
	landlock_deinit(&s->landlock);
}

int sandbox_allow(struct sandbox *s, const char *path, enum landlock_right right, struct fault *why)
{
	int r = landlock_allow(&s->landlock, path, right);

	return r < 0 ? fault_errno(why, r, "%.200s", path) : 0;
}

int sandbox_allow_around(
	struct sandbox *s, const char *path, enum landlock_right right, struct fault *why)
{
	cleanup(cleanup_free) char *named = strdup(path), *real = realpath(path, NULL);

	if (!named)
		return fault_errno(why, -ENOMEM, "cannot confine the process");
	int r = sandbox_allow(s, dirname(named), right, why);
	return r < 0 || !real ? r : sandbox_allow(s, dirname(real), right, why);
}

int sandbox_allow_connect(struct sandbox *s, uint16_t port, struct fault *why)
{
	int r = landlock_allow_connect(&s->landlock, port);

	return r < 0 ? fault_errno(why, r, "cannot confine the process") : 0;
}

/* What the instruments of a build open when the process ends: its maps, their own programs, the
 * files of counts. */
static int sandbox_allow_instruments(struct sandbox *s, struct fault *why)
{
#ifdef SANDBOX_INSTRUMENTS
	static const char *const programs[] = {"/usr", "/lib", "/lib64", "/proc", "/sys"};

	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		int r = sandbox_allow(s, programs[i], LANDLOCK_RUN, why);
		if (r < 0)
			return r;
	}
	return sandbox_allow(s, SANDBOX_INSTRUMENTS, LANDLOCK_KEEP, why);
#else
	return 0;
#endif
}

/* Libraries read their settings at first use, which would be too late. */
static void sandbox_warm_up(void)
{
	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
}

int sandbox_enter(struct sandbox *s, struct fault *why)
{
	sandbox_warm_up();
	int r = sandbox_allow_instruments(s, why);
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fault_errno(why, -errno, "cannot give up new privileges");
	r = landlock_enforce(&s->landlock);
	if (r < 0)
		return fault_errno(why, r, "cannot confine the process by Landlock");
	int missing = filter_load(&s->filter);
	if (missing < 0)
		return fault_errno(why, missing, "cannot confine the process by seccomp");
	int len = 0;
	if (s->landlock.abi)
		len = snprintf(s->text, sizeof(s->text), "landlock %d%s", s->landlock.abi,
			missing ? "" : ", ");
	if (!missing)
		snprintf(s->text + len, sizeof(s->text) - (size_t)len, "seccomp");
	s->is_whole = s->landlock.abi && !missing;
	landlock_deinit(&s->landlock);
	return 0;
}
