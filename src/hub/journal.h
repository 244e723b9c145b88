#pragma once

/*
 * Journal: an append-only log of entries in memory, of which the oldest may be dropped
 *
 * The bytes lie in chunks (the first one small, each next one twice as large up to a limit; an
 * entry is never split, so one that is larger gets a chunk of its own). A position is an absolute
 * offset that never changes its meaning, however much is dropped, so a reader is a number: it holds
 * no reference and the journal knows no readers.
 *
 * Entries are numbered without holes. Beside its bytes an entry has an id, which grows but may have
 * holes, and an origin. Neighbours of one origin are one run, so that a reader who leaves out an
 * origin walks runs, not entries.
 *
 * One mechanism, three uses: a tape (a topic's messages in one format, numbered by the topic), the
 * memory store (all records, the number is the id) and a replay's private buffer.
 */

#include <sys/uio.h>

#include "base/bytes.h"

enum {
	JOURNAL_CHUNK_MIN = 4 << 10,
	JOURNAL_CHUNK_MAX = 256 << 10,
};

struct chunk;

struct journal {
	struct chunk **chunks; /* oldest first, from `first`, `count` of them */
	struct chunk *spare;   /* the last one dropped, for the next one needed */
	size_t first;
	size_t count;
	size_t cap;
	size_t next_size;      /* of the next chunk */
	size_t memory;	       /* bytes allocated for all of it */
	uint64_t start;	       /* offset of the oldest byte held */
	uint64_t end;	       /* offset behind the newest byte */
	uint64_t first_number; /* of the oldest entry held; next_number when there is none */
	uint64_t next_number;  /* of the next entry */
	uint64_t before_id;    /* id of the newest entry dropped: all after it are held */
	uint64_t last_id;      /* id of the newest entry, before_id when there is none */
};

struct journal_entry {
	struct bytes bytes; /* valid until the journal is changed */
	uint64_t start;	    /* offset of its first byte */
	uint64_t end;	    /* offset behind its last byte */
	uint64_t number;
	uint64_t id;
	uint64_t origin;
};

/* The next entry gets NUMBER and an id > AFTER_ID. Allocates nothing. */
void journal_init(struct journal *j, uint64_t number, uint64_t after_id);
void journal_deinit(struct journal *j);

/* Room for an entry of at most SIZE bytes, or NULL when memory is out. Valid until the next call.*/
uint8_t *journal_reserve(struct journal *j, size_t size);

/* Appends the LEN bytes written into the reserved room. ID is not less than the last one's. */
void journal_commit(struct journal *j, size_t len, uint64_t id, uint64_t origin);

/* Drops the oldest chunk, the newest entry with it if that is the only one. */
void journal_drop(struct journal *j);
/* Offset behind the last byte that the next journal_drop drops. */
uint64_t journal_drop_end(const struct journal *j);

/* Drops everything and gives up memory beyond one chunk, which it keeps if it was well used. */
void journal_clear(struct journal *j);
/* Drops everything, frees all memory; the next entry gets NUMBER and an id > AFTER_ID. */
void journal_restart(struct journal *j, uint64_t number, uint64_t after_id);

/* The entry by its number; false when it is not held. */
bool journal_entry(const struct journal *j, uint64_t number, struct journal_entry *e);
/* The entry that holds the byte at POSITION (start <= POSITION < end); false when there is none. */
bool journal_entry_at(const struct journal *j, uint64_t position, struct journal_entry *e);
/* Offset at which the first entry held whose id is > ID begins; `end` when there is none. */
uint64_t journal_position_after(const struct journal *j, uint64_t id);

/*
 * The bytes from *POSITION on, those of entries of ORIGIN (if not 0) left out: fills up to MAX
 * vectors and returns how many. *POSITION is moved over entries left out at the front; it lies in
 * [start, end]. Takes time by the chunks (ORIGIN 0) or the runs it passes, never by the entries.
 */
size_t journal_spans(const struct journal *j, uint64_t *position, uint64_t origin,
	struct iovec *spans, size_t max);

/* Moves *POSITION LEN bytes on, counting as journal_spans does; returns how many entries it thereby
 * passed the end of. */
size_t journal_advance(const struct journal *j, uint64_t *position, uint64_t origin, size_t len);
