/*
 * What those who upload are told.
 */

#include "base/cleanup.h"
#include "server/server.h"
#include "server/upload.h"
#include "wire/http_problem.h"

#include <errno.h>
#include <stdio.h>

#define PROBLEM_TYPE "https://iana.org/assignments/http-problem-types#"

static void write_resumable(struct http_writer *w, const struct upload *u)
{
	char text[64];

	http_writer_number(w, "Upload-Draft-Interop-Version", HTTP_UPLOAD_INTEROP);
	snprintf(text, sizeof(text), "/uploads/%s", u->id);
	http_writer_text(w, "Location", text);
}

static void write_limit(struct http_writer *w, const struct upload *u)
{
	uint64_t max = u->files->catalogue->max_file;
	char text[64];
	int len = snprintf(text, sizeof(text), "max-age=%d", PARTIAL_AGE_S);

	if (max)
		snprintf(text + len, sizeof(text) - (size_t)len, ", max-size=%llu",
			(unsigned long long)max);
	http_writer_text(w, "Upload-Limit", text);
}

void upload_say_resumable(struct upload *u)
{
	struct connection *c = u->exchange->connection;
	struct http_writer w;

	if (!u->exchange->minor)
		return;
	http_writer_response(&w, connection_out(c), 104, BYTES_NULL);
	write_resumable(&w, u);
	write_limit(&w, u);
	if (http_writer_end(&w) < 0)
		connection_close(c);
	else
		connection_wrote(c);
}

void upload_answer_finished(struct upload *u, uint64_t announced)
{
	struct exchange *x = u->exchange;
	struct http_writer w = exchange_begin(x, u->is_new ? 201 : 204);

	if (u->file.hashed)
		files_write_digest(&w, u->file.sha256);
	if (u->copies)
		http_writer_text(&w, "File-Descriptor", "?1");
	if (announced)
		http_writer_number(&w, "Announced", announced);
	if (u->lasting)
		http_writer_text(&w, "Upload-Complete", http_upload_complete_text(true));
	if (u->is_new)
		exchange_send(x, &w, BYTES_NULL);
	else
		exchange_send_empty(x, &w);
}

void upload_answer_offset(struct upload *u, int status)
{
	struct exchange *x = u->exchange;
	struct http_writer w = exchange_begin(x, status);
	uint64_t size = u->finished ? (uint64_t)u->file.st.st_size : u->intake.written;

	write_resumable(&w, u);
	http_writer_number(&w, "Upload-Offset", size);
	http_writer_text(&w, "Upload-Complete", http_upload_complete_text(u->finished));
	if (u->partial.record.has_length)
		http_writer_number(&w, "Upload-Length", u->partial.record.length);
	write_limit(&w, u);
	http_writer_text(&w, "Cache-Control", "no-store");
	if (status == 204)
		exchange_send_empty(x, &w);
	else
		exchange_send(x, &w, BYTES_NULL);
}

void upload_answer_cancelled(struct upload *u)
{
	struct http_writer w = exchange_begin(u->exchange, 204);

	http_writer_number(&w, "Upload-Draft-Interop-Version", HTTP_UPLOAD_INTEROP);
	exchange_send_empty(u->exchange, &w);
}

void upload_refuse(struct upload *u, int error)
{
	if (error == PARTIAL_WRONG)
		exchange_refuse(u->exchange, 400,
			"what came has not the digest that was said; it is dropped");
	else if (error == PARTIAL_CHANGED)
		exchange_refuse(u->exchange, 400,
			"the file has changed while it was copied; send the bytes");
	else if (error == PARTIAL_UNSYNCED)
		exchange_refuse(u->exchange, 500,
			"the file has its name, but the disk failed to keep that: it may be gone "
			"when the power is; send it again");
	else
		files_refuse(u->exchange, error == -ENOTDIR ? -EEXIST : error);
}

/* ---- the problems of the draft ---- */

static void refuse_problem(struct upload *u, const struct http_problem *problem)
{
	cleanup(buffer_deinit) struct buffer body = BUFFER_NULL;
	struct exchange *x = u->exchange;

	http_problem_append(&body, problem);
	if (x->reading)
		x->keep_alive = false;
	struct http_writer w = exchange_begin(x, problem->status);
	http_writer_text(&w, "Content-Type", HTTP_PROBLEM_MEDIA_TYPE);
	http_writer_number(&w, "Upload-Offset", u->intake.written);
	http_writer_text(&w, "Upload-Complete", http_upload_complete_text(u->finished));
	exchange_send(x, &w, buffer_bytes(&body));
}

void upload_refuse_offset(struct upload *u)
{
	char members[96];

	snprintf(members, sizeof(members), "\"expected-offset\":%llu,\"provided-offset\":%llu",
		(unsigned long long)u->intake.written, (unsigned long long)u->said.upload.offset);
	refuse_problem(u, &(struct http_problem){
				  .status = 409,
				  .type = PROBLEM_TYPE "mismatching-upload-offset",
				  .title = "the upload has another offset",
				  .members = bytes_text(members),
			  });
}

void upload_refuse_length(struct upload *u)
{
	refuse_problem(u, &(struct http_problem){
				  .status = 400,
				  .type = PROBLEM_TYPE "inconsistent-upload-length",
				  .title = "the upload has another length",
			  });
}

void upload_refuse_completed(struct upload *u)
{
	refuse_problem(u, &(struct http_problem){
				  .status = 400,
				  .type = PROBLEM_TYPE "completed-upload",
				  .title = "the upload is complete",
			  });
}
