#include "client/file_target.h"

#include "wire/uri.h"

int file_target(struct buffer *target, const char *name)
{
	buffer_consume(target, buffer_len(target));
	int r = buffer_append(target, "/files/", 7);
	return r < 0 ? r : uri_escape(target, bytes_text(name), "/");
}
