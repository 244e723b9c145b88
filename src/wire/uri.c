#include "wire/uri.h"

#include <errno.h>

#include "base/hex.h"
#include "base/percent.h"

static bool is_unreserved(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	       (c && strchr("-._~", c));
}

static bool is_sub_delimiter(uint8_t c)
{
	return c && strchr("!$&'()*+,;=", c);
}

static bool is_registered_name(struct bytes name)
{
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.data[i];
		if (is_unreserved(c) || is_sub_delimiter(c))
			continue;
		if (c != '%' || name.len - i < 3 || hex_digit(name.data[i + 1]) < 0 ||
			hex_digit(name.data[i + 2]) < 0)
			return false;
		i += 2;
	}
	return name.len > 0;
}

static bool is_ipv6_text(struct bytes name)
{
	for (size_t i = 0; i < name.len; i++)
		if (hex_digit(name.data[i]) < 0 && name.data[i] != ':' && name.data[i] != '.')
			return false;
	return name.len > 1;
}

static int uri_port_parse(struct bytes digits, int *port)
{
	int n = 0;

	*port = -1;
	for (size_t i = 0; i < digits.len; i++) {
		if (digits.data[i] < '0' || digits.data[i] > '9')
			return -EINVAL;
		n = n * 10 + digits.data[i] - '0';
		if (n > 65535)
			return -EINVAL;
		*port = n;
	}
	return 0;
}

int uri_host_parse(struct bytes text, struct uri_host *host)
{
	struct bytes rest = text;
	bool bracket = text.len && text.data[0] == '[';
	bool port;

	if (bracket) {
		rest = bytes_skip(rest, 1);
		if (!bytes_cut(&rest, ']', &host->name) || !is_ipv6_text(host->name))
			return -EINVAL;
		port = rest.len > 0;
		if (port && rest.data[0] != ':')
			return -EINVAL;
		rest = port ? bytes_skip(rest, 1) : rest;
	} else {
		port = bytes_cut(&rest, ':', &host->name);
		if (!port)
			host->name = text;
		if (!is_registered_name(host->name))
			return -EINVAL;
	}
	return uri_port_parse(port ? rest : BYTES_NULL, &host->port);
}

bool uri_query_next(struct bytes *query, struct bytes *name, struct bytes *value)
{
	while (query->len) {
		if (!bytes_cut(query, '&', value)) {
			*value = *query;
			*query = BYTES_NULL;
		}
		if (!value->len)
			continue;
		if (!bytes_cut(value, '=', name)) {
			*name = *value;
			*value = BYTES_NULL;
		}
		return true;
	}
	return false;
}

static int decode(struct bytes text, void *to, size_t cap, struct bytes *decoded)
{
	size_t len = text.len;

	if (len > cap)
		return -ENOSPC;
	if (len)
		memcpy(to, text.data, len);
	int r = percent_decode(to, &len);
	if (r < 0)
		return r;
	*decoded = bytes_of(to, len);
	return 0;
}

int uri_query_get(struct bytes query, const char *name, void *to, size_t cap, struct bytes *value)
{
	struct bytes wanted = bytes_text(name), found, escaped;

	while (uri_query_next(&query, &found, &escaped)) {
		if (!bytes_equal(found, wanted))
			continue;
		if (escaped.len > cap)
			return -ENOSPC;
		uint8_t *text = to;
		for (size_t i = 0; i < escaped.len; i++)
			text[i] = escaped.data[i] == '+' ? ' ' : escaped.data[i];
		return decode(bytes_of(text, escaped.len), to, cap, value);
	}
	return -ENOENT;
}

int uri_path_decode(struct bytes text, void *to, size_t cap, struct bytes *path)
{
	int r = decode(text, to, cap, path);
	if (r < 0)
		return r;
	return path->len && memchr(path->data, '\0', path->len) ? -EINVAL : 0;
}

int uri_escape(struct buffer *out, struct bytes text, const char *keep)
{
	static const char digits[] = "0123456789ABCDEF";
	uint8_t *to;

	int r = buffer_reserve(out, text.len * 3, &to);
	if (r < 0)
		return r;
	size_t len = 0;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		if (is_unreserved(c) || (c && strchr(keep, c))) {
			to[len++] = c;
		} else {
			to[len++] = '%';
			to[len++] = (uint8_t)digits[c >> 4];
			to[len++] = (uint8_t)digits[c & 15];
		}
	}
	buffer_commit(out, len);
	return 0;
}
