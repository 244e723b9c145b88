#include "wire/http_hop.h"

static const char *const hop_by_hop[] = {"Connection", "Keep-Alive", "Proxy-Authenticate",
	"Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade"};

bool http_name_is_in(struct bytes name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bytes_equal_nocase(name, bytes_text(names[i])))
			return true;
	return false;
}

struct bytes http_field_name_behind(const struct http_field *f, const char *prefix)
{
	struct bytes before = bytes_text(prefix);

	if (f->name.len <= before.len ||
		!bytes_equal_nocase(bytes_of(f->name.data, before.len), before))
		return (struct bytes){0};
	return bytes_skip(f->name, before.len);
}

/* Connection names further ones. */
static bool hop_is_named(const struct http_fields *all, struct bytes name)
{
	struct bytes value, element;
	size_t at = 0;

	while (http_fields_next(all, "Connection", &at, &value))
		while (http_list_next(&value, &element))
			if (bytes_equal_nocase(element, name))
				return true;
	return false;
}

bool http_field_is_end_to_end(const struct http_fields *all, const struct http_field *f)
{
	if (http_name_is_in(f->name, hop_by_hop, sizeof(hop_by_hop) / sizeof(*hop_by_hop)))
		return false;
	return !hop_is_named(all, f->name);
}
