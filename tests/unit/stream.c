#include "net/stream.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>

#include "test.h"

/* One end is the stream under test, the other a bare descriptor. */
struct end {
	struct loop loop;
	struct stream stream;
	struct buffer got;
	int peer;
	int blocks, ended, writable, error;
};

static struct end *end_of(struct stream *s)
{
	return container_of(s, struct end, stream);
}

static void on_received(struct stream *s, struct bytes data)
{
	end_of(s)->blocks++;
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
	end_of(s)->error = error;
	stream_deinit(s);
}

static const struct stream_handler handler = {on_received, on_ended, on_writable, on_failed};

static struct end *end_new(int type)
{
	struct end *e = calloc(1, sizeof(*e));
	int fds[2];

	assert_int_equal(loop_init(&e->loop), 0);
	assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0);
	e->peer = fds[1];
	assert_int_equal(stream_init(&e->stream, &e->loop, fds[0], &handler), 0);
	return e;
}

static void end_free(struct end *e)
{
	stream_deinit(&e->stream);
	if (e->peer >= 0)
		close(e->peer);
	buffer_deinit(&e->got);
	loop_deinit(&e->loop);
	free(e);
}

static void turn_until(struct end *e, const int *what, int value)
{
	while (*what != value)
		loop_turn(&e->loop, true);
}

static void reads_and_ends(void **state)
{
	struct end *e = end_new(SOCK_STREAM);

	assert_int_equal(write(e->peer, "hello", 5), 5);
	turn_until(e, &e->blocks, 1);
	shutdown(e->peer, SHUT_WR);
	turn_until(e, &e->ended, 1);
	assert_true(bytes_equal(buffer_bytes(&e->got), bytes_text("hello")));
	/* the other direction goes on */
	char text[8] = "";
	assert_int_equal(stream_write(&e->stream, "answer", 6), 0);
	assert_int_equal(read(e->peer, text, sizeof(text)), 6);
	stream_end(&e->stream);
	assert_int_equal(read(e->peer, text, sizeof(text)), 0);
	assert_int_equal(stream_write(&e->stream, "x", 1), -EPIPE);
	end_free(e);
}

static void queue_is_bounded_and_drains_in_order(void **state)
{
	struct end *e = end_new(SOCK_STREAM);
	uint8_t block[10000], back[10000];
	size_t sent = 0, got = 0;
	int r;

	e->stream.limit = 300000;
	for (;;) {
		for (size_t i = 0; i < sizeof(block); i++)
			block[i] = (uint8_t)((sent + i) % 251);
		r = stream_write(&e->stream, block, sizeof(block));
		if (r < 0)
			break;
		sent += sizeof(block);
	}
	assert_int_equal(r, -ENOBUFS);
	assert_true(stream_queued(&e->stream) <= 300000);
	stream_end(&e->stream);
	assert_int_equal(fcntl(e->peer, F_SETFL, O_NONBLOCK), 0);
	for (;;) {
		ssize_t n = read(e->peer, back, sizeof(back));
		if (n == 0)
			break;
		if (n < 0) {
			loop_turn(&e->loop, true);
			continue;
		}
		for (ssize_t i = 0; i < n; i++)
			assert_int_equal(back[i], (got + (size_t)i) % 251);
		got += (size_t)n;
	}
	assert_int_equal(got, sent);
	assert_int_equal(e->error, 0);
	end_free(e);
}

static void offers_only_what_fits(void **state)
{
	struct end *e = end_new(SOCK_STREAM);
	static uint8_t block[1 << 20];
	struct iovec iov = {block, sizeof(block)};

	ssize_t n = stream_offer(&e->stream, &iov, 1);
	assert_true(n > 0 && n < (ssize_t)sizeof(block));
	assert_int_equal(stream_offer(&e->stream, &iov, 1), 0);
	assert_int_equal(stream_queued(&e->stream), 0);
	size_t left = (size_t)n;
	while (left)
		left -= (size_t)read(e->peer, block, left);
	turn_until(e, &e->writable, 1);
	end_free(e);
}

/* A file of LEN bytes that no one else sees. */
static int file_new(size_t len)
{
	FILE *f = tmpfile();

	for (size_t i = 0; i < len; i++)
		assert_true(fputc((int)(i % 251), f) >= 0);
	assert_int_equal(fflush(f), 0);
	int fd = dup(fileno(f));
	fclose(f);
	return fd;
}

static void offers_files_of(int flags)
{
	enum { SIZE = 1000000, FROM = 1000 };
	struct end *e = end_new(SOCK_STREAM | flags);
	int fd = file_new(SIZE);
	uint8_t back[65536];
	size_t sent = FROM, got = FROM;

	assert_int_equal(fcntl(e->peer, F_SETFL, O_NONBLOCK), 0);
	while (got < SIZE) {
		while (sent < SIZE) {
			ssize_t n = stream_offer_file(&e->stream, fd, sent, SIZE - sent);
			assert_true(n >= 0);
			if (n == 0)
				break;
			sent += (size_t)n;
		}
		ssize_t n = read(e->peer, back, sizeof(back));
		for (ssize_t i = 0; i < n; i++)
			assert_int_equal(back[i], (got + (size_t)i) % 251);
		got += n > 0 ? (size_t)n : 0;
		loop_turn(&e->loop, false);
	}
	assert_int_equal(stream_offer_file(&e->stream, fd, SIZE, 1), -ENODATA);
	assert_true(e->writable > 0);
	close(fd);
	end_free(e);
}

static void offers_files(void **state)
{
	offers_files_of(SOCK_NONBLOCK);
}

static void offers_files_where_sendfile_would_block(void **state)
{
	offers_files_of(0);
}

static void pauses(void **state)
{
	struct end *e = end_new(SOCK_STREAM);

	stream_pause(&e->stream);
	assert_int_equal(write(e->peer, "x", 1), 1);
	loop_turn(&e->loop, true);
	loop_turn(&e->loop, false);
	assert_int_equal(e->blocks, 0);
	stream_resume(&e->stream);
	turn_until(e, &e->blocks, 1);
	end_free(e);
}

static void keeps_packets_apart(void **state)
{
	struct end *e = end_new(SOCK_SEQPACKET);
	struct iovec two[2] = {{"abc", 3}, {"defg", 4}};
	char text[8];

	assert_int_equal(write(e->peer, "one", 3), 3);
	assert_int_equal(write(e->peer, "two", 3), 3);
	turn_until(e, &e->blocks, 2);
	assert_int_equal(stream_offer(&e->stream, two, 2), 7);
	assert_int_equal(read(e->peer, text, sizeof(text)), 3);
	assert_int_equal(read(e->peer, text, sizeof(text)), 4);
	assert_int_equal(stream_writev(&e->stream, two, 2), 0);
	assert_int_equal(read(e->peer, text, sizeof(text)), 7);
	end_free(e);
}

static void packets_wait_whole(void **state)
{
	struct end *e = end_new(SOCK_SEQPACKET);
	uint8_t packet[5000], back[8000];
	int sent = 0, got = 0;

	while (stream_queued(&e->stream) < 100000) {
		memset(packet, sent, sizeof(packet));
		assert_int_equal(stream_write(&e->stream, packet, 4000 + (size_t)sent), 0);
		sent++;
	}
	stream_end(&e->stream);
	assert_int_equal(fcntl(e->peer, F_SETFL, O_NONBLOCK), 0);
	for (;;) {
		ssize_t n = read(e->peer, back, sizeof(back));
		if (n == 0)
			break;
		if (n < 0) {
			loop_turn(&e->loop, true);
			continue;
		}
		assert_int_equal(n, 4000 + got);
		assert_int_equal(back[n - 1], got & 255);
		got++;
	}
	assert_int_equal(got, sent);
	end_free(e);
}

static void a_peer_that_vanishes_is_told_once(void **state)
{
	struct end *e = end_new(SOCK_STREAM);

	assert_int_equal(write(e->peer, "unread", 6), 6);
	turn_until(e, &e->blocks, 1);
	assert_int_equal(stream_write(&e->stream, "unread", 6), 0);
	close(e->peer); /* with unread bytes: the other side sees a reset */
	e->peer = -1;
	turn_until(e, &e->error, -ECONNRESET);
	assert_int_equal(e->ended, 0);
	assert_false(stream_is_open(&e->stream));
	end_free(e);
}

static void reads_a_file_to_its_end(void **state)
{
	struct end *e = calloc(1, sizeof(*e));
	cleanup(cleanup_close) int own = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	off_t size = lseek(own, 0, SEEK_END);

	e->peer = -1;
	assert_int_equal(loop_init(&e->loop), 0);
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_int_equal(stream_init(&e->stream, &e->loop, fd, &handler), 0);
	turn_until(e, &e->ended, 1);
	assert_int_equal(buffer_len(&e->got), size);
	end_free(e);
}

/* A peer that closes with something unread resets, on Unix sockets as on TCP. */
static struct end *end_with_a_reset(void (*before)(struct stream *s))
{
	struct end *e = end_new(SOCK_STREAM);
	static uint8_t block[1 << 20];
	struct iovec iov = {block, sizeof(block)};

	if (before)
		before(&e->stream);
	assert_true(stream_offer(&e->stream, &iov, 1) < (ssize_t)sizeof(block));
	assert_int_equal(stream_write(&e->stream, "queued", 6), 0);
	assert_int_equal(write(e->peer, "hello", 5), 5);
	close(e->peer);
	e->peer = -1;
	for (int i = 0; i < 3; i++)
		loop_turn(&e->loop, false);
	return e;
}

static void what_came_before_a_reset_is_read(void **state)
{
	struct end *e = end_with_a_reset(NULL);

	assert_true(bytes_equal(buffer_bytes(&e->got), bytes_text("hello")));
	assert_true(e->error < 0);
	end_free(e);
}

static void who_waits_reads_what_came_before_a_reset(void **state)
{
	struct end *e = end_with_a_reset(stream_wait);

	assert_int_equal(buffer_len(&e->got), 0);
	assert_int_equal(e->error, 0);
	stream_resume(&e->stream);
	while (!e->error)
		loop_turn(&e->loop, true);
	assert_true(bytes_equal(buffer_bytes(&e->got), bytes_text("hello")));
	end_free(e);
}

static void who_is_paused_is_told_of_a_reset(void **state)
{
	struct end *e = end_with_a_reset(stream_pause);

	assert_true(e->error < 0);
	end_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_came_before_a_reset_is_read),
		cmocka_unit_test(who_waits_reads_what_came_before_a_reset),
		cmocka_unit_test(who_is_paused_is_told_of_a_reset),
		cmocka_unit_test(reads_and_ends),
		cmocka_unit_test(queue_is_bounded_and_drains_in_order),
		cmocka_unit_test(offers_only_what_fits),
		cmocka_unit_test(offers_files),
		cmocka_unit_test(offers_files_where_sendfile_would_block),
		cmocka_unit_test(pauses),
		cmocka_unit_test(keeps_packets_apart),
		cmocka_unit_test(packets_wait_whole),
		cmocka_unit_test(a_peer_that_vanishes_is_told_once),
		cmocka_unit_test(reads_a_file_to_its_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
