#pragma once

/*
 * The key file: whose TLS key lets them in, as people write it
 *
 *	# key                                               name   may
 *	sha256:Tm90IGEga2V5LCBidXQgbG9va3MgbGlrZSBvbmUuLi4  anna
 *	sha256:QW5vdGhlciBvbmUgdGhhdCBpcyBub3QgYSBrZXkuLi4  ben    read:news
 *
 * A line has the pin that `ferry key` shows where the client runs, the name that others see as the
 * sender, and what it may do (see access_grant()), which is everything when nothing is said. A name
 * with two lines has two keys. There is no secret in the file.
 */

#include "server/access.h"

/* Adds what TEXT says to A; PATH is its name in faults. 0; -EINVAL with the line that is wrong and
 * why; -ENOMEM. A has some of it when it fails. */
int key_file_parse(struct access *a, struct bytes text, const char *path, struct fault *why);

/* The same with what is in the file at PATH; -EACCES when others may write to it, with the chmod(1)
 * that changes that. */
int key_file_read(struct access *a, const char *path, struct fault *why);

/* Adds what the option says: NAME=sha256:…; it may do everything. As above. */
int key_option_parse(struct access *a, const char *text, struct fault *why);
