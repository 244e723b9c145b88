#pragma once

/*
 * The token file: who may do what with which token, as people write it
 *
 *	# name    token                             may
 *	anna      qkqcS0Bxg1f5yZkzr2VhJ9r0m6mPq2cE  read,write:lobby  ask:math.*
 *	builds    Zl5yR2mVYk7f0wq8bXc1N3uHs9dTjA4E  write:builds
 *	backup    sha256:5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9  get
 *	anyone    -                                 read:news
 *
 * A line names a client, its token, and what it may do there (see access_grant()); what stands
 * behind a `#` at the beginning of a word is a comment. The name is what others see as the sender.
 *A name with two lines has two tokens. `sha256:` with 64 digits is a token's hash, for a file that
 * holds no secret. `anyone` is who shows no token, and has `-` for one.
 *
 * A token is 22 to 256 of A-Z a-z 0-9 - . _ ~ + / =, which at random is 128 bits or more:
 * `openssl rand -base64 24` makes one.
 */

#include "server/access.h"

/* Adds what TEXT says to A; PATH is its name in faults. 0; -EINVAL with the line that is wrong and
 * why, but nothing that could be a token; -ENOMEM. A has some of it when it fails. */
int token_file_parse(struct access *a, struct bytes text, const char *path, struct fault *why);

/* The same with what is in the file at PATH, which must be a secret (base/secret.h). */
int token_file_read(struct access *a, const char *path, struct fault *why);
