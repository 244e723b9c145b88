#pragma once

/*
 * The sending half of an upload (client/upload.h): its requests and their bodies.
 */

#include "client/upload.h"

/* Sends the request that u->step says. 0; -ESTALE: what is to be sent is not there any more; or a
 * negative errno. */
int upload_send(struct upload *u);

/* Sends what the connection takes of the body, and ends it behind its last byte. */
void upload_pump(struct upload *u);

/* Waits for the rest of the file to be hashed: u->digest. 0 or a negative errno. */
int upload_hash(struct upload *u);

/* The upload is given up: WHAT is said of its file. */
void upload_fail(struct upload *u, int error, const char *what);
