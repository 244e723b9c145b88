#include "cli/keep.h"

#include "hub/store_memory.h"
#include "hub/store_nats.h"
#include "hub/store_sqlite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { KEEP_PORT = 4222 }; /* NATS */

static int keep_open_memory(struct store **store, const struct keep *keep, struct fault *why)
{
	const struct store_memory_options options = {
		.max_bytes = keep->max_bytes,
		.max_messages = keep->max_messages,
		.max_age_ms = keep->max_age_ms,
	};

	*store = store_memory_new(&options);
	return *store ? 0 : fault_errno(why, -ENOMEM, "cannot make the store");
}

#ifdef FERRY_SQLITE
static int keep_open_file(struct store **store, const char *path, const struct keep *keep,
	void (*wake)(void *data), void *data, struct fault *why)
{
	const struct store_sqlite_options options = {
		.max_bytes = keep->max_bytes,
		.max_messages = keep->max_messages,
		.max_age_ms = keep->max_age_ms,
		.wake = wake,
		.data = data,
	};

	return store_sqlite_open(store, path, &options, why);
}
#else
static int keep_open_file(struct store **store, const char *path, const struct keep *keep,
	void (*wake)(void *data), void *data, struct fault *why)
{
	return fault_set(why, -EINVAL, "--store %s: this ferry was built without SQLite", path);
}
#endif

bool keep_is_secure(const char *text)
{
	return !strncmp(text, "tls://", strlen("tls://"));
}

bool keep_is_file(const char *text)
{
	return strcmp(text, "memory") != 0 && !strstr(text, "://");
}

/* SCHEME://[USER:PASSWORD@]HOST[:PORT][/…] */
uint16_t keep_port(const char *url)
{
	const char *host = strstr(url, "://") + 3;
	const char *end = host + strcspn(host, "/");

	for (const char *at = end; at > host && at[-1] != ']' && at[-1] != '@'; at--)
		if (at[-1] == ':')
			return (uint16_t)strtoul(at, NULL, 10);
	return KEEP_PORT;
}

#ifdef FERRY_NATS
static int keep_open_stream(struct store **store, const char *url, const struct keep *keep,
	void (*wake)(void *data), void *data, struct fault *why)
{
	const struct store_nats_options options = {
		.max_bytes = keep->max_bytes,
		.max_messages = keep->max_messages,
		.max_age_ms = keep->max_age_ms,
		.wake = wake,
		.data = data,
	};

	return store_nats_open(store, url, &options, why);
}
#else
static int keep_open_stream(struct store **store, const char *url, const struct keep *keep,
	void (*wake)(void *data), void *data, struct fault *why)
{
	return fault_set(why, -EINVAL, "--store %s: this ferry was built without NATS", url);
}
#endif

int keep_open(struct store **store, const char *text, const struct keep *keep,
	void (*wake)(void *data), void *data, struct fault *why)
{
	if (!strcmp(text, "memory"))
		return keep_open_memory(store, keep, why);
	if (!strncmp(text, "nats://", strlen("nats://")) || keep_is_secure(text))
		return keep_open_stream(store, text, keep, wake, data, why);
	if (strstr(text, "://"))
		return fault_set(why, -EINVAL,
			"--store takes `memory`, the path of a file, nats://HOST or tls://HOST, "
			"not %.*s://",
			(int)strcspn(text, ":"), text); /* a password may follow */
	return keep_open_file(store, text, keep, wake, data, why);
}
