#include "server/connection.h"

#include "base/cleanup.h"
#include "net/stream_files.h"
#include "server/door.h"
#include "server/files.h"
#include "server/login.h"
#include "server/server.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>

/* With its name of some 20 bytes and malloc's header this is what an idle client costs. */
static_assert(sizeof(struct connection) <= 400, "an idle connection must stay within 512 bytes");

/* FAREWELL_LEAST: what one who is reading has read in the time of a farewell, 500 bytes a second.
 */
enum { PUMP_VECTORS = 64, OUT_KEPT = 256 * 1024, FAREWELL_LEAST = 2500 };

static struct connection *connection_of(struct stream *s)
{
	return container_of(s, struct connection, stream);
}

static void connection_finish(struct connection *c);

/* ---- answers ---- */

static int connection_keep_answers(struct connection *c, struct bytes text)
{
	if (!c->answers)
		c->answers = calloc(1, sizeof(*c->answers));
	if (!c->answers)
		return -ENOMEM;
	if (buffer_len(c->answers) + text.len > c->stream.limit)
		return -ENOBUFS;
	return buffer_append(c->answers, text.data, text.len);
}

static void connection_flush(struct connection *c)
{
	struct server *s = c->server;
	struct bytes text = buffer_bytes(&s->out);
	int r;

	if (s->writer != c)
		return;
	s->writer = NULL;
	if (c->cut || c->answers)
		r = connection_keep_answers(c, text);
	else
		r = stream_write(&c->stream, text.data, text.len);
	if (s->out.cap > OUT_KEPT)
		buffer_deinit(&s->out);
	else
		buffer_consume(&s->out, text.len);
	if (r < 0)
		connection_close(c);
}

/* What was written and is on its way to nobody. */
static void connection_unwrite(const struct connection *c)
{
	struct server *s = c->server;

	if (s->writer != c)
		return;
	s->writer = NULL;
	buffer_consume(&s->out, buffer_len(&s->out));
}

struct buffer *connection_out(struct connection *c)
{
	struct server *s = c->server;

	if (s->writer && s->writer != c)
		connection_flush(s->writer);
	s->writer = c;
	return &s->out;
}

void connection_wrote(struct connection *c)
{
	if (c->lazy)
		ending_ask(c->server->loop, &c->server->turn_end);
	else if (!c->feeding)
		connection_flush(c);
}

void connection_flush_last(struct server *s)
{
	if (s->writer)
		connection_flush(s->writer);
}

/* ---- in ---- */

/* Gives DATA to the protocol as long as it takes some and asks for no pause; what is left over. */
static struct bytes connection_feed(struct connection *c, struct bytes data)
{
	c->feeding = true;
	while (data.len && stream_is_open(&c->stream) && !c->holding && !c->leaving) {
		const struct protocol *p = c->protocol;
		size_t taken = p->received(c, data);
		data = bytes_of(data.data + taken, data.len - taken);
		if (!taken && p == c->protocol)
			break;
	}
	c->feeding = false;
	connection_flush(c);
	return data;
}

static void connection_feed_held(struct connection *c)
{
	struct bytes left = connection_feed(c, buffer_bytes(&c->held));

	if (!left.len && stream_is_open(&c->stream))
		buffer_deinit(&c->held);
	else
		buffer_consume(&c->held, buffer_len(&c->held) - left.len);
}

/* What was left over is kept in front of what comes next. */
static void connection_take(struct connection *c, struct bytes data)
{
	bool fresh = !buffer_len(&c->held);

	if (fresh)
		data = connection_feed(c, data);
	if (!data.len || !stream_is_open(&c->stream) || c->leaving)
		return;
	if (buffer_append(&c->held, data.data, data.len) < 0)
		connection_close(c);
	else if (!fresh)
		connection_feed_held(c);
}

static void connection_on_received(struct stream *s, struct bytes data)
{
	struct connection *c = connection_of(s);
	struct server *server = c->server;

	if (c->leaving)
		return;
	deadline_set(&server->idle, &c->idle);
	connection_take(c, data);
	if (!buffer_len(&c->held))
		stream_drop_file(s); /* it came with what was no request for it */
	if (hub_brimming(server->hub))
		hub_flush(server->hub);
}

void connection_rested(struct connection *c)
{
	if (c->protocol->rested)
		c->protocol->rested(c);
	connection_feed_held(c);
}

static void connection_on_ended(struct stream *s)
{
	struct connection *c = connection_of(s);

	c->ended = true;
	if (c->leaving)
		connection_finish(c);
	else if (!c->holding)
		c->protocol->ended(c);
}

void connection_hold(struct connection *c)
{
	c->holding = true;
	stream_pause(&c->stream);
}

void connection_await_store(struct connection *c)
{
	connection_hold(c);
	stream_wait(&c->stream);
	list_unlink(&c->waiting);
	list_push(&c->server->held, &c->waiting);
}

void connection_proceed(struct connection *c)
{
	list_unlink(&c->waiting);
	c->holding = false;
	if (!c->feeding)
		connection_feed_held(c);
	if (!stream_is_open(&c->stream) || c->holding)
		return;
	stream_resume(&c->stream);
	if (c->ended && !c->feeding)
		c->protocol->ended(c);
}

void connection_speak(struct connection *c, const struct protocol *p)
{
	c->protocol = p;
}

void connection_known_as(struct connection *c, uint64_t origin)
{
	c->origin = origin;
	cursor_leave_out(&c->cursor, origin);
}

int connection_publish(struct connection *c, struct publish *p)
{
	if (!access_check(c, ACCESS_WRITE, p->message.topic))
		return -EACCES;
	if (!c->cursor.origin)
		cursor_leave_out(&c->cursor, c->origin);
	p->message.origin = c->origin;
	allowance_count(c, 1, p->message.body.len);
	allowance_holds(c);
	return server_publish(c->server, p);
}

/* ---- out ---- */

static void connection_finish(struct connection *c)
{
	if (!c->leaving || stream_is_blocked(&c->stream) || c->answers)
		return;
	if (c->cursor.tape && !cursor_up_to_date(&c->cursor))
		return;
	if (c->ended)
		connection_close(c);
	else
		stream_end(&c->stream); /* a close now could destroy what the client has not read */
}

/* One who reads no more may still have said something: reading finds the end. A client that closes
 * without having read everything resets the connection, with its last words before that. */
static void connection_is_deaf(struct connection *c)
{
	if (c->ended || c->leaving)
		connection_close(c);
	else
		cursor_deinit(&c->cursor);
}

/* Offers what comes next; false when there is nothing, or the kernel takes no more. */
static bool connection_offer(struct connection *c)
{
	struct iovec iov[PUMP_VECTORS];
	size_t len = 0;

	if (c->final && !c->cut)
		cursor_deinit(&c->cursor);
	if (!c->cursor.tape)
		return false;
	/* An answer waits for the end of this message, a packet holds one. */
	bool one = c->answers || c->stream.packets;
	size_t count = one ? cursor_next_message(&c->cursor, iov)
			   : cursor_next(&c->cursor, iov, PUMP_VECTORS);
	if (!count)
		return false;
	for (size_t i = 0; i < count; i++)
		len += iov[i].iov_len;
	ssize_t n = stream_offer(&c->stream, iov, (int)count);
	if (n == -EMSGSIZE)
		n = (ssize_t)len; /* no packet of this socket holds it */
	if (n < 0) {
		connection_is_deaf(c);
		return false;
	}
	if (n) {
		deadline_set(&c->server->idle, &c->idle);
		c->stuck = false;
	}
	c->cut = (size_t)n < len;
	cursor_advance(&c->cursor, (size_t)n);
	return !c->cut;
}

static void connection_write_answers(struct connection *c)
{
	struct buffer *answers = take(c->answers);
	struct bytes text = buffer_bytes(answers);

	if (stream_write(&c->stream, text.data, text.len) < 0)
		connection_close(c);
	buffer_deinit(answers);
	free(answers);
}

void connection_pump(struct connection *c)
{
	connection_flush(c); /* what was answered before comes before */
	while (stream_is_open(&c->stream) && !stream_is_blocked(&c->stream)) {
		if (c->answers && !c->cut)
			connection_write_answers(c);
		else if (!connection_offer(c))
			break;
	}
	if (trouble_reading(&c->server->trouble, c->peer, cursor_error(&c->cursor)))
		connection_close(c);
	else if (c->polls && !stream_is_blocked(&c->stream) && cursor_up_to_date(&c->cursor))
		c->protocol->caught_up(c);
	connection_finish(c);
}

ssize_t connection_offer_file(struct connection *c, int fd, uint64_t at, size_t len)
{
	connection_flush(c);
	ssize_t n = stream_offer_file(&c->stream, fd, at, len);
	if (n > 0)
		deadline_set(&c->server->idle, &c->idle);
	return n;
}

static void connection_on_cursor(struct cursor *cursor)
{
	connection_pump(container_of(cursor, struct connection, cursor));
}

static void connection_on_writable(struct stream *s)
{
	struct connection *c = connection_of(s);

	if (c->protocol->writable)
		c->protocol->writable(c);
	connection_pump(c);
	connection_finish(c);
}

void connection_write(struct connection *c, const void *data, size_t len)
{
	if (buffer_append(connection_out(c), data, len) < 0)
		connection_close(c);
	else
		connection_wrote(c);
}

int connection_subscribe(struct connection *c, struct bytes topic, const struct tape_format *format,
	struct since since)
{
	int r = hub_subscribe(c->server->hub, topic, format, since, &c->cursor);
	if (r == 0)
		connection_pump(c);
	return r;
}

/* ---- life ---- */

static void connection_on_failed(struct stream *s, int error)
{
	struct connection *c = connection_of(s);

	tls_door_tell_lost(c, error);
	if (c->protocol->lost && !c->leaving)
		c->protocol->lost(c);
	connection_close(c);
}

static const struct stream_handler connection_handler = {
	.received = connection_on_received,
	.ended = connection_on_ended,
	.writable = connection_on_writable,
	.failed = connection_on_failed,
};

struct connection *connection_free(struct connection *c)
{
	if (!c)
		return NULL;
	if (c->protocol && c->protocol->closed)
		c->protocol->closed(c);
	connection_unwrite(c); /* others may have answered it since it was closed */
	buffer_deinit(&c->held);
	if (c->answers)
		buffer_deinit(c->answers);
	free(c->answers);
	child_free(c->child);
	free(c);
	return NULL;
}

static int connection_open_stream(struct connection *c, struct channel *channel)
{
	struct loop *l = c->server->loop;
	int in = take_fd(&channel->in), out = channel->out;

	c->child = take(channel->child);
	channel->out = -1;
	if (in != out)
		return stream_init_pair(&c->stream, l, in, out, &connection_handler);
	int r = stream_init(&c->stream, l, in, &connection_handler);
	if (r == 0 && c->server->files)
		r = stream_pass_files(&c->stream, &c->server->files->discard.dropper);
	return r == -EOPNOTSUPP ? 0 : r;
}

/* Where it is counted. */
static size_t *connection_count(const struct connection *c)
{
	struct server_counters *counters = &c->server->counters;

	return c->refused ? &counters->refusing : &counters->clients;
}

struct connection *connection_new(
	struct server *s, const struct entrance *e, struct channel *channel)
{
	size_t name = strlen(channel->name) + 1;
	struct connection *c = calloc(1, sizeof(*c) + name);

	if (!c)
		return NULL;
	memcpy(c->peer, channel->name, name);
	c->server = s;
	c->entrance = e;
	c->base = c->who = admission_of(e, channel->in);
	c->barred = admission_bars(e, channel->in, &channel->peer);
	c->origin = ++s->next_origin;
	list_init(&c->waiting);
	deadline_init(&c->idle);
	deadline_init(&c->rest);
	cursor_init(&c->cursor, connection_on_cursor);
	if (connection_open_stream(c, channel) < 0)
		return connection_free(c);
	list_push(&s->connections, &c->node);
	allowance_take_in(c, &channel->peer);
	(*connection_count(c))++;
	deadline_set(&s->idle, &c->idle);
	if (s->watcher.opened)
		s->watcher.opened(s->watcher.data, c->peer);
	door_open(c);
	return c;
}

void connection_leave(struct connection *c)
{
	if (!stream_is_open(&c->stream) || c->leaving)
		return;
	c->leaving = true;
	c->holding = false;
	list_unlink(&c->waiting);
	stream_resume(&c->stream);
	deadline_set(&c->server->farewell, &c->rest);
	connection_pump(c);
	connection_finish(c);
	c->stuck = true;
	c->unread = (uint32_t)connection_unread(c);
}

uint64_t connection_unread(const struct connection *c)
{
	int sent = 0;

	if (!c->stream.is_socket || ioctl(c->stream.source.fd, SIOCOUTQ, &sent) < 0)
		return 0;
	return stream_queued(&c->stream) + (uint64_t)sent;
}

void connection_farewell(struct connection *c)
{
	uint32_t before = c->unread;

	c->unread = (uint32_t)connection_unread(c);
	bool reads = !c->stuck || c->unread + FAREWELL_LEAST <= before;
	c->stuck = true;
	if (reads && (stream_is_blocked(&c->stream) || c->answers))
		deadline_set(&c->server->farewell, &c->rest);
	else
		connection_close(c);
}

void connection_close(struct connection *c)
{
	struct server *s = c->server;

	if (!stream_is_open(&c->stream))
		return;
	connection_unwrite(c);
	stream_deinit(&c->stream);
	cursor_deinit(&c->cursor);
	deadline_clear(&c->idle);
	deadline_clear(&c->rest);
	list_unlink(&c->waiting);
	list_unlink(&c->node);
	list_push(&s->closed, &c->node);
	ending_ask(s->loop, &s->turn_end);
	(*connection_count(c))--;
	allowance_let_go(c);
	if (s->watcher.closed)
		s->watcher.closed(s->watcher.data, c->peer);
}
