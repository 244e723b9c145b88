/*
 * ferry request: asks a service of a hub; the reply goes to standard output as it comes, and the
 * exit status that came with it becomes ours.
 */

#include "base/cleanup.h"
#include "cli/command.h"
#include "client/http_call.h"
#include "client/reply.h"
#include "net/standard.h"
#include "wire/uri.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* How much longer than the hub we wait. */
enum { REQUEST_SLACK_MS = 2000 };

struct request_settings {
	const char *type;
	uint64_t timeout;
};

struct request {
	const struct request_settings *settings;
	struct loop loop;
	struct address address;
	uv_timer_t patience; /* until the reply begins */
	struct http_call call;
	struct stream input; /* when the body is standard input */
	struct reply refusal;
	bool replying;
	bool ended_input;
	int exit;
	struct fault why;
};

static const struct option_entry request_options[] = {
	OPTION_TIMEOUT(struct request_settings, "30s"),
	{"type", 0, OPTION_TEXT, offsetof(struct request_settings, type), "TYPE",
		"application/octet-stream", 0, 0, "the media type of BODY"},
	OPTION_END,
};

static struct request *request_of(struct http_call *c)
{
	return container_of(c, struct request, call);
}

static void request_end(struct request *q)
{
	http_call_deinit(&q->call);
	stream_deinit(&q->input);
	uv_timer_stop(&q->patience);
	loop_stop(&q->loop);
}

/* ---- the reply ---- */

static void request_on_head(struct http_call *c, const struct http_response *r)
{
	struct request *q = request_of(c);
	uint64_t exit;

	uv_timer_stop(&q->patience);
	q->replying = r->status == 200;
	q->refusal.status = r->status;
	q->refusal.is_json = true;
	if (http_parse_number(http_fields_get_only(&r->fields, "Exit-Status"), &exit) == 0)
		q->exit = (int)(exit & 255);
}

static void request_on_body(struct http_call *c, struct bytes piece)
{
	struct request *q = request_of(c);

	if (!q->replying) {
		size_t room = REPLY_BODY_MAX - buffer_len(&q->refusal.body);
		buffer_append(&q->refusal.body, piece.data, piece.len < room ? piece.len : room);
		return;
	}
	if (fwrite(piece.data, 1, piece.len, stdout) == piece.len && fflush(stdout) == 0)
		return;
	fault_errno(&q->why, -errno, "cannot write the reply");
	request_end(q);
}

/* 69 no one serves, 75 too many ask, 76 the server broke off, 124 time ran out. */
static int request_error(int status)
{
	switch (status) {
	case 502:
		return -EPROTO;
	case 503:
		return -ECONNREFUSED;
	case 504:
		return -ETIMEDOUT;
	default:
		return 0;
	}
}

static void request_on_ended(struct http_call *c)
{
	struct request *q = request_of(c);
	int trailer = http_call_trailer(c, "Exit-Status");

	if (!q->replying) {
		reply_explain(&q->refusal, &q->why);
		if (request_error(q->refusal.status))
			q->why.error = request_error(q->refusal.status);
	} else if (trailer >= 0) {
		q->exit = trailer & 255;
	}
	request_end(q);
}

static void request_on_failed(struct http_call *c, const struct fault *why)
{
	struct request *q = request_of(c);

	q->why = *why;
	if (q->replying)
		fault_set(&q->why, -EPROTO, "the reply broke off: %s", why->text);
	request_end(q);
}

static void request_on_impatience(uv_timer_t *timer)
{
	struct request *q = container_of(timer, struct request, patience);

	fault_set(&q->why, -ETIMEDOUT, "no reply came in time");
	request_end(q);
}

/* ---- the body ---- */

static void request_on_writable(struct http_call *c)
{
	struct request *q = request_of(c);

	if (stream_is_open(&q->input))
		stream_resume(&q->input);
}

static void request_on_read(struct stream *s, struct bytes data)
{
	struct request *q = container_of(s, struct request, input);

	int r = http_call_write(&q->call, data);
	if (r < 0) {
		fault_errno(&q->why, r, "cannot send");
		request_end(q);
	} else if (http_call_is_blocked(&q->call)) {
		stream_pause(s);
	}
}

static void request_on_read_all(struct stream *s)
{
	struct request *q = container_of(s, struct request, input);

	stream_deinit(s);
	http_call_end(&q->call, BYTES_NULL);
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

static const struct http_call_handler request_handler = {
	.head = request_on_head,
	.body = request_on_body,
	.ended = request_on_ended,
	.failed = request_on_failed,
	.writable = request_on_writable,
};

static int request_target(struct buffer *target, const struct command_line *line, uint64_t timeout)
{
	int r = buffer_append(target, "/services/", 10);

	if (r == 0)
		r = uri_escape(target, bytes_text(line->words[1]), "");
	return r < 0 ? r : buffer_print(target, "?timeout=%llums", (unsigned long long)timeout);
}

static int request_dial(struct request *q, const struct command_line *line, const char *body)
{
	cleanup(buffer_deinit) struct buffer target = BUFFER_NULL;
	uint64_t timeout = q->settings->timeout;
	struct http_writer w;

	int r = address_parse(&q->address, line->words[0], &q->why);
	if (r == 0)
		r = request_target(&target, line, timeout);
	if (r == 0)
		r = http_call_init(&q->call, &q->loop, &q->address, line->trust, &request_handler);
	if (r < 0)
		return r;
	http_call_begin(&q->call, &w, HTTP_POST, buffer_bytes(&target));
	http_writer_text(&w, "Connection", "close");
	http_writer_text(&w, "Content-Type", q->settings->type);
	r = http_call_start(&q->call, &w, body ? strlen(body) : HTTP_LENGTH_UNKNOWN, timeout);
	if (r < 0)
		return r;
	uv_timer_start(&q->patience, request_on_impatience, timeout + REQUEST_SLACK_MS, 0);
	return body ? http_call_write(&q->call, bytes_text(body)) : request_open_input(q);
}

static int request_run(const struct command_line *line)
{
	struct request q = {
		.settings = line->settings,
		.address = ADDRESS_NULL,
		.call = HTTP_CALL_NULL,
		.input = STREAM_NULL,
	};
	const char *body = line->count > 2 ? line->words[2] : "";

	int r = loop_init(&q.loop);
	if (r < 0) {
		fault_errno(&q.why, r, "cannot start");
		return command_failed(&q.why);
	}
	uv_timer_init(&q.loop.uv, &q.patience);
	r = request_dial(&q, line, strcmp(body, "-") ? body : NULL);
	if (r == 0)
		loop_run(&q.loop);
	else if (!q.why.error)
		fault_errno(&q.why, r, "cannot ask");
	http_call_deinit(&q.call);
	stream_deinit(&q.input);
	reply_deinit(&q.refusal);
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
