#include "client/http_call.h"

#include "client/request.h"
#include "net/stream_files.h"
#include "net/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>

/* So much is sent before the turn ends. */
enum { CALL_BLOCK = 64 * 1024 };

static struct http_call *call_of(struct link *l)
{
	return container_of(l, struct http_call, link);
}

static void call_fail(struct http_call *c, const struct fault *why)
{
	c->over = true;
	link_close(&c->link);
	c->handler->failed(c, why);
}

/* ---- out ---- */

bool http_call_passes_files(const struct http_call *c)
{
	const struct address *a = c->address;

	return a->scheme->kind == ADDRESS_UNIX && !a->scheme->tls && a->type == SOCK_STREAM;
}

void http_call_give_file(struct http_call *c, int fd)
{
	c->given = fd;
}

int http_call_take_file(struct http_call *c)
{
	return link_is_connected(&c->link) ? stream_take_file(&c->link.stream) : -1;
}

static int call_send_file(struct http_call *c)
{
	int fd = fcntl(c->given, F_DUPFD_CLOEXEC, 0);
	int r = fd < 0 ? -errno : stream_give_file(&c->link.stream, fd);

	c->given = -1;
	if (r < 0 && fd >= 0)
		close(fd);
	return r;
}

static int call_send(struct http_call *c)
{
	struct bytes text = buffer_bytes(&c->out);

	if (!text.len || !link_is_connected(&c->link))
		return 0;
	if (c->given >= 0 && call_send_file(c) < 0)
		return -ENOMEM;
	/* A hub that reads no more has an answer, and it is on its way. */
	int r = stream_write(&c->link.stream, text.data, text.len);
	buffer_consume(&c->out, text.len);
	return r == -ENOMEM ? r : 0;
}

static bool call_send_or_fail(struct http_call *c)
{
	if (call_send(c) == 0)
		return true;
	call_fail(c, &(struct fault){-ENOMEM, "no memory for what is sent"});
	return false;
}

/* The head goes out, with what of the body is there. */
static void call_open(struct http_call *c)
{
	c->opened = true;
	if (call_send_or_fail(c) && c->handler->writable && !http_call_is_blocked(c))
		c->handler->writable(c);
}

static void call_on_sending(struct ending *e)
{
	struct http_call *c = container_of(e, struct http_call, sending);

	if (c->opened)
		call_send_or_fail(c);
	else if (link_is_connected(&c->link))
		call_open(c);
}

static void call_on_connected(struct link *l)
{
	struct http_call *c = call_of(l);

	if (http_call_passes_files(c))
		stream_pass_files(&l->stream, NULL);
	call_open(c);
}

/* Many small pieces make one write. */
static int call_send_soon(struct http_call *c)
{
	if (buffer_len(&c->out) >= CALL_BLOCK)
		return call_send(c);
	ending_ask(c->link.loop, &c->sending);
	return 0;
}

int http_call_write(struct http_call *c, struct bytes piece)
{
	if (c->over)
		return 0;
	int r = c->chunked ? http_chunk_append(&c->out, piece)
			   : buffer_append(&c->out, piece.data, piece.len);
	if (!c->chunked)
		c->left -= piece.len < c->left ? piece.len : c->left;
	return r < 0 ? r : call_send_soon(c);
}

int http_call_end(struct http_call *c, struct bytes trailers)
{
	if (c->over || !c->chunked)
		return 0;
	int r = buffer_append(&c->out, "0\r\n", 3);
	if (r == 0 && trailers.len)
		r = buffer_append(&c->out, trailers.data, trailers.len);
	if (r == 0)
		r = buffer_append(&c->out, "\r\n", 2);
	c->left = 0;
	return r < 0 ? r : call_send_soon(c);
}

int http_call_follow(struct http_call *c, enum http_method method, struct bytes target)
{
	struct http_writer w;

	request_begin_at(&w, &c->out, c->address, &c->link, method, target);
	c->last = true;
	int r = http_writer_end(&w);
	return r < 0 ? r : call_send_soon(c);
}

int http_call_begin_file(struct http_call *c, uint64_t len)
{
	char head[HTTP_CHUNK_HEAD_MAX];

	if (c->over || !c->chunked)
		return 0;
	int r = buffer_append(&c->out, head, http_chunk_head(head, len));
	if (r == 0)
		c->chunk = len;
	return r;
}

static int call_count_file(struct http_call *c, size_t len)
{
	if (!c->chunked) {
		c->left -= len;
		return 0;
	}
	c->chunk -= len;
	return c->chunk ? 0 : buffer_append(&c->out, HTTP_CHUNK_END, 2);
}

ssize_t http_call_offer_file(struct http_call *c, int fd, uint64_t at, size_t len)
{
	if (c->over)
		return 0;
	int r = call_send(c);
	if (r < 0 || http_call_is_blocked(c))
		return r;
	ssize_t n = stream_offer_file(&c->link.stream, fd, at, len);
	if (n == -EPIPE || n == -ECONNRESET)
		return 0; /* why is told by what is read */
	if (n > 0)
		r = call_count_file(c, (size_t)n);
	return r < 0 ? r : n;
}

bool http_call_is_blocked(const struct http_call *c)
{
	return !link_is_connected(&c->link) || stream_is_blocked(&c->link.stream);
}

static void call_on_writable(struct link *l)
{
	struct http_call *c = call_of(l);

	if (c->handler->writable)
		c->handler->writable(c);
}

/* ---- in ---- */

/* REST came behind the answer, which nobody asked for. */
static void call_whole(struct http_call *c, struct bytes rest)
{
	c->over = true;
	c->kept = c->answer.keep_alive && !c->left && !rest.len && !c->last;
	c->handler->ended(c);
}

static void call_refused(struct http_call *c)
{
	struct fault why;

	fault_set(&why, -EPROTO, "%s", c->answer.detail);
	call_fail(c, &why);
}

/* Hands out what comes next; false when there is no more, or the call is over. */
static bool call_next(struct http_call *c, struct bytes *in)
{
	struct http_response head;
	struct bytes piece;

	switch (http_answer_next(&c->answer, &head, in, &piece)) {
	case HTTP_ANSWER_INTERIM:
		if (c->handler->interim)
			c->handler->interim(c, &head);
		return !c->over;
	case HTTP_ANSWER_HEAD:
		link_alarm(&c->link, 0);
		c->answer.body.trailers = &c->trailers;
		c->handler->head(c, &head);
		return !c->over;
	case HTTP_DATA:
		c->handler->body(c, piece);
		return !c->over;
	case HTTP_REFUSED:
		call_refused(c);
		return false;
	case 0:
		call_whole(c, *in);
		return false;
	default:
		return false;
	}
}

/* A handler may begin another call; what came belongs to this one. */
static size_t call_on_received(struct link *l, struct bytes data)
{
	struct http_call *c = call_of(l);
	struct bytes in = data;
	uint64_t number = c->number;

	if (data.len) {
		c->heard = true;
		c->kept = false;
	}
	while (!c->held && !c->over && number == c->number && call_next(c, &in))
		;
	return c->over || number != c->number ? data.len : data.len - in.len;
}

static void call_on_ended(struct link *l)
{
	struct http_call *c = call_of(l);

	if (c->over)
		link_close(l);
	else if (http_answer_end(&c->answer) == 0)
		call_whole(c, BYTES_NULL);
	else
		call_refused(c);
}

static void call_on_failed(struct link *l, const struct fault *why)
{
	struct http_call *c = call_of(l);

	if (!c->over)
		call_fail(c, why);
}

static void call_on_alarmed(struct link *l)
{
	call_fail(call_of(l), &(struct fault){-ETIMEDOUT, "no answer came in time"});
}

void http_call_expect(struct http_call *c, uint64_t ms)
{
	if (!c->over)
		link_alarm(&c->link, ms);
}

void http_call_hold(struct http_call *c)
{
	c->held = true;
	if (link_is_connected(&c->link))
		stream_pause(&c->link.stream);
}

void http_call_proceed(struct http_call *c)
{
	if (!c->held)
		return;
	c->held = false;
	if (!link_is_connected(&c->link))
		return;
	link_feed(&c->link);
	call_on_received(&c->link, BYTES_NULL); /* the end may be all that is left */
	if (link_is_connected(&c->link) && !c->held)
		stream_resume(&c->link.stream);
}

int http_call_trailer(const struct http_call *c, const char *name)
{
	struct http_lines lines = {.rest = buffer_bytes(&c->trailers)};
	struct http_fields fields = {0};
	uint64_t number;

	if (!lines.rest.len || http_lines_fields(&lines, &fields).status)
		return -1;
	struct bytes value = http_fields_get_only(&fields, name);
	return http_parse_number(value, &number) == 0 && number <= INT_MAX ? (int)number : -1;
}

/* ---- life ---- */

static const struct link_handler call_link_handler = {
	.connected = call_on_connected,
	.received = call_on_received,
	.ended = call_on_ended,
	.writable = call_on_writable,
	.failed = call_on_failed,
	.alarmed = call_on_alarmed,
};

int http_call_init(struct http_call *c, struct loop *l, const struct address *a,
	struct trust *trust, const struct http_call_handler *handler)
{
	*c = HTTP_CALL_NULL;
	c->address = a;
	c->handler = handler;
	ending_init(&c->sending, call_on_sending);
	return link_init(&c->link, l, trust, &call_link_handler);
}

void http_call_break(struct http_call *c)
{
	if (!c->handler)
		return;
	c->over = true;
	c->kept = false;
	ending_cancel(&c->sending);
	link_close(&c->link);
}

void http_call_check(struct http_call *c)
{
	uint8_t byte;

	if (!c->over || !link_is_connected(&c->link))
		return;
	ssize_t n = sys_recv(c->link.stream.source.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n == 0 || (n < 0 && n != -EAGAIN))
		http_call_break(c);
}

void http_call_deinit(struct http_call *c)
{
	http_call_break(c);
	link_deinit(&c->link);
	buffer_deinit(&c->out);
	buffer_deinit(&c->trailers);
}

void http_call_begin(
	struct http_call *c, struct http_writer *w, enum http_method method, struct bytes target)
{
	if (!c->over || !c->kept)
		http_call_break(c);
	if (c->held && link_is_connected(&c->link))
		stream_resume(&c->link.stream);
	c->held = false;
	c->given = -1;
	c->chunk = 0;
	c->number++;
	buffer_consume(&c->out, buffer_len(&c->out));
	buffer_consume(&c->trailers, buffer_len(&c->trailers));
	http_answer_init(&c->answer, method, UINT64_MAX);
	request_begin_at(w, &c->out, c->address, &c->link, method, target);
}

/* A request without content says so only where its method leads to expect some (RFC 9110 section
 * 8.6). */
static void call_write_framing(struct http_call *c, struct http_writer *w, uint64_t length)
{
	enum http_method method = c->answer.method;

	c->left = length;
	c->chunked = length == HTTP_LENGTH_UNKNOWN;
	if (c->chunked)
		http_writer_text(w, "Transfer-Encoding", "chunked");
	else if (length || method == HTTP_POST || method == HTTP_PUT || method == HTTP_PATCH)
		http_writer_number(w, "Content-Length", length);
}

int http_call_start(
	struct http_call *c, struct http_writer *w, uint64_t length, uint64_t timeout_ms)
{
	call_write_framing(c, w, length);
	c->reused = link_is_connected(&c->link);
	c->heard = c->kept = c->opened = c->last = false;
	int r = http_writer_end(w);
	if (r == 0 && !c->reused)
		r = link_dial(&c->link, c->address, timeout_ms);
	if (r < 0)
		return r;
	c->over = false;
	if (c->reused)
		ending_ask(c->link.loop, &c->sending);
	return 0;
}
