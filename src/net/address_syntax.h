#pragma once

/*
 * How the parts of an address are read and printed. Private to address.c and its two helpers:
 * address_syntax.c knows what follows SCHEME:, address_option.c what follows the `?`.
 */

#include "base/bytes.h"
#include "net/address.h"

/* Options that only some schemes take. */
enum {
	TAKES_STREAM = 1,    /* type=stream */
	TAKES_SEQPACKET = 2, /* type=seqpacket */
	TAKES_DGRAM = 4,     /* type=dgram */
	TAKES_MODE = 8,
	TAKES_PROXY = 16,
	TAKES_TLS = 32,
};

/* A text on its way in, and what a complaint about it needs. */
struct reader {
	const char *text;
	const char *form;
	struct fault *why;
};

/* "TEXT: what is wrong (write FORM)"; returns -EINVAL. */
int reader_fault(const struct reader *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A decimal number of at most MAX; 0 or -EINVAL. */
int reader_number(const char *text, uint32_t max, uint32_t *number);

struct address_syntax {
	/* REST may be changed in place. 0 or a negative errno. */
	int (*parse)(struct address *a, char *rest, const struct reader *r);
	int (*print)(const struct address *a, struct buffer *out);
	bool verbatim; /* REST goes to the end of the text, `?` and all */
};

extern const struct address_syntax address_syntax_inet;
extern const struct address_syntax address_syntax_unix;
extern const struct address_syntax address_syntax_vsock;
extern const struct address_syntax address_syntax_vsock_unix;
extern const struct address_syntax address_syntax_fd;
extern const struct address_syntax address_syntax_systemd;
extern const struct address_syntax address_syntax_exec;
extern const struct address_syntax address_syntax_stdio;

/* TEXT is what follows the `?`; it may be changed in place. */
int address_parse_options(struct address *a, char *text, const struct reader *r);
int address_print_options(const struct address *a, struct buffer *out);

/* Appends FROM percent-encoded (see base/percent.h). 0 or -ENOMEM. */
int address_print_encoded(struct buffer *out, struct bytes from, const char *also);
