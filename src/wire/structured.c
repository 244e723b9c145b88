/*
 * The algorithms of RFC 9651 section 4.2, each taking its part off the front of what is left and
 * saying whether it was there.
 */

#include "wire/structured.h"

#include <errno.h>

#include "wire/http.h"

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_lower(uint8_t c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_letter(uint8_t c)
{
	return is_lower(c | 0x20);
}

static bool at(struct bytes rest, uint8_t c)
{
	return rest.len && rest.data[0] == c;
}

static bool take(struct bytes *rest, uint8_t c)
{
	if (!at(*rest, c))
		return false;
	*rest = bytes_skip(*rest, 1);
	return true;
}

static void take_spaces(struct bytes *rest)
{
	while (take(rest, ' '))
		;
}

/* Takes the first LEN bytes. */
static struct bytes take_len(struct bytes *rest, size_t len)
{
	struct bytes part = bytes_of(rest->data, len);

	*rest = bytes_skip(*rest, len);
	return part;
}

/* Digits, at most MAX, into a number and its sign. */
static bool take_integer(struct bytes *rest, size_t max, int64_t *number)
{
	bool minus = take(rest, '-');
	size_t len = 0;

	*number = 0;
	for (; len < rest->len && is_digit(rest->data[len]); len++) {
		if (len == max)
			return false;
		*number = *number * 10 + rest->data[len] - '0';
	}
	if (minus)
		*number = -*number;
	*rest = bytes_skip(*rest, len);
	return len > 0;
}

/* An integer, or a decimal: 12 digits, a dot, 1 to 3 digits. */
static bool take_number(struct bytes *rest, struct structured_item *item)
{
	struct bytes start = *rest;
	int64_t fraction;

	item->type = STRUCTURED_INTEGER;
	if (!take_integer(rest, 15, &item->number))
		return false;
	size_t digits = start.len - rest->len - at(start, '-');
	if (!take(rest, '.'))
		return true;
	item->type = STRUCTURED_DECIMAL;
	if (digits > 12 || at(*rest, '-') || !take_integer(rest, 3, &fraction))
		return false;
	item->text = bytes_of(start.data, start.len - rest->len);
	return true;
}

static bool take_string(struct bytes *rest, struct structured_item *item)
{
	size_t len = 0;

	item->type = STRUCTURED_STRING;
	for (; len < rest->len && rest->data[len] != '"'; len++) {
		if (rest->data[len] < 0x20 || rest->data[len] > 0x7e)
			return false;
		if (rest->data[len] != '\\')
			continue;
		if (++len == rest->len || (rest->data[len] != '"' && rest->data[len] != '\\'))
			return false;
	}
	if (len == rest->len)
		return false;
	item->text = take_len(rest, len);
	return take(rest, '"');
}

static bool take_token(struct bytes *rest, struct structured_item *item)
{
	size_t len = 1;

	item->type = STRUCTURED_TOKEN;
	while (len < rest->len && (http_is_token_char(rest->data[len]) || rest->data[len] == ':' ||
					  rest->data[len] == '/'))
		len++;
	item->text = take_len(rest, len);
	return true;
}

static bool take_bytes(struct bytes *rest, struct structured_item *item)
{
	size_t len = 0;

	item->type = STRUCTURED_BYTES;
	while (len < rest->len && (is_letter(rest->data[len]) || is_digit(rest->data[len]) ||
					  (rest->data[len] && strchr("+/=", rest->data[len]))))
		len++;
	item->text = take_len(rest, len);
	return take(rest, ':');
}

static bool take_bare_item(struct bytes *rest, struct structured_item *item)
{
	if (!rest->len)
		return false;
	if (at(*rest, '-') || is_digit(rest->data[0]))
		return take_number(rest, item);
	if (at(*rest, '*') || is_letter(rest->data[0]))
		return take_token(rest, item);
	if (take(rest, '"'))
		return take_string(rest, item);
	if (take(rest, ':'))
		return take_bytes(rest, item);
	if (take(rest, '?')) {
		item->type = STRUCTURED_BOOLEAN;
		item->number = at(*rest, '1');
		return take(rest, '0') || take(rest, '1');
	}
	if (take(rest, '@')) {
		item->type = STRUCTURED_DATE;
		return take_integer(rest, 15, &item->number) && !at(*rest, '.');
	}
	return false;
}

static bool take_key(struct bytes *rest, struct bytes *key)
{
	size_t len = 0;

	if (!rest->len || (!is_lower(rest->data[0]) && rest->data[0] != '*'))
		return false;
	while (len < rest->len && (is_lower(rest->data[len]) || is_digit(rest->data[len]) ||
					  (rest->data[len] && strchr("_-.*", rest->data[len]))))
		len++;
	*key = take_len(rest, len);
	return true;
}

static bool take_parameters(struct bytes *rest)
{
	struct structured_item value;
	struct bytes key;

	while (take(rest, ';')) {
		take_spaces(rest);
		if (!take_key(rest, &key) || (take(rest, '=') && !take_bare_item(rest, &value)))
			return false;
	}
	return true;
}

static bool take_inner_list(struct bytes *rest, struct structured_item *item)
{
	struct structured_item element;
	const uint8_t *start = rest->data;

	for (;;) {
		take_spaces(rest);
		if (at(*rest, ')'))
			break;
		if (!take_bare_item(rest, &element) || !take_parameters(rest) ||
			(!at(*rest, ' ') && !at(*rest, ')')))
			return false;
	}
	*item = (struct structured_item){
		.type = STRUCTURED_LIST, .text = bytes_of(start, (size_t)(rest->data - start))};
	return take(rest, ')');
}

int structured_item(struct bytes field, struct structured_item *item)
{
	*item = (struct structured_item){0};
	take_spaces(&field);
	if (!take_bare_item(&field, item) || !take_parameters(&field))
		return -EINVAL;
	take_spaces(&field);
	return field.len ? -EINVAL : 0;
}

/* A key alone is true. */
static bool take_member(struct bytes *rest, struct bytes *key, struct structured_item *item)
{
	*item = (struct structured_item){.type = STRUCTURED_BOOLEAN, .number = 1};
	if (!take_key(rest, key))
		return false;
	if (take(rest, '=') &&
		!(take(rest, '(') ? take_inner_list(rest, item) : take_bare_item(rest, item)))
		return false;
	return take_parameters(rest);
}

int structured_dictionary_get(struct bytes field, const char *key, struct structured_item *item)
{
	struct structured_item value;
	struct bytes rest = http_trim(field);
	struct bytes name;
	int r = -ENOENT;

	while (rest.len) {
		if (!take_member(&rest, &name, &value))
			return -EINVAL;
		if (bytes_equal(name, bytes_text(key))) {
			*item = value;
			r = 0;
		}
		rest = http_trim(rest);
		if (!rest.len)
			break;
		if (!take(&rest, ','))
			return -EINVAL;
		rest = http_trim(rest);
		if (!rest.len)
			return -EINVAL;
	}
	return r;
}
