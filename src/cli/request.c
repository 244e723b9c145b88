/*
 * ferry request: asks a service of a hub; the reply goes to standard output as it comes, and the
 * exit status that came with it becomes ours.
 */

#include "cli/command.h"
#include "client/inquiry.h"
#include "net/standard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

struct request_settings {
	const char *type;
	uint64_t timeout;
	struct option_list headers;
	bool retry_lost;
};

struct request {
	const struct request_settings *settings;
	struct loop loop;
	struct address address;
	struct inquiry inquiry;
	struct stream input; /* when the body is standard input */
	int exit;
	struct fault why;
};

static const struct option_entry request_options[] = {
	OPTION_TIMEOUT(struct request_settings, "30s"),
	{"type", 0, OPTION_TEXT, offsetof(struct request_settings, type), "TYPE",
		"application/octet-stream", 0, 0, "the media type of BODY"},
	{"header", 'H', OPTION_LIST, offsetof(struct request_settings, headers), "'NAME: VALUE'",
		NULL, 0, 0, "a further field that goes with the request"},
	{"retry-lost", 0, OPTION_FLAG, offsetof(struct request_settings, retry_lost), NULL, NULL, 0,
		0,
		"when the server is lost before its reply, let another one answer, of three in "
		"all"},
	OPTION_END,
};

static struct request *request_of(struct inquiry *i)
{
	return container_of(i, struct request, inquiry);
}

static void request_end(struct request *q)
{
	inquiry_deinit(&q->inquiry);
	stream_deinit(&q->input);
	loop_stop(&q->loop);
}

/* ---- the reply ---- */

static void request_on_begun(struct inquiry *i, const struct http_response *r)
{
}

static void request_on_piece(struct inquiry *i, struct bytes piece)
{
	struct request *q = request_of(i);

	if (fwrite(piece.data, 1, piece.len, stdout) == piece.len && fflush(stdout) == 0)
		return;
	fault_errno(&q->why, -errno, "cannot write the reply");
	request_end(q);
}

static void request_on_over(struct inquiry *i, const struct fault *why)
{
	struct request *q = request_of(i);

	if (why)
		q->why = *why;
	q->exit = i->exit < 0 ? EX_OK : i->exit;
	request_end(q);
}

/* ---- the body ---- */

static void request_on_writable(struct inquiry *i)
{
	struct request *q = request_of(i);

	if (stream_is_open(&q->input))
		stream_resume(&q->input);
}

static void request_on_read(struct stream *s, struct bytes data)
{
	struct request *q = container_of(s, struct request, input);

	int r = inquiry_write(&q->inquiry, data);
	if (r < 0) {
		fault_errno(&q->why, r, "cannot send");
		request_end(q);
	} else if (inquiry_is_blocked(&q->inquiry)) {
		stream_pause(s);
	}
}

static void request_on_read_all(struct stream *s)
{
	struct request *q = container_of(s, struct request, input);

	stream_deinit(s);
	inquiry_end(&q->inquiry);
}

static void request_on_read_failed(struct stream *s, int error)
{
	struct request *q = container_of(s, struct request, input);

	fault_errno(&q->why, error, "cannot read the body");
	request_end(q);
}

static const struct stream_handler request_input = {
	.received = request_on_read,
	.ended = request_on_read_all,
	.failed = request_on_read_failed,
};

static int request_open_input(struct request *q)
{
	int fd = standard_open(STDIN_FILENO);

	if (fd < 0)
		return fd;
	int r = stream_init(&q->input, &q->loop, fd, &request_input);
	if (r == 0)
		stream_pause(&q->input); /* until there is a connection */
	return r;
}

/* ---- life ---- */

static const struct inquiry_handler request_handler = {
	.begun = request_on_begun,
	.piece = request_on_piece,
	.writable = request_on_writable,
	.over = request_on_over,
};

static int request_start(struct request *q, const struct command_line *line, const char *body)
{
	const struct inquiry_options options = {
		.service = line->words[1],
		.type = q->settings->type,
		.length = body ? strlen(body) : HTTP_LENGTH_UNKNOWN,
		.timeout = q->settings->timeout,
		.retry_lost = q->settings->retry_lost,
		.headers = q->settings->headers.texts,
		.header_count = q->settings->headers.count,
	};

	int r = address_parse(&q->address, line->words[0], &q->why);
	if (r == 0)
		r = inquiry_init(&q->inquiry, &q->loop, &q->address, line->trust, &request_handler);
	if (r == 0)
		r = inquiry_start(&q->inquiry, &options, &q->why);
	if (r < 0)
		return r;
	return body ? inquiry_write(&q->inquiry, bytes_text(body)) : request_open_input(q);
}

static int request_run(const struct command_line *line)
{
	struct request q = {
		.settings = line->settings,
		.address = ADDRESS_NULL,
		.inquiry = INQUIRY_NULL,
		.input = STREAM_NULL,
	};
	const char *body = line->count > 2 ? line->words[2] : "";

	int r = loop_init(&q.loop);
	if (r < 0) {
		fault_errno(&q.why, r, "cannot start");
		return command_failed(&q.why);
	}
	r = request_start(&q, line, strcmp(body, "-") ? body : NULL);
	if (r == 0)
		loop_run(&q.loop);
	else if (!q.why.error)
		fault_errno(&q.why, r, "cannot ask");
	inquiry_deinit(&q.inquiry);
	stream_deinit(&q.input);
	address_deinit(&q.address);
	loop_deinit(&q.loop);
	return q.why.error ? command_failed(&q.why) : q.exit;
}

const struct command command_request = {
	.name = "request",
	.words = "ADDRESS SERVICE [BODY|-]",
	.summary = "asks a service, prints the reply",
	.about = "BODY is the request, or with - what standard input has. The reply goes to "
		 "standard\n"
		 "output as it comes; the exit status that the other side gave with it is ours, so "
		 "a\n"
		 "command that is served is used like one that is here.\n\n"
		 "It ends with 69 when no one serves this, 75 when too many wait already, 76 when "
		 "the\n"
		 "server broke off, and 124 when the reply did not begin in time.",
	.min_words = 2,
	.max_words = 3,
	.trusts = true,
	.shows_token = true,
	.meets = true,
	.settings_size = sizeof(struct request_settings),
	.options = request_options,
	.examples = {{"ferry request localhost:12345 upper hello", "prints what `upper` replies"},
		{"tar c src | ferry request build.example:12345 make - > out.tar",
			"sends a stream, gets one"}},
	.run = request_run,
};
