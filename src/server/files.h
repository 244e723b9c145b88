#pragma once

/*
 * /files/ and /uploads/ over HTTP (docs/files.md): the catalogue's files, given out and taken in
 *
 *	download.c	GET and HEAD of a file
 *	listing.c	GET of a directory
 *	upload.c	PUT and POST of a file, PATCH HEAD DELETE of an upload
 *	files.c		DELETE of a file, and what all of these share
 *
 * Whatever may wait for the disk is a job on a worker thread; what belongs to it lives on until it
 * has returned, also when the client is gone.
 */

#include "hub/partial.h"
#include "net/job.h"
#include "server/discard.h"
#include "server/exchange.h"
#include "server/learner.h"

struct server;

/* What is on its way from clients to the disk is in blocks (intake.h). */
enum { FILES_BLOCK = 128 * 1024, FILES_MAX_BLOCKS = 512, FILES_SPARE_BLOCKS = 32 };

/* A file that is handed over may be of a file system that never answers: each takes a thread. */
enum { FILES_MAX_COPIES = 8 };

struct files {
	struct server *server;
	struct catalogue *catalogue;
	struct list uploads; /* that can be resumed, and are in memory */
	struct list spare;   /* blocks */
	size_t spares;
	size_t blocks; /* in use */
	size_t jobs;   /* that run */
	size_t copies; /* of files that were handed over, under way */
	uv_timer_t *timer;
	struct job expiry;
	struct discard discard; /* what clients have handed over */
	struct learner learner;
	bool late; /* files_free() has waited long enough */
};

/* NULL with a line in WHY. */
struct files *files_new(
	struct server *s, const struct catalogue_options *options, struct fault *why);

/* When no connection is left; waits for what the disk still does, 5 s at most. Takes NULL,
 * returns NULL. Or F, when a job has not ended by then: nothing of it is freed, and the program is
 * to end without another turn of the loop, by _exit(2). */
struct files *files_free(struct files *f);

/* job_start(), counted; whoever is done calls files_did(). */
void files_do(
	struct files *f, struct job *j, void (*run)(struct job *j), void (*done)(struct job *j));
void files_did(struct files *f);

/* The name in R's path, decoded, in TO. False when it has been refused. */
bool files_name(struct exchange *x, const struct http_request *r, uint8_t to[FILE_NAME_MAX_LEN + 1],
	struct bytes *name);

/* File-Descriptor: ?1 */
bool files_wants_descriptor(const struct http_request *r);

/* Answers what ERROR, a negative errno of the catalogue, means to the client. */
void files_refuse(struct exchange *x, int error);

/* Fields of a request that are wanted after its head is gone: kept as lines, and read back. */
int files_keep_fields(
	struct buffer *to, const struct http_fields *fields, const char *const *names);
void files_kept_fields(const struct buffer *from, struct http_fields *fields);

/* When it was changed last, in milliseconds since 1970; what is older counts as of then. */
uint64_t files_modified_ms(const struct stat *st);

/* What the conditions of a request are checked against; ETAG is for the text. */
enum { FILES_ETAG_SIZE = SHA256_HEX_SIZE + 2 };
struct http_current files_current(const struct file *f, char etag[FILES_ETAG_SIZE]);

/* ETag and Repr-Digest. */
void files_write_digest(struct http_writer *w, const uint8_t sha256[SHA256_SIZE]);

extern const struct handler files_list;	    /* GET /files/ */
extern const struct handler files_get;	    /* GET /files/NAME, GET /files/DIR/ */
extern const struct handler files_put;	    /* PUT, POST /files/NAME */
extern const struct handler files_delete;   /* DELETE /files/NAME */
extern const struct handler uploads_head;   /* HEAD /uploads/ID */
extern const struct handler uploads_append; /* PATCH /uploads/ID */
extern const struct handler uploads_cancel; /* DELETE /uploads/ID */
