#pragma once

/*
 * Listing: the files of a hub, as GET /files/ gives them.
 */

#include "base/sha256.h"
#include "client/fetch.h"

struct listing_entry {
	char *name;
	uint64_t size;
	char *time;		      /* RFC 3339, or empty */
	char sha256[SHA256_HEX_SIZE]; /* or empty */
};

struct listing {
	struct listing_entry *entries; /* in the order of their names */
	size_t count;
};

#define LISTING_NULL ((struct listing){0})

/* Asks for the files in DIRECTORY and below; empty or `/`: all. 0, or a negative errno with a line.
 * What the names are is the server's doing. */
int listing_fetch(struct listing *l, struct fetch *f, const char *directory, struct fault *why);

/* Reads the JSON. 0; -EPROTO when it is no listing; -ENOMEM. */
int listing_parse(struct listing *l, struct bytes text);

/* Safe on LISTING_NULL and twice. */
void listing_deinit(struct listing *l);
