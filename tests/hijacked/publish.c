/*
 * The hub as it is, but for one function: server_publish() stands for a handler with a hole in it.
 * What a client publishes as "hijack: WHAT" is tried from within, on the stack of that handler, and
 * the message then says how it went. The linker puts it in the place of the real one (--wrap).
 */

#include "attack.h"
#include "server/server.h"

#include <stdio.h>
#include <string.h>

int __real_server_publish(struct server *s, const struct publish *p);
int __wrap_server_publish(struct server *s, const struct publish *p);

int __wrap_server_publish(struct server *s, const struct publish *p)
{
	static const char order[] = "hijack: ";
	struct publish told = *p;
	char outcome[512];

	if (p->message.body.len <= strlen(order) ||
		memcmp(p->message.body.data, order, strlen(order)) != 0)
		return __real_server_publish(s, p);
	struct bytes what = bytes_skip(p->message.body, strlen(order));
	int r = attack_try(what);
	int len = snprintf(outcome, sizeof(outcome), "%.*s: %s", (int)what.len,
		(const char *)what.data, r < 0 ? strerrorname_np(-r) : "done");
	told.message.body = bytes_of(outcome, (size_t)len);
	return __real_server_publish(s, &told);
}
