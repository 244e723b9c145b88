#pragma once

/*
 * Record: what is known of a file that is on its way in, and its text on the disk
 *
 * Lines `KEY VALUE`, the first `ferry-upload 1`, the last `end`: a record without it was not
 * written to its end and counts as none.
 */

#include "hub/catalogue.h"
#include "hub/name.h"

enum { RECORD_SENDER_MAX = 128, RECORD_SIZE = 2048 };

struct record {
	bool has_length;
	bool has_sha256;
	bool has_mode;
	bool has_time;
	bool has_expected;
	uint64_t length; /* the file's */
	uint8_t sha256[SHA256_SIZE];
	mode_t mode;
	struct timespec time;
	struct file_state expected; /* what the name must stand for still */
	uint16_t name_len;
	uint8_t topic_len; /* 0: the file is not announced */
	uint8_t sender_len;
	uint8_t holder_len; /* who counts for it (catalogue.h) */
	uint8_t name[FILE_NAME_MAX_LEN];
	uint8_t topic[NAME_MAX_LEN];
	uint8_t sender[RECORD_SENDER_MAX];
	uint8_t holder[CATALOGUE_HOLDER_MAX];
};

static inline struct bytes record_name(const struct record *r)
{
	return bytes_of(r->name, r->name_len);
}

static inline struct bytes record_holder(const struct record *r)
{
	return bytes_of(r->holder, r->holder_len);
}

/* The length of the text. */
size_t record_format(const struct record *r, char text[RECORD_SIZE]);

/* 0, or -EINVAL. */
int record_parse(struct record *r, struct bytes text);
