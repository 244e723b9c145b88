#pragma once

/*
 * Admission: who may come in, as the command line has it
 *
 * The options become identities of the server's table (server/access.h) and networks that a peer
 * must, or must not, come from. The users and groups are looked up once; the token file is read
 * again when it is asked for, and a client whose line has changed or gone is sent away with it.
 */

#include "base/fault.h"
#include "net/cidr.h"
#include "server/access.h"

struct connection;
struct entrance;
struct server;

struct admission_options {
	const char *token_file; /* NULL: none */
	const char **users;	/* names or numbers, */
	size_t user_count;
	const char **groups; /* likewise: they may do everything */
	size_t group_count;
	const char **allow; /* networks of Internet peers (net/cidr.h); none: all */
	size_t allow_count;
	const char **deny; /* not even when allowed */
	size_t deny_count;
};

struct networks {
	struct cidr *allow;
	size_t allow_count;
	struct cidr *deny;
	size_t deny_count;
};

/* Fills the server's table and networks as its options say. 0, or a negative errno with a line:
 * -EINVAL for what is no network, user or group, -EACCES for a token file that others may read. */
int admission_init(struct server *s, struct fault *why);
void admission_deinit(struct server *s);

/* Reads the token file again. Nothing changes when that fails: a negative errno with a line. */
int admission_reload(struct server *s, struct fault *why);

/* Puts FRESH's identities, all of KIND, in place of those the server has of that kind, and closes
 * the connections of those that are no longer the same. FRESH is empty then. */
void admission_renew(struct server *s, enum identity_kind kind, struct access *fresh);

/* Who has come by E with the socket FD. */
const struct identity *admission_of(const struct entrance *e, int fd);

/* Whoever has come by E with the socket FD, from PEER, may not do a thing. */
bool admission_bars(const struct entrance *e, int fd, const struct endpoint *peer);

/* A peer at E may come in, as far as its network goes. */
bool admission_allows(const struct server *s, const struct endpoint *e);

/* Whom the process is at the other end of FD, a Unix socket or any other; anyone when no rule
 * knows it. */
const struct identity *admission_of_socket(const struct server *s, int fd);

/* The same for one that sends without a connection. */
const struct identity *admission_of_process(const struct server *s, const struct ucred *who);
