#include "server/guard.h"

#include <arpa/inet.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static bool guard_is_literal(struct bytes name)
{
	struct in6_addr address;
	char text[INET6_ADDRSTRLEN];

	if (name.len >= sizeof(text))
		return false;
	memcpy(text, name.data, name.len);
	text[name.len] = '\0';
	return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

static bool guard_is_local(struct bytes name)
{
	static const char suffix[] = ".localhost"; /* RFC 6761 section 6.3 */
	size_t len = sizeof(suffix) - 1;

	if (bytes_equal_nocase(name, BYTES_LITERAL("localhost")))
		return true;
	return name.len > len &&
	       bytes_equal_nocase(bytes_of(name.data + name.len - len, len), bytes_text(suffix));
}

static bool guard_is_machine(struct bytes name)
{
	char host[HOST_NAME_MAX + 1] = "";

	if (gethostname(host, sizeof(host) - 1) < 0)
		return false;
	return bytes_equal_nocase(name, bytes_text(host));
}

/* An address as it stands cannot have been rebound; a name must be one of ours. Over a Unix or VM
 * socket no browser comes, so any name will do. */
static bool guard_knows_host(
	const struct guard_options *o, const struct address *address, struct bytes name)
{
	if (address->scheme->kind != ADDRESS_INET)
		return true;
	if (!name.len || guard_is_literal(name) || guard_is_local(name) || guard_is_machine(name))
		return true;
	if (address->host && bytes_equal_nocase(name, bytes_text(address->host)))
		return true;
	for (size_t i = 0; i < o->host_count; i++)
		if (bytes_equal_nocase(name, bytes_text(o->hosts[i])))
			return true;
	return false;
}

static bool guard_is_welcome(const struct guard_options *o, struct bytes origin)
{
	for (size_t i = 0; i < o->origin_count; i++)
		if (!strcmp(o->origins[i], "*") ||
			bytes_equal_nocase(origin, bytes_text(o->origins[i])))
			return true;
	return false;
}

static struct bytes guard_without(struct bytes text, const char *prefix)
{
	size_t len = strlen(prefix);

	if (text.len < len || !bytes_equal_nocase(bytes_of(text.data, len), bytes_text(prefix)))
		return BYTES_NULL;
	return bytes_of(text.data + len, text.len - len);
}

/* Whether ORIGIN, "http://host:port", is the place that the request itself went to. */
static bool guard_is_own(struct bytes origin, const struct http_request *r)
{
	struct uri_host host;
	int preset = 80;

	struct bytes authority = guard_without(origin, "http://");
	if (!authority.data) {
		authority = guard_without(origin, "https://");
		preset = 443;
	}
	if (!authority.len || uri_host_parse(authority, &host) < 0)
		return false;
	int origin_port = host.port < 0 ? preset : host.port;
	int own_port = r->host.port < 0 ? preset : r->host.port;
	return origin_port == own_port && bytes_equal_nocase(host.name, r->host.name);
}

struct bytes guard_cors_origin(const struct guard_options *o, const struct http_request *r)
{
	struct bytes origin = http_fields_get_only(&r->fields, "Origin");

	return origin.data && guard_is_welcome(o, origin) ? origin : BYTES_NULL;
}

/* A link on another site may be followed to the page; nothing else of another site's is served. */
static bool guard_is_foreign_fetch(const struct http_request *r)
{
	struct bytes site = http_fields_get(&r->fields, "Sec-Fetch-Site");
	struct bytes mode = http_fields_get(&r->fields, "Sec-Fetch-Mode");

	if (!bytes_equal(site, BYTES_LITERAL("cross-site")) &&
		!bytes_equal(site, BYTES_LITERAL("same-site")))
		return false;
	return r->method != HTTP_GET || !bytes_equal(mode, BYTES_LITERAL("navigate"));
}

const char *guard_check(const struct guard_options *o, const struct address *address,
	const struct http_request *r, int *status)
{
	struct bytes origin = http_fields_get(&r->fields, "Origin");

	if (!guard_knows_host(o, address, r->host.name)) {
		*status = 421;
		return "this hub does not go by the name in Host; --allow-host NAME adds one";
	}
	*status = 403;
	if (origin.data) {
		struct bytes only = http_fields_get_only(&r->fields, "Origin");
		if (!only.data || (!guard_is_own(only, r) && !guard_is_welcome(o, only)))
			return "pages of another origin may not use this hub; "
			       "--allow-origin ORIGIN lets one in";
		return NULL;
	}
	if (guard_is_foreign_fetch(r))
		return "pages of another site may not use this hub";
	return NULL;
}
