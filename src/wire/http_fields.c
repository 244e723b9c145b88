#include "wire/http_fields.h"

const char *http_fields_add(struct http_fields *fields, struct bytes line)
{
	size_t len = 0;

	while (len < line.len && http_is_token_char(line.data[len]))
		len++;
	if (!len && line.len && (line.data[0] == ' ' || line.data[0] == '\t'))
		return "a header line begins with a space (RFC 9112 section 5.2)";
	if (!len || len == line.len)
		return "a header line has no name (RFC 9112 section 5)";
	if (line.data[len] == ' ' || line.data[len] == '\t')
		return "a space before the colon of a header line (RFC 9112 section 5.1)";
	if (line.data[len] != ':')
		return "a header name with a byte that names cannot have (RFC 9110 section 5.1)";

	struct bytes value = http_trim(bytes_skip(line, len + 1));
	if (!http_is_value(value))
		return "a control byte in a header value (RFC 9110 section 5.5)";
	fields->at[fields->count++] = (struct http_field){bytes_of(line.data, len), value};
	return NULL;
}

bool http_fields_next(
	const struct http_fields *fields, const char *name, size_t *at, struct bytes *value)
{
	struct bytes wanted = bytes_text(name);

	while (*at < fields->count) {
		const struct http_field *field = &fields->at[(*at)++];
		if (bytes_equal_nocase(field->name, wanted)) {
			*value = field->value;
			return true;
		}
	}
	return false;
}

struct bytes http_fields_get(const struct http_fields *fields, const char *name)
{
	struct bytes value = BYTES_NULL;
	size_t at = 0;

	http_fields_next(fields, name, &at, &value);
	return value;
}

struct bytes http_fields_get_only(const struct http_fields *fields, const char *name)
{
	struct bytes value = BYTES_NULL, second;
	size_t at = 0;

	http_fields_next(fields, name, &at, &value);
	return http_fields_next(fields, name, &at, &second) ? BYTES_NULL : value;
}

bool http_fields_list_has(const struct http_fields *fields, const char *name, const char *token)
{
	struct bytes wanted = bytes_text(token), value, element;

	for (size_t at = 0; http_fields_next(fields, name, &at, &value);)
		while (http_list_next(&value, &element))
			if (bytes_equal_nocase(element, wanted))
				return true;
	return false;
}

bool http_split_next(struct bytes *rest, uint8_t separator, struct bytes *part)
{
	bool quoted = false;
	size_t len = 0;

	if (!rest->data)
		return false;
	while (len < rest->len && (quoted || rest->data[len] != separator)) {
		if (rest->data[len] == '"')
			quoted = !quoted;
		else if (quoted && rest->data[len] == '\\' && len + 1 < rest->len)
			len++;
		len++;
	}
	*part = bytes_of(rest->data, len);
	*rest = len < rest->len ? bytes_skip(*rest, len + 1) : BYTES_NULL;
	return true;
}

bool http_list_next(struct bytes *list, struct bytes *element)
{
	struct bytes part;

	while (http_split_next(list, ',', &part)) {
		*element = http_trim(part);
		if (element->len)
			return true;
	}
	return false;
}
