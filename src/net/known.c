#include "net/known.h"

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/date.h"
#include "base/state_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>

#define KNOWN_FILE "known"

enum { KNOWN_SIZE_MAX = 16 * 1024 * 1024 };

/* ---- lines ---- */

struct known_line {
	struct bytes name;
	struct pin pin;
};

/* The next word of *rest, without the blanks around it; empty at the end. */
static struct bytes known_word(struct bytes *rest)
{
	size_t start = 0, end;

	while (start < rest->len && (rest->data[start] == ' ' || rest->data[start] == '\t'))
		start++;
	for (end = start; end < rest->len; end++)
		if (rest->data[end] == ' ' || rest->data[end] == '\t' || rest->data[end] == '\r')
			break;
	struct bytes word = bytes_of(rest->data + start, end - start);
	*rest = bytes_skip(*rest, end);
	return word;
}

static bool known_copy(struct bytes word, char *text, size_t size)
{
	if (word.len >= size)
		return false;
	memcpy(text, word.data, word.len);
	text[word.len] = '\0';
	return true;
}

/* 1: LINE is one; 0: it says nothing; -EINVAL. */
static int known_parse(struct bytes line, struct known_line *out)
{
	char pin[PIN_TEXT_SIZE], date[DATE_TEXT_SIZE];
	uint64_t since;

	out->name = known_word(&line);
	if (!out->name.len || out->name.data[0] == '#')
		return 0;
	if (!known_copy(known_word(&line), pin, sizeof(pin)) || pin_parse(&out->pin, pin) < 0)
		return -EINVAL;
	if (!known_copy(known_word(&line), date, sizeof(date)) || date_parse(date, &since) < 0)
		return -EINVAL;
	return known_word(&line).len ? -EINVAL : 1;
}

/* Takes the next line off *rest; false at the end. */
static bool known_next(struct bytes *rest, struct bytes *line)
{
	if (!rest->len)
		return false;
	if (!bytes_cut(rest, '\n', line)) {
		*line = *rest;
		*rest = BYTES_NULL;
	}
	return true;
}

static struct bytes known_text(const struct known *k)
{
	return bytes_of(k->text, k->len);
}

size_t known_find(const struct known *k, const char *name, struct pin *pin)
{
	struct bytes rest = known_text(k), line;
	struct known_line found;

	for (size_t number = 1; known_next(&rest, &line); number++) {
		if (known_parse(line, &found) != 1 || !bytes_equal(found.name, bytes_text(name)))
			continue;
		*pin = found.pin;
		return number;
	}
	return 0;
}

static size_t known_find_broken(const struct known *k)
{
	struct bytes rest = known_text(k), line;
	struct known_line ignored;

	for (size_t number = 1; known_next(&rest, &line); number++)
		if (known_parse(line, &ignored) < 0)
			return number;
	return 0;
}

/* ---- the file ---- */

static int known_read(struct known *k)
{
	cleanup(buffer_deinit) struct buffer text = BUFFER_NULL;
	cleanup(cleanup_close) int fd = open(k->path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	do {
		uint8_t *to;
		if (buffer_reserve(&text, 4096, &to) < 0)
			return -ENOMEM;
		n = read(fd, to, 4096);
		if (n < 0)
			return -errno;
		buffer_commit(&text, (size_t)n);
		if (buffer_len(&text) > KNOWN_SIZE_MAX)
			return -EFBIG;
	} while (n);
	k->len = buffer_len(&text);
	k->text = bytes_dup(buffer_bytes(&text));
	return k->text ? 0 : -ENOMEM;
}

int known_open(struct known *k, const char *directory, struct fault *why)
{
	cleanup(cleanup_free) char *place = NULL;

	*k = KNOWN_NULL;
	int r = state_directory_find(directory, &place, why);
	if (r < 0)
		return r;
	if (asprintf(&k->path, "%s/%s", place, KNOWN_FILE) < 0) {
		k->path = NULL;
		return fault_errno(why, -ENOMEM, "cannot read the known keys");
	}
	r = known_read(k);
	if (r < 0) {
		fault_errno(why, r, "%s", k->path);
		known_deinit(k);
		return r;
	}
	k->broken = known_find_broken(k);
	return 0;
}

void known_deinit(struct known *k)
{
	free(k->path);
	free(k->text);
	*k = KNOWN_NULL;
}

/* A last line that somebody left without an end gets one. */
static int known_append(const struct known *k, const char *line)
{
	cleanup(cleanup_free) char *text = NULL;
	cleanup(cleanup_close) int fd = -1;
	bool cut = k->len && k->text[k->len - 1] != '\n';

	int len = asprintf(&text, "%s%s", cut ? "\n" : "", line);
	if (len < 0) {
		text = NULL;
		return -ENOMEM;
	}
	fd = open(k->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ssize_t n = write(fd, text, (size_t)len);
	return n == len ? 0 : n < 0 ? -errno : -ENOSPC;
}

static int known_remember(struct known *k, const char *line)
{
	size_t len = strlen(line);
	char *text = realloc(k->text, k->len + len + 2);

	if (!text)
		return -ENOMEM;
	k->text = text;
	if (k->len && text[k->len - 1] != '\n')
		text[k->len++] = '\n';
	memcpy(text + k->len, line, len + 1);
	k->len += len;
	return 0;
}

int known_add(struct known *k, const char *name, const struct pin *pin, struct fault *why)
{
	cleanup(cleanup_free) char *line = NULL, *directory = strdup(k->path);
	char text[PIN_TEXT_SIZE], since[DATE_TEXT_SIZE];

	pin_format(pin, text);
	date_format(clock_real_ms(), since);
	if (!directory || asprintf(&line, "%s %s %s\n", name, text, since) < 0)
		return fault_errno(why, -ENOMEM, "cannot remember the key");
	int r = state_directory_make(dirname(directory), why);
	if (r < 0)
		return r;
	r = known_append(k, line);
	if (r == 0)
		r = known_remember(k, line);
	return r < 0 ? fault_errno(why, r, "cannot remember the key in %s", k->path) : 0;
}

/* A blank would end the word. */
char *known_name(const struct address *a)
{
	cleanup(buffer_deinit) struct buffer name = BUFFER_NULL;
	struct address bare = *a;

	bare.mode = -1;
	memset(bare.options, 0, sizeof(bare.options));
	cleanup(cleanup_free) char *text = address_format(&bare);
	for (const char *c = text; c && *c; c++)
		if (buffer_print(&name, *c == ' ' ? "%%20" : "%c", *c) < 0)
			return NULL;
	return text ? bytes_dup(buffer_bytes(&name)) : NULL;
}
