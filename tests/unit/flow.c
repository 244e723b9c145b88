#include "relay/flow.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

/* A crossing without a relay: two legs, the peers of both in the test's hand. */
struct joint {
	struct loop loop;
	struct leg from;
	struct leg to;
	struct flow flow;
	int source; /* writes what the flow reads */
	int sink;   /* reads what the flow writes */
	int ready;  /* calls */
};

static struct joint *joint_of_the_loop; /* a leg has no room for its owner's data */

static void on_ready(struct leg *l)
{
	joint_of_the_loop->ready++;
}

static int open_leg(struct joint *j, struct leg *l, int type)
{
	struct channel channel = CHANNEL_NULL;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	channel_init(&channel, fds[0], NULL);
	assert_int_equal(leg_init(l, &j->loop, &channel, on_ready), 0);
	channel_deinit(&channel);
	return fds[1];
}

static struct joint *joint_new(int from_type, int to_type)
{
	struct joint *j = calloc(1, sizeof(*j));

	joint_of_the_loop = j;
	assert_int_equal(loop_init(&j->loop), 0);
	j->source = open_leg(j, &j->from, from_type);
	j->sink = open_leg(j, &j->to, to_type);
	flow_init(&j->flow, &j->from, &j->to);
	return j;
}

static void joint_free(struct joint *j)
{
	flow_deinit(&j->flow);
	leg_deinit(&j->from, false);
	leg_deinit(&j->to, false);
	close(j->source);
	close(j->sink);
	loop_deinit(&j->loop);
	free(j);
}

/* One turn of the loop, then the flow. */
static int joint_turn(struct joint *j)
{
	while (loop_turn(&j->loop, false), !j->ready)
		;
	j->ready = 0;
	return flow_run(&j->flow);
}

static struct bytes joint_read(struct joint *j, char *to, size_t cap)
{
	ssize_t n = read(j->sink, to, cap);

	return bytes_of(to, n < 0 ? 0 : (size_t)n);
}

static void copies_and_ends(void **state)
{
	struct joint *j = joint_new(SOCK_STREAM, SOCK_STREAM);
	char got[16];

	assert_int_equal(write(j->source, "hello", 5), 5);
	assert_int_equal(joint_turn(j), FLOW_MOVED);
	assert_true(bytes_equal(joint_read(j, got, sizeof(got)), bytes_text("hello")));
	assert_int_equal(flow_run(&j->flow), FLOW_NOTHING);
	shutdown(j->source, SHUT_WR);
	while (!j->flow.over)
		joint_turn(j);
	assert_false(j->flow.cut);
	assert_int_equal(read(j->sink, got, sizeof(got)), 0);
	assert_int_equal(j->flow.bytes, 5);
	joint_free(j);
}

/* What the other side does not take is held, one block at most; then nothing more is read. */
static void holds_a_block_and_reads_no_more(void **state)
{
	struct joint *j = joint_new(SOCK_STREAM, SOCK_STREAM);
	static char block[1 << 16];
	size_t sent = 0;
	size_t got = 0;

	memset(block, 'x', sizeof(block));
	for (ssize_t n; (n = write(j->source, block, sizeof(block))) > 0; sent += (size_t)n)
		joint_turn(j);
	while (!flow_is_stuck(&j->flow))
		joint_turn(j);
	assert_true(buffer_len(&j->flow.held) <= 256 * 1024);
	uint64_t before = j->flow.bytes;
	assert_int_equal(flow_run(&j->flow), FLOW_NOTHING);
	assert_int_equal(j->flow.bytes, before);
	shutdown(j->source, SHUT_WR);
	for (ssize_t n = 1; n;) {
		n = read(j->sink, block, sizeof(block));
		if (n > 0)
			got += (size_t)n;
		else if (n < 0)
			loop_turn(&j->loop, false), flow_run(&j->flow);
	}
	assert_int_equal(got, sent);
	joint_free(j);
}

static void goes_over_to_splice_for_bulk(void **state)
{
	struct joint *j = joint_new(SOCK_STREAM, SOCK_STREAM);
	static char block[1 << 18];
	static char in[1 << 18];
	size_t got = 0;
	size_t sent = 0;

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (char)(i * 31 + (i >> 8));
	fcntl(j->sink, F_SETFL, O_NONBLOCK);
	while (got < 16 * sizeof(block)) {
		size_t at = sent % sizeof(block);
		if (sent < 16 * sizeof(block)) {
			ssize_t n = write(j->source, block + at, sizeof(block) - at);
			sent += n > 0 ? (size_t)n : 0;
		}
		loop_turn(&j->loop, false);
		assert_true(flow_run(&j->flow) > 0);
		at = got % sizeof(block);
		ssize_t n = read(j->sink, in, sizeof(in) - at);
		if (n <= 0)
			continue;
		assert_memory_equal(in, block + at, (size_t)n);
		got += (size_t)n;
	}
	assert_true(j->flow.pipe[0] >= 0);
	assert_int_equal(j->flow.bytes, sent);
	joint_free(j);
}

static void keeps_packets_apart(void **state)
{
	struct joint *j = joint_new(SOCK_SEQPACKET, SOCK_SEQPACKET);
	char got[16];

	assert_int_equal(send(j->source, "one", 3, 0), 3);
	assert_int_equal(send(j->source, "three", 5, 0), 5);
	joint_turn(j);
	assert_true(bytes_equal(joint_read(j, got, sizeof(got)), bytes_text("one")));
	assert_true(bytes_equal(joint_read(j, got, sizeof(got)), bytes_text("three")));
	joint_free(j);
}

/* A PROXY header goes before what the side that came has sent. */
static void what_is_prepended_goes_first(void **state)
{
	struct joint *j = joint_new(SOCK_STREAM, SOCK_STREAM);
	char got[16];

	assert_int_equal(write(j->source, "body", 4), 4);
	assert_int_equal(flow_prepend(&j->flow, bytes_text("head ")), 0);
	size_t len = 0;
	while (len < 9) {
		joint_turn(j);
		ssize_t n = read(j->sink, got + len, sizeof(got) - len);
		len += n > 0 ? (size_t)n : 0;
	}
	assert_memory_equal(got, "head body", 9);
	joint_free(j);
}

/* That the other side reads no more ends this flow and is no error of reading. */
static void is_cut_when_nobody_reads(void **state)
{
	struct joint *j = joint_new(SOCK_STREAM, SOCK_STREAM);

	shutdown(j->sink, SHUT_RD);
	assert_int_equal(write(j->source, "lost", 4), 4);
	while (!j->flow.over)
		assert_int_equal(joint_turn(j), FLOW_MOVED);
	assert_true(j->flow.cut);
	assert_int_equal(j->to.error, -EPIPE);
	joint_free(j);
}

struct seen {
	struct flow_watch watch;
	struct buffer bytes;
};

static void on_passed(struct flow_watch *w, struct flow *f, struct bytes data)
{
	buffer_append(&container_of(w, struct seen, watch)->bytes, data.data, data.len);
}

static void shows_what_passes(void **state)
{
	struct joint *j = joint_new(SOCK_STREAM, SOCK_STREAM);
	struct seen seen = {.watch = {on_passed}};

	j->flow.watch = &seen.watch;
	assert_int_equal(write(j->source, "look", 4), 4);
	joint_turn(j);
	assert_true(bytes_equal(buffer_bytes(&seen.bytes), bytes_text("look")));
	buffer_deinit(&seen.bytes);
	joint_free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_and_ends),
		cmocka_unit_test(holds_a_block_and_reads_no_more),
		cmocka_unit_test(goes_over_to_splice_for_bulk),
		cmocka_unit_test(keeps_packets_apart),
		cmocka_unit_test(what_is_prepended_goes_first),
		cmocka_unit_test(is_cut_when_nobody_reads),
		cmocka_unit_test(shows_what_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
