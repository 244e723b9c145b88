#include "wire/http_upload.h"

#include "wire/structured.h"

/* The item of the only field called NAME, if it has TYPE and is not negative. */
static bool read_item(const struct http_fields *fields, const char *name, enum structured_type type,
	uint64_t *number)
{
	struct bytes value = http_fields_get_only(fields, name);
	struct structured_item item;

	if (structured_item(value, &item) < 0 || item.type != type || item.number < 0)
		return false;
	*number = (uint64_t)item.number;
	return true;
}

void http_upload_read(const struct http_fields *fields, struct http_upload *upload)
{
	uint64_t number = 0;

	*upload = (struct http_upload){0};
	if (read_item(fields, "upload-draft-interop-version", STRUCTURED_INTEGER, &number) &&
		number <= 255)
		upload->interop = (int)number;
	upload->has_offset =
		read_item(fields, "upload-offset", STRUCTURED_INTEGER, &upload->offset);
	upload->has_length =
		read_item(fields, "upload-length", STRUCTURED_INTEGER, &upload->length);
	upload->has_complete = read_item(fields, "upload-complete", STRUCTURED_BOOLEAN, &number);
	upload->complete = upload->has_complete && number;
}
