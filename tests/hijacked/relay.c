/*
 * The same for a relay: relay_file_passed(), which is shown what passes (--dump), has the hole, and
 * standard error is told how it went.
 */

#include "attack.h"
#include "cli/relay_dump.h"

#include <stdio.h>
#include <string.h>

void __wrap_relay_file_passed(
	void *file, uint64_t id, bool back, uint64_t offset, struct bytes bytes);

void __wrap_relay_file_passed(
	void *file, uint64_t id, bool back, uint64_t offset, struct bytes bytes)
{
	static const char order[] = "hijack: ";

	if (bytes.len <= strlen(order) || memcmp(bytes.data, order, strlen(order)) != 0)
		return;
	struct bytes what = bytes_skip(bytes, strlen(order));
	int r = attack_try(what);
	dprintf(2, "%.*s: %s\n", (int)what.len, (const char *)what.data,
		r < 0 ? strerrorname_np(-r) : "done");
}
