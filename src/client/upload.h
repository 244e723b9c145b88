#pragma once

/*
 * Upload: a file sent to a hub, or to any HTTP server that takes PUT
 *
 * It is one request whose body the kernel takes from the file itself; its SHA-256 is computed
 * meanwhile in a second thread and follows behind the body, in the trailer, so the other side can
 * refuse what arrived damaged. A small file is read and hashed first, and its digest stands before
 * it.
 *
 * On a Unix socket the open file is handed over, where the other side takes it (docs/files.md) and
 * says so. Nothing is hashed here then: there is no way on which the bytes could suffer, and a file
 * that changes meanwhile is refused there. It is sent as bytes then.
 *
 * After a break, where the other side can do that (draft-ietf-httpbis-resumable-upload, interop
 * version 8), it is asked how far it came, and sent the rest; also when it was another process that
 * began (client/upload_note.h). An answer that was lost is made up for by looking whether the file
 * is there. Any other server is sent the whole file again.
 */

#include "client/hasher.h"
#include "client/transfer.h"
#include "client/upload_note.h"
#include "wire/http_file.h"

struct upload;

/* What a request is about. */
enum upload_step {
	UPLOAD_CREATE,
	UPLOAD_ASK,    /* for the offset */
	UPLOAD_APPEND, /* from there */
	UPLOAD_LOOK,   /* whether the file is there */
};

/* What is sent. It must stay until `done`. */
struct upload_file {
	int fd;		   /* of a regular file */
	const char *name;  /* at the hub */
	const char *shown; /* to people */
	struct stat st;	   /* of FD */
	const char *query; /* "?topic=T…", or empty */
	bool grows;	   /* how long it will be is not known: upload_grow() */
};

struct upload {
	struct transfer transfer;
	const struct upload_file *file;
	struct hasher *hasher;
	struct upload_note note;
	struct buffer small; /* all of a small file */
	struct buffer target;
	enum upload_step step; /* of the call that is under way */
	enum upload_step next;
	char location[UPLOAD_NOTE_MAX]; /* of the upload, where the server can go on with it */
	uint64_t start;			/* what is before is gone */
	uint64_t end;			/* bytes that are there, */
	bool complete;			/* and no more will come */
	bool is_small;
	uint64_t offset; /* that this request begins with, or the server has said */
	uint64_t sent;	 /* bytes of the file that the kernel took */
	bool noted;	 /* begun by an earlier process */
	bool hands;	 /* files are handed over, */
	bool sends;	 /* but this one is not */
	bool handed;	 /* it was */
	bool confirmed;	 /* the answer says that the file is there */
	bool plain;	 /* the server wants to know the length before, and no trailer */
	bool whole;	 /* the body is */
	bool hashed;
	bool wrong; /* the server has something else */
	uint8_t digest[SHA256_SIZE];
	uv_timer_t pump;
	/* Some more was sent of a file that grows; NULL: its owner need not know. */
	void (*progressed)(struct upload *u);
	/* It is over: WHY is NULL when the file is there. The next one may be started. */
	void (*done)(struct upload *u, const struct fault *why);
};

/* As transfer_init(). */
int upload_init(struct upload *u, struct loop *l, const struct address *a, struct trust *trust,
	uint64_t timeout_ms, void (*done)(struct upload *u, const struct fault *why));

/* Safe on zeroed memory and twice. */
void upload_deinit(struct upload *u);

/* 0, or a negative errno with a line, and `done` does not come. */
int upload_start(struct upload *u, const struct upload_file *file, struct fault *why);

/* For a file that grows: it has END bytes now; COMPLETE: and will have no more. */
void upload_grow(struct upload *u, uint64_t end, bool complete);

/* The same, in `progressed`: how many bytes have been sent and hashed, and are wanted only to be
 * sent again. What is before START is gone from the file. */
uint64_t upload_release(struct upload *u, uint64_t start);
