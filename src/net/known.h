#pragma once

/*
 * Known keys: which key a hub had when it was met for the first time, and was trusted. As ssh's
 * known_hosts, one file, `known` of the state directory, with a line for each address:
 *
 *	tls:example.org:12345 sha256:abc… 2026-11-23T09:00:00.000Z
 *
 * the address in its canonical form without options, the pin, and since when. Blank lines and those
 * that begin with `#` are left alone, and so is whatever is no such line: one that is damaged is as
 * if it were not there, and is told of. The first line for an address counts.
 *
 * People may edit the file. Lines are only ever added by ferry, each with one write, so processes
 * that add at once do not disturb each other.
 */

#include "base/fault.h"
#include "net/address.h"
#include "net/pin.h"

#include <stddef.h>

struct known {
	char *path;
	char *text;
	size_t len;
	size_t broken; /* the number of the first line that cannot be read, 0 for none */
};

#define KNOWN_NULL ((struct known){0})

/* Reads the file of DIRECTORY (NULL: the state directory); that there is none is no failure. 0, or
 * a negative errno with a line. Blocks for a small file. */
int known_open(struct known *k, const char *directory, struct fault *why);

/* Safe on KNOWN_NULL and twice. */
void known_deinit(struct known *k);

/* The number of the line for NAME, with its pin in *pin; 0 when there is none. */
size_t known_find(const struct known *k, const char *name, struct pin *pin);

/* Adds a line, to the file and to what was read. 0, or a negative errno with a line. */
int known_add(struct known *k, const char *name, const struct pin *pin, struct fault *why);

/* What stands for A in the file, on the heap; NULL when memory is out. */
char *known_name(const struct address *a);
