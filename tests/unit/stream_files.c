/* Open files along with bytes, between two streams. */

#include "net/stream_files.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>

#include "test.h"

struct side {
	struct stream stream;
	struct buffer got;
	int file; /* taken with the bytes, or -1 */
	bool takes;
};

struct world {
	struct loop loop;
	struct side here, there;
};

static void on_received(struct stream *s, struct bytes data)
{
	struct side *side = container_of(s, struct side, stream);

	buffer_append(&side->got, data.data, data.len);
	if (side->takes)
		side->file = stream_take_file(s);
	else
		stream_drop_file(s);
}

static void on_nothing(struct stream *s)
{
}

static void on_failed(struct stream *s, int error)
{
	fail_msg("%s", strerror(-error));
}

static const struct stream_handler handler = {on_received, on_nothing, on_nothing, on_failed};

static void open_side(struct world *w, struct side *side, int fd)
{
	side->file = -1;
	assert_int_equal(stream_init(&side->stream, &w->loop, fd, &handler), 0);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	int fds[2];

	if (loop_init(&w->loop) < 0 ||
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		return -1;
	open_side(w, &w->here, fds[0]);
	open_side(w, &w->there, fds[1]);
	*state = w;
	return stream_pass_files(&w->here.stream, NULL) < 0 ||
	       stream_pass_files(&w->there.stream, NULL) < 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	stream_deinit(&w->here.stream);
	stream_deinit(&w->there.stream);
	buffer_deinit(&w->here.got);
	buffer_deinit(&w->there.got);
	loop_deinit(&w->loop);
	free(w);
	return 0;
}

static int some_file(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void turn_until(struct world *w, size_t bytes)
{
	while (buffer_len(&w->there.got) < bytes)
		loop_turn(&w->loop, true);
}

static void assert_closed(int read_end)
{
	char data;

	assert_int_equal(read(read_end, &data, 1), 0);
}

static void a_file_comes_with_its_bytes(void **state)
{
	struct world *w = *state;

	w->there.takes = true;
	assert_int_equal(stream_give_file(&w->here.stream, some_file()), 0);
	assert_int_equal(stream_write(&w->here.stream, "file", 4), 0);
	turn_until(w, 4);
	assert_true(w->there.file >= 0);
	assert_true(fcntl(w->there.file, F_GETFD) & FD_CLOEXEC);
	close(w->there.file);
	assert_int_equal(stream_write(&w->here.stream, "none", 4), 0);
	turn_until(w, 8);
	assert_int_equal(w->there.file, -1);
}

static void one_that_is_not_wanted_is_closed(void **state)
{
	struct world *w = *state;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(stream_give_file(&w->here.stream, fds[1]), 0);
	assert_int_equal(stream_write(&w->here.stream, "file", 4), 0);
	turn_until(w, 4);
	assert_closed(fds[0]);
	close(fds[0]);
}

/* However many come at once, and in however many messages. */
static void at_most_one_is_held(void **state)
{
	struct world *w = *state;
	union {
		struct cmsghdr head;
		uint8_t room[CMSG_SPACE(5 * sizeof(int))];
	} rights = {.head = {CMSG_LEN(5 * sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct iovec iov = {"many", 4};
	struct msghdr msg = {NULL, 0, &iov, 1, &rights, sizeof(rights), 0};
	int fds[2], all[5];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	for (size_t i = 0; i < 5; i++)
		all[i] = fds[1];
	memcpy(CMSG_DATA(&rights.head), all, sizeof(all));
	for (int i = 0; i < 3; i++)
		assert_int_equal(sendmsg(w->here.stream.source.fd, &msg, 0), 4);
	close(fds[1]);
	turn_until(w, 12);
	stream_drop_file(&w->there.stream);
	assert_closed(fds[0]);
	close(fds[0]);
}

static void nothing_is_given_behind_what_waits(void **state)
{
	struct world *w = *state;
	static char data[64 * 1024];
	int fd = some_file();

	stream_pause(&w->there.stream);
	while (!stream_is_blocked(&w->here.stream))
		assert_int_equal(stream_write(&w->here.stream, data, sizeof(data)), 0);
	assert_int_equal(stream_give_file(&w->here.stream, fd), -EAGAIN);
	close(fd);
}

static void only_unix_streams_pass_files(void **state)
{
	struct world *w = *state;
	struct side other = {.file = -1};
	int fds[2], fd = some_file();

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	open_side(w, &other, fds[0]);
	assert_int_equal(stream_pass_files(&other.stream, NULL), -EOPNOTSUPP);
	assert_int_equal(stream_give_file(&other.stream, fd), -EOPNOTSUPP);
	assert_int_equal(stream_take_file(&other.stream), -1);
	stream_deinit(&other.stream);
	close(fds[1]);
	close(fd);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_file_comes_with_its_bytes),
		IN_WORLD(one_that_is_not_wanted_is_closed),
		IN_WORLD(at_most_one_is_held),
		IN_WORLD(nothing_is_given_behind_what_waits),
		IN_WORLD(only_unix_streams_pass_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
