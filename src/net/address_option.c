#include "net/address_syntax.h"

#include "base/clock.h"
#include "base/percent.h"
#include "net/cidr.h"
#include "net/pin.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { NAME_MAX_LEN = 128 };

static const struct {
	const char *name;
	int type;
	unsigned takes;
} types[] = {
	{"stream", SOCK_STREAM, TAKES_STREAM},
	{"seqpacket", SOCK_SEQPACKET, TAKES_SEQPACKET},
	{"dgram", SOCK_DGRAM, TAKES_DGRAM},
};

static bool set_type(struct address *a, const char *value)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (strcmp(value, types[i].name))
			continue;
		a->type = types[i].type;
		return a->scheme->takes & types[i].takes;
	}
	return false;
}

static bool set_mode(struct address *a, const char *value)
{
	size_t digits = strspn(value, "01234567");

	if (!digits || digits > 4 || value[digits] || a->abstract)
		return false;
	a->mode = (int)strtoul(value, NULL, 8);
	return a->mode <= 0777;
}

static bool is_wire(const char *value)
{
	return !strcmp(value, "plain") || !strcmp(value, "http");
}

static bool is_proxy(const char *value)
{
	return !strcmp(value, "v1") || !strcmp(value, "v2");
}

static bool is_topic(const char *value)
{
	for (const char *c = value; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			return false;
	return *value && strlen(value) <= NAME_MAX_LEN;
}

static bool is_since(const char *value)
{
	uint64_t ms;

	return !strcmp(value, "all") || clock_parse_span(value, &ms) == 0; /* an id is one, too */
}

static bool is_name(const char *value)
{
	for (const char *c = value; *c; c++)
		if (iscntrl((unsigned char)*c))
			return false;
	return *value && strlen(value) <= NAME_MAX_LEN;
}

static bool is_pin(const char *value)
{
	struct pin pin;

	return pin_parse(&pin, value) == 0;
}

static bool is_networks(const char *value)
{
	struct cidr network;

	for (;;) {
		size_t len = strcspn(value, ",");
		if (cidr_parse(&network, bytes_of(value, len)) < 0)
			return false;
		if (!value[len])
			return true;
		value += len + 1;
	}
}

static bool is_path(const char *value)
{
	return *value;
}

/* An option has a field of its own and SET, or is kept as TEXT when it is VALID. */
struct option {
	const char *name;
	const char *form;
	unsigned takes; /* what the scheme must take, 0 for nothing */
	bool (*set)(struct address *a, const char *value);
	enum address_option text;
	bool (*valid)(const char *value);
};

enum { TAKES_TYPE = TAKES_STREAM | TAKES_SEQPACKET | TAKES_DGRAM };

static const struct option options[] = {
	{"type", "stream, seqpacket or (unix only) dgram", TAKES_TYPE, .set = set_type},
	{"mode", "octal, 0 to 0777, for a socket that is a file", TAKES_MODE, .set = set_mode},
	{"wire", "plain or http", 0, .text = ADDRESS_WIRE, .valid = is_wire},
	{"topic", "1 to 128 of A-Z a-z 0-9 . _ -", 0, .text = ADDRESS_TOPIC, .valid = is_topic},
	{"since", "all, an id, or a span such as 10m", 0, .text = ADDRESS_SINCE, .valid = is_since},
	{"name", "1 to 128 bytes of text", 0, .text = ADDRESS_NAME, .valid = is_name},
	{"proxy", "v1 or v2", TAKES_PROXY, .text = ADDRESS_PROXY, .valid = is_proxy},
	{"trust", "networks, as 10.0.0.0/8,::1", TAKES_PROXY, .text = ADDRESS_TRUST,
		.valid = is_networks},
	{"pin", "sha256: and 43 letters of base64url", TAKES_TLS, .text = ADDRESS_PIN,
		.valid = is_pin},
	{"cert", "the path of a file", TAKES_TLS, .text = ADDRESS_CERT, .valid = is_path},
	{"key", "the path of a file", TAKES_TLS, .text = ADDRESS_KEY, .valid = is_path},
};

enum { OPTION_COUNT = sizeof(options) / sizeof(*options) };

static const char options_known[] = "type, mode, wire, topic, since, name, proxy, trust, pin, "
				    "cert, key";

static const struct option *option_find(const char *name)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (!strcmp(name, options[i].name))
			return &options[i];
	return NULL;
}

static int option_set(
	struct address *a, const struct option *o, const char *value, const struct reader *r)
{
	if (o->takes && !(a->scheme->takes & o->takes))
		return reader_fault(r, "%s: takes no option '%s'", a->scheme->name, o->name);
	if (!(o->set ? o->set(a, value) : o->valid(value)))
		return reader_fault(r, "%s must be %s, not '%.40s'", o->name, o->form, value);
	if (o->set)
		return 0;
	a->options[o->text] = strdup(value);
	return a->options[o->text] ? 0 : -ENOMEM;
}

/* Decodes VALUE in place. */
static int value_decode(char *value, const struct reader *r)
{
	size_t len = strlen(value);

	if (percent_decode(value, &len) < 0)
		return reader_fault(
			r, "two hexadecimal digits must follow a '%%' (itself written %%25)");
	value[len] = '\0';
	return strlen(value) == len ? 0 : reader_fault(r, "an option has a NUL in it");
}

int address_parse_options(struct address *a, char *text, const struct reader *r)
{
	bool seen[OPTION_COUNT] = {false};

	while (text) {
		char *name = strsep(&text, "&");
		char *value = strchr(name, '=');
		if (!value)
			return reader_fault(
				r, "'=' and a value must follow the option '%.40s'", name);
		*value++ = '\0';
		const struct option *o = option_find(name);
		if (!o)
			return reader_fault(r, "no option is called '%.40s'; there are %s", name,
				options_known);
		if (seen[o - options])
			return reader_fault(r, "the option '%s' is there twice", name);
		seen[o - options] = true;
		int e = value_decode(value, r);
		if (!e)
			e = option_set(a, o, value, r);
		if (e < 0)
			return e;
	}
	return 0;
}

static const char *type_name(int type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (types[i].type == type)
			return types[i].name;
	return "";
}

int address_print_options(const struct address *a, struct buffer *out)
{
	const char *before = "?";
	int e = 0;

	if (a->type != a->scheme->type) {
		e = buffer_print(out, "%stype=%s", before, type_name(a->type));
		before = "&";
	}
	if (!e && a->mode >= 0) {
		e = buffer_print(out, "%smode=%04o", before, (unsigned)a->mode);
		before = "&";
	}
	for (size_t i = 0; i < OPTION_COUNT && !e; i++) {
		const char *value = options[i].set ? NULL : a->options[options[i].text];
		if (!value)
			continue;
		e = buffer_print(out, "%s%s=", before, options[i].name);
		if (!e)
			e = address_print_encoded(out, bytes_text(value), "&");
		before = "&";
	}
	return e;
}
