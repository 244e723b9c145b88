#pragma once

/*
 * Resumable uploads (draft-ietf-httpbis-resumable-upload, interop version 8): what the fields of a
 * request or a response say about one. The rest (104 responses, the problem types) is made of what
 * every message is made of.
 */

#include "wire/http_fields.h"

#define HTTP_UPLOAD_INTEROP 8

#define HTTP_UPLOAD_MEDIA_TYPE "application/partial-upload"

/* A field that is broken or has another type counts as absent, as the draft has it. */
struct http_upload {
	int interop;	 /* Upload-Draft-Interop-Version; 0 when absent */
	bool has_offset; /* Upload-Offset */
	uint64_t offset;
	bool has_complete; /* Upload-Complete */
	bool complete;
	bool has_length; /* Upload-Length */
	uint64_t length;
};

void http_upload_read(const struct http_fields *fields, struct http_upload *upload);

/* The value of Upload-Complete. */
static inline const char *http_upload_complete_text(bool complete)
{
	return complete ? "?1" : "?0";
}
