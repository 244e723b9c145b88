#pragma once

/*
 * Intake: bytes on their way into a partial file
 *
 * What comes is copied into blocks. One job writes all blocks that it finds, another one hashes
 * them, both at the same time; a block that both are done with is free again. So a transfer owes a
 * bounded memory, and one whose client sends nothing owes none.
 *
 * What was written by others than this intake (an upload that is resumed after the hub was
 * started anew, an open file that is copied) is hashed as it stands in the file.
 */

#include "server/files.h"

enum { INTAKE_BLOCKS = 8, INTAKE_BATCH = 16 };

struct block {
	struct list node; /* on intake.blocks, or on files.spare */
	uint64_t at;	  /* in the file */
	size_t len;
	bool writing : 1; /* it was given to the job */
	bool written : 1;
	bool hashing : 1;
	bool hashed : 1;
	uint8_t data[];
};

struct intake;

/* One of the two jobs, with the blocks that it has. */
struct intake_job {
	struct job job;
	struct intake *intake;
	struct block *batch[INTAKE_BATCH];
	size_t count;
	uint64_t until; /* what is in the file is to be hashed up to here */
	int result;
};

struct intake {
	struct files *files;
	struct partial *partial;
	struct list blocks; /* in order */
	size_t count;
	struct intake_job writing;
	struct intake_job hashing;
	uint64_t received; /* the size of the file once all is written */
	uint64_t written;  /* of these */
	int source;	   /* the open file that is copied, or -1 */
	struct stat state; /* its, at the beginning */
	bool chasing;	   /* all that is written is to be hashed, now */
	int error;	   /* the first one, or PARTIAL_CHANGED; nothing more is written then */
	/* On the loop's thread: a job has ended. It may free the intake when that is idle. */
	void (*changed)(struct intake *in);
};

/* Goes on behind what P has. */
void intake_init(
	struct intake *in, struct files *f, struct partial *p, void (*changed)(struct intake *in));

/* Frees the blocks; it must be idle. */
void intake_deinit(struct intake *in);

/* Takes a piece, of any size. 0 or -ENOMEM. */
int intake_add(struct intake *in, struct bytes piece);

/* Copies the file FD, which it takes over, as it is in STATE; HASHED: and hashes it meanwhile. */
void intake_copy(struct intake *in, int fd, const struct stat *state, bool hashed);

/* No more comes: hashes what is not hashed yet. */
void intake_finish(struct intake *in);

/* Nothing of it is wanted any more: what no job has begun is left. */
void intake_cancel(struct intake *in);

/* No more should be added until `changed`: it has as many blocks as it may, or it has some and all
 * intakes together have FILES_MAX_BLOCKS. */
bool intake_is_full(const struct intake *in);

/* No job is at it, and nothing waits for one. */
bool intake_is_idle(const struct intake *in);
