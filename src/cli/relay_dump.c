#include "cli/relay_dump.h"

#include "base/clock.h"
#include "base/date.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { COLUMNS = 16, TEXT_COLUMN = 2 * COLUMNS + COLUMNS / 2 + 1 };

struct relay_file {
	int fd;
	bool standard;
};

int relay_file_open(struct relay_file **out, const char *path, struct fault *why)
{
	struct relay_file *f = calloc(1, sizeof(*f));

	if (!f)
		return fault_errno(why, -ENOMEM, "cannot dump");
	f->standard = !strcmp(path, "-");
	f->fd = f->standard ? STDERR_FILENO
			    : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (f->fd < 0) {
		int r = -errno;
		free(f);
		return fault_errno(why, r, "cannot dump to %s", path);
	}
	*out = f;
	return 0;
}

struct relay_file *relay_file_free(struct relay_file *f)
{
	if (f && !f->standard)
		close(f->fd);
	free(f);
	return NULL;
}

/* One line of xxd: pairs of bytes in hexadecimal, filled up to the column of the text. */
static void print_row(struct buffer *out, const char *prefix, uint64_t offset, struct bytes row)
{
	static const char digits[] = "0123456789abcdef";
	char hex[TEXT_COLUMN + 1];
	char text[COLUMNS];
	size_t at = 0;

	memset(hex, ' ', sizeof(hex));
	for (size_t i = 0; i < row.len; i++) {
		hex[at++] = digits[row.data[i] >> 4];
		hex[at++] = digits[row.data[i] & 15];
		at += i % 2;
		bool shown = row.data[i] >= 0x20 && row.data[i] < 0x7f;
		memcpy(&text[i], shown ? &row.data[i] : (const uint8_t *)".", 1);
	}
	buffer_print(out, "%s%08llx: %.*s%.*s\n", prefix, (unsigned long long)offset, TEXT_COLUMN,
		hex, (int)row.len, text);
}

static void print_block(struct buffer *out, const char *prefix, uint64_t offset, struct bytes bytes)
{
	char now[DATE_TEXT_SIZE];

	date_format(clock_real_ms(), now);
	buffer_print(out, "# %s%s %zu bytes\n", prefix, now, bytes.len);
	while (bytes.len) {
		size_t len = bytes.len < COLUMNS ? bytes.len : COLUMNS;
		print_row(out, prefix, offset, bytes_of(bytes.data, len));
		bytes = bytes_skip(bytes, len);
		offset += len;
	}
}

void relay_file_passed(void *file, uint64_t id, bool back, uint64_t offset, struct bytes bytes)
{
	const struct relay_file *f = file;
	struct buffer out = BUFFER_NULL;
	char prefix[32];

	snprintf(prefix, sizeof(prefix), "%llu%c ", (unsigned long long)id, back ? '<' : '>');
	print_block(&out, prefix, offset, bytes);
	for (struct bytes left = buffer_bytes(&out); left.len;) {
		ssize_t n = write(f->fd, left.data, left.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			log_error("cannot write the dump: %s", strerror(errno));
			break;
		}
		left = bytes_skip(left, (size_t)n);
	}
	buffer_deinit(&out);
}
