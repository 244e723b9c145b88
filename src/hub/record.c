#include "hub/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define FIRST_LINE "ferry-upload 1"

/* ---- numbers ---- */

static int parse_number(struct bytes text, uint64_t *number)
{
	uint64_t n = 0;

	if (!text.len)
		return -EINVAL;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t digit = (uint8_t)(text.data[i] - '0');
		if (digit > 9 || n > (UINT64_MAX - digit) / 10)
			return -EINVAL;
		n = n * 10 + digit;
	}
	*number = n;
	return 0;
}

/* Seconds, which may be negative, and nanoseconds, as a struct timespec has them. */
static int parse_time(struct bytes text, struct timespec *time)
{
	struct bytes seconds;
	uint64_t s, ns;

	if (!bytes_cut(&text, ' ', &seconds))
		return -EINVAL;
	bool before = seconds.len && seconds.data[0] == '-';
	if (before)
		seconds = bytes_skip(seconds, 1);
	if (parse_number(seconds, &s) < 0 || s > INT64_MAX || parse_number(text, &ns) < 0 ||
		ns >= 1000000000)
		return -EINVAL;
	*time = (struct timespec){before ? -(time_t)s : (time_t)s, (long)ns};
	return 0;
}

/* ---- out ---- */

static char *put_line(char *to, const char *key, const void *value, size_t len)
{
	if (!len)
		return to;
	to += sprintf(to, "%s ", key);
	memcpy(to, value, len); /* whatever is in it */
	to[len] = '\n';
	return to + len + 1;
}

static char *put_state(char *to, const struct file_state *state)
{
	const struct stat *st = &state->st;

	if (!state->exists)
		return to + sprintf(to, "absent yes\n");
	return to + sprintf(to, "device %ju\ninode %ju\nsize %ju\nchanged %jd %ld\n",
			    (uintmax_t)st->st_dev, (uintmax_t)st->st_ino, (uintmax_t)st->st_size,
			    (intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
}

size_t record_format(const struct record *r, char text[RECORD_SIZE])
{
	char hex[SHA256_HEX_SIZE];
	char *to = text + sprintf(text, FIRST_LINE "\n");

	to = put_line(to, "name", r->name, r->name_len);
	if (r->has_length)
		to += sprintf(to, "length %" PRIu64 "\n", r->length);
	if (r->has_sha256) {
		sha256_to_hex(r->sha256, hex);
		to = put_line(to, "sha256", hex, strlen(hex));
	}
	if (r->has_mode)
		to += sprintf(to, "mode %u\n", r->mode);
	if (r->has_time)
		to += sprintf(to, "time %jd %ld\n", (intmax_t)r->time.tv_sec, r->time.tv_nsec);
	if (r->has_expected)
		to = put_state(to, &r->expected);
	to = put_line(to, "topic", r->topic, r->topic_len);
	to = put_line(to, "sender", r->sender, r->sender_len);
	to = put_line(to, "holder", r->holder, r->holder_len);
	to += sprintf(to, "end\n");
	return (size_t)(to - text);
}

/* ---- in ---- */

static int read_name(struct record *r, struct bytes value)
{
	if (!file_name_valid(value))
		return -EINVAL;
	memcpy(r->name, value.data, value.len);
	r->name_len = (uint16_t)value.len;
	return 0;
}

static int read_length(struct record *r, struct bytes value)
{
	r->has_length = true;
	return parse_number(value, &r->length);
}

static int read_sha256(struct record *r, struct bytes value)
{
	r->has_sha256 = true;
	return sha256_from_hex(value, r->sha256);
}

static int read_mode(struct record *r, struct bytes value)
{
	uint64_t n = 0;
	int e = parse_number(value, &n);

	r->has_mode = true;
	r->mode = n & 0777;
	return e;
}

static int read_time(struct record *r, struct bytes value)
{
	r->has_time = true;
	return parse_time(value, &r->time);
}

static int read_absent(struct record *r, struct bytes value)
{
	r->has_expected = true;
	r->expected.exists = false;
	return 0;
}

static int read_device(struct record *r, struct bytes value)
{
	uint64_t n = 0;
	int e = parse_number(value, &n);

	r->has_expected = true;
	r->expected.exists = true;
	r->expected.st.st_dev = n;
	return e;
}

static int read_inode(struct record *r, struct bytes value)
{
	uint64_t n = 0;
	int e = parse_number(value, &n);

	r->expected.st.st_ino = n;
	return e;
}

static int read_size(struct record *r, struct bytes value)
{
	uint64_t n = 0;
	int e = parse_number(value, &n);

	r->expected.st.st_size = (off_t)n;
	return e;
}

static int read_changed(struct record *r, struct bytes value)
{
	return parse_time(value, &r->expected.st.st_mtim);
}

static int read_topic(struct record *r, struct bytes value)
{
	if (!name_valid(value))
		return -EINVAL;
	memcpy(r->topic, value.data, value.len);
	r->topic_len = (uint8_t)value.len;
	return 0;
}

static int read_sender(struct record *r, struct bytes value)
{
	if (!value.len || value.len > sizeof(r->sender))
		return -EINVAL;
	memcpy(r->sender, value.data, value.len);
	r->sender_len = (uint8_t)value.len;
	return 0;
}

static int read_holder(struct record *r, struct bytes value)
{
	if (!value.len || value.len > sizeof(r->holder))
		return -EINVAL;
	memcpy(r->holder, value.data, value.len);
	r->holder_len = (uint8_t)value.len;
	return 0;
}

static const struct record_key {
	const char *name;
	int (*read)(struct record *r, struct bytes value);
} keys[] = {
	{"name", read_name},
	{"length", read_length},
	{"sha256", read_sha256},
	{"mode", read_mode},
	{"time", read_time},
	{"absent", read_absent},
	{"device", read_device},
	{"inode", read_inode},
	{"size", read_size},
	{"changed", read_changed},
	{"topic", read_topic},
	{"sender", read_sender},
	{"holder", read_holder},
};

static int read_line(struct record *r, struct bytes line)
{
	struct bytes key;

	if (!bytes_cut(&line, ' ', &key))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (bytes_equal(key, bytes_text(keys[i].name)))
			return keys[i].read(r, line);
	return -EINVAL;
}

int record_parse(struct record *r, struct bytes text)
{
	struct bytes line;

	*r = (struct record){0};
	if (!bytes_cut(&text, '\n', &line) || !bytes_equal(line, BYTES_LITERAL(FIRST_LINE)))
		return -EINVAL;
	while (bytes_cut(&text, '\n', &line)) {
		if (bytes_equal(line, BYTES_LITERAL("end")))
			return r->name_len && !text.len ? 0 : -EINVAL;
		if (read_line(r, line) < 0)
			return -EINVAL;
	}
	return -EINVAL;
}
