#include "wire/http_condition.h"

#include "wire/http_date.h"

static bool is_etag_char(uint8_t c)
{
	return c == '!' || (c >= '#' && c != 0x7f);
}

static bool take_prefix(struct bytes *rest, const char *prefix)
{
	size_t len = strlen(prefix);

	if (rest->len < len || memcmp(rest->data, prefix, len))
		return false;
	*rest = bytes_skip(*rest, len);
	return true;
}

/* Takes one entity-tag off *list, its quotes included; a tag may have commas and backslashes. */
static bool take_etag(struct bytes *list, struct bytes *etag, bool *is_weak)
{
	size_t len = 1;

	while (list->len && (list->data[0] == ',' || list->data[0] == ' ' || list->data[0] == '\t'))
		*list = bytes_skip(*list, 1);
	*is_weak = take_prefix(list, "W/");
	if (!list->len || list->data[0] != '"')
		return false;
	while (len < list->len && is_etag_char(list->data[len]))
		len++;
	if (len == list->len || list->data[len] != '"')
		return false;
	*etag = bytes_of(list->data, len + 1);
	*list = bytes_skip(*list, len + 1);
	return true;
}

bool http_etag_list_has(struct bytes list, struct bytes etag, bool weak)
{
	struct bytes one;
	bool is_weak;

	if (bytes_equal(list, bytes_text("*")))
		return true;
	while (take_etag(&list, &one, &is_weak))
		if ((weak || !is_weak) && bytes_equal(one, etag))
			return true;
	return false;
}

/* Whether one of the fields called NAME names what there is. */
static bool names_current(const struct http_fields *fields, const char *name,
	const struct http_current *current, bool weak)
{
	struct bytes list;

	if (!current->exists)
		return false;
	for (size_t at = 0; http_fields_next(fields, name, &at, &list);)
		if (http_etag_list_has(list, current->etag, weak))
			return true;
	return false;
}

/* Whether the field called NAME is a date that counts, and then whether nothing was changed since.
 */
static bool read_date(const struct http_fields *fields, const char *name,
	const struct http_current *current, uint64_t now, bool *unchanged)
{
	struct bytes value = http_fields_get_only(fields, name);
	uint64_t date;

	if (!value.data || !current->modified_s || http_date_parse(value, now, &date) < 0)
		return false;
	*unchanged = current->modified_s <= date;
	return true;
}

int http_condition_check(const struct http_fields *fields, enum http_method method,
	const struct http_current *current, uint64_t now)
{
	bool reads = method == HTTP_GET || method == HTTP_HEAD;
	bool unchanged;

	if (http_fields_get(fields, "if-match").data) {
		if (!names_current(fields, "if-match", current, false))
			return 412;
	} else if (read_date(fields, "if-unmodified-since", current, now, &unchanged)) {
		if (!unchanged)
			return 412;
	}
	if (http_fields_get(fields, "if-none-match").data) {
		if (names_current(fields, "if-none-match", current, true))
			return reads ? 304 : 412;
	} else if (reads && read_date(fields, "if-modified-since", current, now, &unchanged)) {
		if (unchanged)
			return 304;
	}
	return 0;
}

bool http_condition_allows_range(
	const struct http_fields *fields, const struct http_current *current, uint64_t now)
{
	struct bytes value = http_fields_get(fields, "if-range");
	uint64_t date;

	if (!value.data)
		return true;
	if (value.len && value.data[0] == '"')
		return bytes_equal(value, current->etag);
	return current->modified_s && !http_date_parse(value, now, &date) &&
	       date == current->modified_s;
}
