#pragma once

/*
 * Download: a file of a hub, or of any HTTP server, fetched whole or not at all
 *
 * It goes on after a break, also one that an earlier process suffered, where the bytes end that are
 * there already: with Range and If-Range (RFC 9110 sections 13.1.5 and 14.2), so never with those
 * of another file. The SHA-256 is computed meanwhile in a second thread, over what is on the disk.
 * On a Unix socket the other side may hand over the open file instead, and it is copied here.
 *
 * Where the other side says what it should be (Repr-Digest, RFC 9530), a file that has another one
 * is thrown away, and only a file that has it gets its name.
 */

#include "client/hasher.h"
#include "client/landing.h"
#include "client/transfer.h"
#include "net/job.h"

struct download;

struct download {
	struct transfer transfer;
	struct hasher *hasher;
	struct landing landing; /* the job's while that is busy */
	struct job job;		/* gives it its name */
	int result;		/* of that */
	struct fault why;	/* likewise */
	int given;		/* the open file that the server has handed over, or -1 */
	uv_timer_t copying;
	int out;		/* where it goes instead, as a stream; -1 for into a file */
	struct sha256 *sha256;	/* of that */
	struct buffer target;	/* of the request */
	const char *name;	/* for people */
	uint64_t got;		/* bytes of the file that are here */
	uint64_t size;		/* of all of it; HTTP_LENGTH_UNKNOWN */
	uint64_t resumed;	/* bytes that were there at the beginning */
	struct http_file facts; /* its time and permissions */
	char etag[LANDING_ETAG_MAX + 1];
	bool promised; /* the digest is known */
	bool checked;  /* the file that is there now was compared with it */
	bool busy;
	uint8_t digest[SHA256_SIZE];
	/* It is over: WHY is NULL when the file is there. The next one may be started. */
	void (*done)(struct download *d, const struct fault *why);
};

/* As transfer_init(); D must stay as T must. */
int download_init(struct download *d, struct loop *l, const struct address *a, struct trust *trust,
	uint64_t timeout_ms, void (*done)(struct download *d, const struct fault *why));

/* Safe on zeroed memory and twice. What is under way is kept for the next time. */
void download_deinit(struct download *d);

/* Fetches /files/NAME into the file PATH beneath ROOT. NAME must stay until `done`. 0, or a
 * negative errno with a line, and `done` does not come. */
int download_start(
	struct download *d, const char *name, int root, const char *path, struct fault *why);

/* The same to the descriptor OUT, which is written to without regard to the loop. */
int download_start_to(struct download *d, const char *name, int out, struct fault *why);
