#pragma once

/*
 * Access: who may do what to which name
 *
 * One table decides. An identity is who a client has proved to be: the holder of a token, a user or
 * a group of this machine, the owner of a TLS client key, or, without a proof, just anyone. Each
 * identity has grants, and a grant is a set of rights and a pattern of the names they hold for:
 *
 *	who (how it is proved)		what		which names
 *	anna  (a token's SHA-256)	read,write	lobby
 *					ask		math.*
 *	bob   (SO_PEERCRED: 1001)	all		*
 *
 * An open table, as it is at first, lets anyone do anything; whether such a hub may be reached from
 * other machines is checked where it begins to listen. With the first identity the table closes:
 * from then on anyone may do only what was granted to anyone.
 *
 * Nothing here touches a connection or a socket. The one question that the rest of the server asks
 * is access_check() in server/login.h.
 */

#include "base/bytes.h"
#include "base/fault.h"
#include "base/list.h"

/* What there is to do. Each holds for names of its own kind. */
enum access_right {
	ACCESS_READ,   /* a topic: its messages, now and from the store */
	ACCESS_WRITE,  /* a topic: publish */
	ACCESS_GET,    /* a file: its bytes, and that it is there */
	ACCESS_PUT,    /* a file: create, replace, remove */
	ACCESS_ASK,    /* a service: requests to it */
	ACCESS_SERVE,  /* a service: take requests and reply */
	ACCESS_STATUS, /* the hub's figures; there is only one hub, so every name will do */
	ACCESS_RIGHTS,
};

/* How it was proved who it is. */
enum identity_kind {
	IDENTITY_ANYONE,
	IDENTITY_TOKEN,
	IDENTITY_USER,
	IDENTITY_GROUP,
	IDENTITY_KEY,
	IDENTITY_SERVANT, /* by the hub, which has started it */
};

enum { ACCESS_DIGEST = 32, ACCESS_NAME_MAX = 64, ACCESS_PHRASE_SIZE = 320 };

/* What is compared: nothing for anyone. */
struct proof {
	enum identity_kind kind;
	uint32_t id;		       /* of a user or a group */
	uint8_t digest[ACCESS_DIGEST]; /* SHA-256 of a token, or of a key's public half */
};

struct grant {
	unsigned rights; /* bits 1 << enum access_right */
	char *pattern;	 /* a name in which every `*` stands for any number of any characters */
};

struct identity {
	struct list node;
	struct proof proof;
	char *name; /* what others see as the sender; NULL: the client's address, or what it says */
	struct grant *grants;
	size_t grant_count;
};

struct access {
	struct list identities;
	struct identity anyone;
	bool closed;
};

void access_init(struct access *a);
void access_deinit(struct access *a);

/* Adds an identity with NAME (copied; NULL: none) and no grants yet. NULL when memory is out. */
struct identity *access_add(struct access *a, const struct proof *proof, const char *name);

/* Adds what TEXT grants: `RIGHT[,RIGHT…][:PATTERN]`, without a PATTERN for all names. RIGHT is
 * read, write, get, put, ask, serve, status; files is get and put, all is every one. 0; -EINVAL
 * with the part that is wrong in WHY, which has no secrets in it; -ENOMEM. */
int access_grant(struct identity *who, struct bytes text, struct fault *why);

/* Takes WHO off the table and frees it. No connection may be known as WHO any more. */
void access_remove(struct identity *who);

/* Whoever proves that; NULL for nobody. A digest is compared in constant time. */
const struct identity *access_find(const struct access *a, const struct proof *proof);

/* Whether WHO may do RIGHT to NAME; with data NULL: to any name at all. */
bool access_may(const struct access *a, const struct identity *who, enum access_right right,
	struct bytes name);

/* Closes the table though it may have no identity: nobody is let in then. */
void access_close(struct access *a);

/* Some identity has that name. */
bool access_has_name(const struct access *a, struct bytes name);

/* Some identity has that kind of proof. */
bool access_knows(const struct access *a, enum identity_kind kind);

/* For people, what it is that somebody may not: "write to topic lobby", "read any topic"; cut short
 * when the name is long. */
void access_phrase(enum access_right right, struct bytes name, char text[ACCESS_PHRASE_SIZE]);

/* The proof that a token is. */
struct proof access_token_proof(struct bytes token);

/* The same identity with the same grants. */
bool identity_equal(const struct identity *a, const struct identity *b);
