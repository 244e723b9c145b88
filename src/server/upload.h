#pragma once

/*
 * Upload: one file on its way from a client to its name
 *
 * It is made by PUT or POST of the file. One that can be resumed has a name of its own,
 * /uploads/ID, under which later requests find it, in memory or, after the hub was started anew, on
 * the disk. A request that is about an upload takes it over from the one before: the connection
 * that was still filling it is closed, and the new request waits until the jobs have come to rest.
 *
 * What was handed over as an open file needs no check of its way here, so it has its name as soon
 * as it is copied, and its digest is found out afterwards (server/learner.h), unless one was said.
 *
 * An upload outlives its exchange as long as a job is at it. One that can be resumed stays in
 * memory for a while even then, so that going on does not mean to hash from the start; one that is
 * finished does, so that a client whose connection broke just then learns so.
 */

#include "hub/hub.h"
#include "server/intake.h"
#include "wire/http_upload.h"

enum upload_verb { UPLOAD_CREATE, UPLOAD_APPEND, UPLOAD_OFFSET, UPLOAD_CANCEL };

struct upload_said {
	struct http_upload upload;
	bool has_sha256;
	uint8_t sha256[SHA256_SIZE];
};

struct upload {
	struct list node; /* on files.uploads, if it can be resumed; the longest idle one first */
	struct files *files;
	struct exchange *exchange; /* the request that is about it, or NULL */
	struct job job;		   /* opening, finishing, discarding; the intake has its own */
	/* The partial's, which belongs to the job while that opens it. */
	char id[PARTIAL_ID_LEN + 1];
	struct partial partial;
	struct intake intake;
	struct file file; /* what the name stood for, or what it stands for now */
	struct ticket ticket;
	struct buffer fields;	 /* of the head: conditions */
	struct buffer trailers;	 /* of the body */
	struct upload_said said; /* by the request at hand */
	enum upload_verb verb;	 /* of that request */
	uint64_t idle_ms;	 /* of the loop: since when no request is about it */
	int source;		 /* the open file that was handed over, or -1, */
	struct stat state;	 /* and its state */
	int result;		 /* of the last job */
	bool is_new;		 /* the name was */
	bool lasting;		 /* it can be resumed */
	bool copies;		 /* what was handed over */
	bool conditional;
	bool opened;   /* there is a partial file and an intake */
	bool admitted; /* the request at hand may fill it */
	bool complete; /* that request has ended */
	bool wrong;    /* two digests were said */
	bool finished; /* the file stands under its name */
	bool announced;
	bool gone; /* there is nothing on the disk any more */
};

/* ---- upload.c ---- */

/* For the request of X, which owns it until upload_close(). NULL when memory is out. */
struct upload *upload_new(struct exchange *x);

/* Its record has been filled in: makes it on the disk. */
void upload_create(struct upload *u);

/* The file must have this digest, and any that was said before. */
void upload_expect_digest(struct upload *u, const uint8_t sha256[SHA256_SIZE]);

/* Finds the upload called ID and makes the request of X be about it. */
void upload_seek(
	struct exchange *x, struct bytes id, enum upload_verb verb, const struct upload_said *said);

/* Whatever had to be waited for has happened: goes on with what comes next. May free U. */
void upload_advance(struct upload *u);

/* A request's handler: `close`. */
void upload_close(struct exchange *x);

/* Takes those that were of no use for a while out of memory; ALL: every one. */
void uploads_forget(struct files *f, bool all);

/* ---- upload_answer.c: each ends the exchange, and may free U ---- */

/* 104: not the answer itself. */
void upload_say_resumable(struct upload *u);

/* The file has its name. ANNOUNCED: the message's id, or 0. */
void upload_answer_finished(struct upload *u, uint64_t announced);

/* So much is there. */
void upload_answer_offset(struct upload *u, int status);
void upload_answer_cancelled(struct upload *u);

/* ERROR is a negative errno, PARTIAL_WRONG, PARTIAL_CHANGED or PARTIAL_UNSYNCED. */
void upload_refuse(struct upload *u, int error);

/* The problems of the draft. */
void upload_refuse_offset(struct upload *u);
void upload_refuse_length(struct upload *u);
void upload_refuse_completed(struct upload *u);
