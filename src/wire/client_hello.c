#include "wire/client_hello.h"

enum {
	RECORD_HEADER = 5, /* type, version (2), length (2) */
	RECORD_MAX = 16 * 1024,
	RECORD_HANDSHAKE = 22,
	VERSION_MAJOR = 3,
	MESSAGE_HEADER = 4, /* type, length (3) */
	MESSAGE_CLIENT_HELLO = 1,
};

/* The handshake message whose beginning the records hold. */
struct message {
	uint8_t header[MESSAGE_HEADER];
	size_t len; /* that are there, header and all */
};

static void message_add(struct message *m, struct bytes part)
{
	for (size_t i = 0; i < part.len && m->len + i < MESSAGE_HEADER; i++)
		m->header[m->len + i] = part.data[i];
	m->len += part.len;
}

/* It is whole, or no hello, or too long. */
static bool message_is_decided(const struct message *m)
{
	const uint8_t *h = m->header;

	if (m->len && h[0] != MESSAGE_CLIENT_HELLO)
		return true;
	if (m->len < MESSAGE_HEADER)
		return false;
	size_t len = MESSAGE_HEADER + ((size_t)h[1] << 16 | (size_t)h[2] << 8 | h[3]);
	return m->len >= len || len > CLIENT_HELLO_MAX;
}

/* As far as the header of a record is there, it is one of a handshake. */
static bool is_handshake(struct bytes record)
{
	return (record.len < 1 || record.data[0] == RECORD_HANDSHAKE) &&
	       (record.len < 2 || record.data[1] == VERSION_MAJOR);
}

bool client_hello_is_there(struct bytes first)
{
	struct message message = {.len = 0};

	if (first.len >= CLIENT_HELLO_MAX)
		return true;
	while (is_handshake(first)) {
		if (first.len < RECORD_HEADER)
			return false;
		size_t len = (size_t)first.data[3] << 8 | first.data[4];
		if (!len || len > RECORD_MAX)
			return true;
		first = bytes_skip(first, RECORD_HEADER);
		size_t here = first.len < len ? first.len : len;
		message_add(&message, bytes_of(first.data, here));
		if (message_is_decided(&message))
			return true;
		if (here < len)
			return false;
		first = bytes_skip(first, len);
	}
	return true;
}
