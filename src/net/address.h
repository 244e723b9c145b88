#pragma once

/*
 * An address says where a socket lives, as people write it: `SCHEME:REST?option=value&…`.
 *
 *	tcp:HOST:PORT			so too tcp4: tcp6: mptcp: sctp: udp: tls:
 *	unix:PATH  unix:@NAME		a file, an abstract name; so too tls+unix:
 *	vsock:CID:PORT			so too tls+vsock:
 *	vsock+unix:PATH:PORT		a VM monitor's Unix socket
 *	fd:N  systemd:  systemd:NAME  exec:COMMAND  -
 *
 * HOST is localhost when left out, `*` for all interfaces, or an IPv6 address in brackets. CID is a
 * number, `any`, `host` or `local`.
 *
 * Short forms: `PORT`, `:PORT`, `HOST:PORT`, `[::1]:PORT` are tcp; `@NAME` and anything with a `/`
 * are unix. Control bytes, `%` and `?` in a PATH, NAME or option value are written %XX (and `&` in
 * a value, and a leading `@` of a PATH). A COMMAND is taken as it stands, to its end: it has no
 * options.
 */

#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What REST is, and so how the socket is made. */
enum address_kind {
	ADDRESS_INET,	    /* host, port */
	ADDRESS_UNIX,	    /* path, path_len, abstract */
	ADDRESS_VSOCK,	    /* cid, port */
	ADDRESS_VSOCK_UNIX, /* path, path_len, port */
	ADDRESS_FD,	    /* fd */
	ADDRESS_SYSTEMD,    /* name, NULL for all */
	ADDRESS_EXEC,	    /* command */
	ADDRESS_STDIO,	    /* nothing */
};

/* Options that the floors above give a meaning to. */
enum address_option {
	ADDRESS_WIRE,  /* plain, http */
	ADDRESS_TOPIC, /* a topic's name */
	ADDRESS_SINCE, /* all, an id, or a span of time: 10m */
	ADDRESS_NAME,  /* the sender's name */
	ADDRESS_PROXY, /* v1, v2 */
	ADDRESS_TRUST, /* networks, split by commas: 10.0.0.0/8,::1/128 */
	ADDRESS_PIN,   /* sha256:… */
	ADDRESS_CERT,  /* the file of a certificate, to listen with, */
	ADDRESS_KEY,   /* and that of its key */
	ADDRESS_OPTION_COUNT,
};

struct address;
struct address_scheme;

struct address {
	const struct address_scheme *scheme;
	int type;	 /* SOCK_STREAM, SOCK_SEQPACKET or SOCK_DGRAM */
	char *host;	 /* lower case, an IPv6 address without its brackets, `*`; never empty */
	uint32_t port;	 /* 0: a free one is picked */
	uint32_t cid;	 /* VMADDR_CID_ANY is `any` */
	char *path;	 /* what follows the `@` when abstract */
	size_t path_len; /* an abstract name may have NULs in it */
	bool abstract;
	int mode; /* of the socket file, -1 for the default */
	int fd;
	char *name;
	char *command;
	char *options[ADDRESS_OPTION_COUNT]; /* NULL for one not given */
};

#define ADDRESS_NULL ((struct address){.mode = -1, .fd = -1})

/* What a scheme means. The table of them is the one place that knows. */
struct address_scheme {
	const char *name; /* "tcp" */
	const char *form; /* "tcp:HOST:PORT" */
	enum address_kind kind;
	int family; /* AF_UNSPEC: IPv4 and IPv6, or what the descriptor is */
	int type;   /* the default */
	int protocol;
	bool tls;
	unsigned takes; /* options beyond those all take */
	const struct address_syntax *syntax;
};

/* The table's Nth scheme, NULL behind the last. */
const struct address_scheme *address_scheme_at(size_t n);

/* Owns copies of all it needs of TEXT. 0; -EINVAL with the part that is wrong and the right form;
 * -ENOMEM. *a is ADDRESS_NULL when it fails. */
int address_parse(struct address *a, const char *text, struct fault *why);

/* TO becomes an equal address of its own. 0 or -ENOMEM; it is ADDRESS_NULL then. */
int address_copy(struct address *to, const struct address *from);

/* Safe on ADDRESS_NULL and twice. */
void address_deinit(struct address *a);

/* The canonical form, with every part spelt out and no option that is the default; parsing it gives
 * an equal address. On the heap; NULL when memory is out. */
char *address_format(const struct address *a);

bool address_equal(const struct address *a, const struct address *b);
