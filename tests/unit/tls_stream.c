#include "net/tls_stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

#include "tls_pair.h"

/* Two streams at the ends of a socket pair, both in one loop. */
struct end {
	struct stream stream;
	struct buffer got;
	int ended, writable, error;
	struct fault why;
};

struct world {
	struct loop loop;
	struct tls_keys keys;
	struct tls_context *server, *client;
	struct tls_setup trusting;
	struct end a, b; /* the client, the server */
};

static struct end *end_of(struct stream *s)
{
	return container_of(s, struct end, stream);
}

static void on_received(struct stream *s, struct bytes data)
{
	buffer_append(&end_of(s)->got, data.data, data.len);
}

static void on_ended(struct stream *s)
{
	end_of(s)->ended++;
}

static void on_writable(struct stream *s)
{
	end_of(s)->writable++;
}

static void on_failed(struct stream *s, int error)
{
	end_of(s)->error = stream_fault(s, error, "broken", &end_of(s)->why);
	stream_deinit(s);
}

static const struct stream_handler handler = {on_received, on_ended, on_writable, on_failed};

static void world_open(struct world *w)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(stream_init(&w->a.stream, &w->loop, fds[0], &handler), 0);
	assert_int_equal(stream_init(&w->b.stream, &w->loop, fds[1], &handler), 0);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_int_equal(loop_init(&w->loop), 0);
	tls_keys_init(&w->keys);
	w->server = tls_context_of(TLS_SERVER, &w->keys, (struct tls_options){0});
	w->client = tls_context_of(TLS_CLIENT, NULL, (struct tls_options){0});
	w->trusting = (struct tls_setup){.check = check_pin, .check_arg = &w->keys.pin};
	world_open(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	stream_deinit(&w->a.stream);
	stream_deinit(&w->b.stream);
	buffer_deinit(&w->a.got);
	buffer_deinit(&w->b.got);
	tls_context_unref(w->server);
	tls_context_unref(w->client);
	tls_keys_deinit(&w->keys);
	loop_deinit(&w->loop);
	free(w);
	return 0;
}

static void world_start(struct world *w)
{
	static const struct tls_setup nothing = {0};

	assert_int_equal(tls_stream_start(&w->a.stream, w->client, &w->trusting, BYTES_NULL), 0);
	assert_int_equal(tls_stream_start(&w->b.stream, w->server, &nothing, BYTES_NULL), 0);
}

static void turn_until(struct world *w, const int *what)
{
	while (!*what)
		loop_turn(&w->loop, true);
}

static void turn_until_got(struct world *w, const struct end *e, size_t len)
{
	while (buffer_len(&e->got) < len)
		loop_turn(&w->loop, true);
}

static void writable_says_that_it_is_established(void **state)
{
	struct world *w = *state;

	world_start(w);
	assert_true(stream_is_blocked(&w->a.stream));
	assert_false(tls_is_established(tls_stream_session(&w->a.stream)));
	turn_until(w, &w->a.writable);
	assert_true(tls_is_established(tls_stream_session(&w->a.stream)));
	turn_until(w, &w->b.writable);
	assert_int_equal(w->a.writable, 1);
	assert_int_equal(w->b.writable, 1);
}

static void what_is_written_before_waits(void **state)
{
	struct world *w = *state;

	world_start(w);
	assert_int_equal(stream_write(&w->a.stream, "hello", 5), 0);
	assert_int_equal(stream_write(&w->b.stream, "welcome", 7), 0);
	turn_until_got(w, &w->b, 5);
	turn_until_got(w, &w->a, 7);
	assert_memory_equal(buffer_bytes(&w->b.got).data, "hello", 5);
	assert_memory_equal(buffer_bytes(&w->a.got).data, "welcome", 7);
}

static void directions_end_by_themselves(void **state)
{
	struct world *w = *state;

	world_start(w);
	stream_write(&w->a.stream, "question", 8);
	stream_end(&w->a.stream);
	turn_until(w, &w->b.ended);
	assert_int_equal(buffer_len(&w->b.got), 8);
	stream_write(&w->b.stream, "answer", 6);
	stream_end(&w->b.stream);
	turn_until(w, &w->a.ended);
	assert_int_equal(buffer_len(&w->a.got), 6);
	assert_int_equal(w->a.error | w->b.error, 0);
}

static void a_close_with_nothing_left_is_an_end(void **state)
{
	struct world *w = *state;

	world_start(w);
	turn_until(w, &w->b.writable);
	stream_write(&w->b.stream, "last", 4);
	stream_deinit(&w->b.stream);
	turn_until(w, &w->a.ended);
	assert_int_equal(buffer_len(&w->a.got), 4);
}

/* What the server's socket gets is cut off by closing it under TLS's feet. */
static void an_end_without_close_notify_is_an_error(void **state)
{
	struct world *w = *state;

	world_start(w);
	turn_until(w, &w->a.writable);
	assert_int_equal(stream_write(&w->a.stream, "half", 4), 0);
	turn_until_got(w, &w->b, 4);
	shutdown(w->a.stream.source.fd, SHUT_RDWR);
	turn_until(w, &w->b.error);
	assert_int_equal(w->b.error, -ECONNRESET);
	assert_int_equal(w->b.ended, 0);
	assert_int_equal(buffer_len(&w->b.got), 4);
	assert_string_equal(
		w->b.why.text, "broken: it was cut off: TLS did not end before the connection did");
}

static void bulk_arrives_whole_and_in_order(void **state)
{
	enum { BULK = 20 * 1000 * 1000 };
	struct world *w = *state;
	uint8_t *data = malloc(BULK);

	for (size_t i = 0; i < BULK; i++)
		data[i] = (uint8_t)(i * 2654435761U >> 24);
	world_start(w);
	w->a.stream.limit = UINT32_MAX;
	assert_int_equal(stream_write(&w->a.stream, data, BULK), 0);
	turn_until_got(w, &w->b, BULK);
	assert_memory_equal(buffer_bytes(&w->b.got).data, data, BULK);
	free(data);
}

static void an_offer_takes_what_goes_and_keeps_the_rest(void **state)
{
	struct world *w = *state;
	static uint8_t data[3000000];
	size_t sent = 0, offered = 0;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i % 251);
	world_start(w);
	turn_until(w, &w->a.writable);
	while (sent < sizeof(data)) {
		/* many small pieces, as a tape gives them */
		struct iovec iov[50];
		for (size_t i = 0; i < 50; i++)
			iov[i] = (struct iovec){data + sent + i * 1000, 1000};
		ssize_t n = stream_offer(&w->a.stream, iov, 50);
		assert_true(n >= 0);
		sent += (size_t)n;
		offered++;
		while (stream_is_blocked(&w->a.stream))
			loop_turn(&w->loop, true);
		if (sizeof(data) - sent < 50000 && sent < sizeof(data)) {
			assert_int_equal(
				stream_write(&w->a.stream, data + sent, sizeof(data) - sent), 0);
			sent = sizeof(data);
		}
	}
	assert_int_equal(stream_queued(&w->b.stream), 0);
	turn_until_got(w, &w->b, sizeof(data));
	assert_memory_equal(buffer_bytes(&w->b.got).data, data, sizeof(data));
	assert_true(offered > 10);
}

/* All that is written in a turn, and the end behind it, are one call. */
static void a_turn_is_written_when_it_ends(void **state)
{
	struct world *w = *state;
	char peeked[200];

	world_start(w);
	turn_until(w, &w->a.writable);
	turn_until(w, &w->b.writable);
	loop_turn(&w->loop, false);
	for (int i = 0; i < 10; i++)
		assert_int_equal(stream_write(&w->a.stream, "little", 6), 0);
	int fd = w->b.stream.source.fd;
	assert_int_equal(recv(fd, peeked, sizeof(peeked), MSG_PEEK | MSG_DONTWAIT), -1);
	stream_end(&w->a.stream);
	turn_until(w, &w->b.ended);
	assert_int_equal(buffer_len(&w->b.got), 60);
}

/* An error is told, even if it is the turn's end that finds it. */
static void a_peer_that_is_gone_is_told(void **state)
{
	struct world *w = *state;

	world_start(w);
	turn_until(w, &w->a.writable);
	turn_until(w, &w->b.writable);
	stream_pause(&w->a.stream);
	shutdown(w->a.stream.source.fd, SHUT_WR);
	assert_int_equal(stream_write(&w->a.stream, "lost", 4), 0);
	turn_until(w, &w->a.error);
	assert_int_equal(w->a.error, -EPIPE);
}

static void refused_by_the_check(void **state)
{
	struct world *w = *state;
	struct pin other = {{1}};

	w->trusting.check_arg = &other;
	world_start(w);
	turn_until(w, &w->a.error);
	assert_int_equal(w->a.error, -EACCES);
	assert_string_equal(w->a.why.text, "broken: another key");
	turn_until(w, &w->b.error);
	assert_int_equal(w->b.error, -EACCES);
}

static void refused_as_nobody_vouches_for_it(void **state)
{
	struct world *w = *state;

	w->trusting = (struct tls_setup){.host = "localhost"};
	world_start(w);
	turn_until(w, &w->a.error);
	assert_int_equal(w->a.error, -EACCES);
	assert_string_equal(w->a.why.text, "broken: its certificate is signed by itself");
}

static void what_is_no_tls_is_told(void **state)
{
	static const struct tls_setup nothing = {0};
	struct world *w = *state;

	stream_write(&w->a.stream, "GET / HTTP/1.1\r\n\r\n", 18);
	assert_int_equal(tls_stream_start(&w->b.stream, w->server, &nothing, BYTES_NULL), 0);
	turn_until(w, &w->b.error);
	assert_int_equal(w->b.error, -EPROTO);
	assert_string_equal(w->b.why.text, "broken: it does not speak TLS");
}

static void a_peer_that_leaves_in_the_handshake_is_told(void **state)
{
	struct world *w = *state;

	assert_int_equal(tls_stream_start(&w->a.stream, w->client, &w->trusting, BYTES_NULL), 0);
	stream_deinit(&w->b.stream);
	turn_until(w, &w->a.error);
	assert_int_equal(w->a.error, -ECONNRESET);
}

/* The door has read the first bytes before it knows what they are. */
struct door {
	struct end *end;
	struct tls_context *context;
	size_t taken;
};

static struct door door;

static void door_received(struct stream *s, struct bytes data)
{
	static const struct tls_setup nothing = {0};

	if (tls_stream_session(s)) {
		on_received(s, data);
		return;
	}
	door.taken = data.len;
	assert_int_equal(tls_stream_start(s, door.context, &nothing, data), 0);
}

static void begins_behind_what_was_read(void **state)
{
	static const struct stream_handler at_door = {
		door_received, on_ended, on_writable, on_failed};
	struct world *w = *state;

	door = (struct door){&w->b, w->server, 0};
	w->b.stream.handler = &at_door;
	assert_int_equal(tls_stream_start(&w->a.stream, w->client, &w->trusting, BYTES_NULL), 0);
	stream_write(&w->a.stream, "hello", 5);
	turn_until_got(w, &w->b, 5);
	assert_true(door.taken > 100);
}

/* Closed from within its own callbacks, a stream must not touch what is gone. */
static void deinit_on_writable(struct stream *s)
{
	end_of(s)->writable++;
	stream_deinit(s);
}

static void may_be_closed_from_its_callbacks(void **state)
{
	static const struct stream_handler closing = {
		on_received, on_ended, deinit_on_writable, on_failed};
	struct world *w = *state;

	w->b.stream.handler = &closing;
	world_start(w);
	turn_until(w, &w->b.writable);
	turn_until(w, &w->a.ended);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(writable_says_that_it_is_established),
		T(what_is_written_before_waits),
		T(directions_end_by_themselves),
		T(a_close_with_nothing_left_is_an_end),
		T(an_end_without_close_notify_is_an_error),
		T(bulk_arrives_whole_and_in_order),
		T(an_offer_takes_what_goes_and_keeps_the_rest),
		T(a_turn_is_written_when_it_ends),
		T(a_peer_that_is_gone_is_told),
		T(refused_by_the_check),
		T(refused_as_nobody_vouches_for_it),
		T(what_is_no_tls_is_told),
		T(a_peer_that_leaves_in_the_handshake_is_told),
		T(begins_behind_what_was_read),
		T(may_be_closed_from_its_callbacks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
