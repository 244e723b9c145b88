#include "net/tls.h"

#include <errno.h>
#include <openssl/opensslconf.h>
#include <stdio.h>

#include "test.h"

#include "tls_pair.h"

/* A session over two queues in memory. What is read comes at most CUT bytes at a time, and no more
 * is written than there is ROOM for. */
struct side {
	struct tls *tls;
	struct buffer *in, *out;
	size_t cut, room;
	size_t reads, writes;
	bool over; /* nothing comes behind what is in `in` */
	struct buffer got;
	ssize_t end; /* what the last read gave */
	/* Of a kernel that would encrypt, but leaves all as it is: */
	int answer; /* what it says when it is given keys */
	unsigned asked;
	struct tls_crypto_info keys;
	uint8_t type;	       /* of the last record that is no data, */
	struct buffer records; /* and all of these */
};

struct world {
	struct tls_keys keys;
	struct tls_context *server, *client;
	struct buffer up, down; /* to the server, to the client */
	struct side a, b;	/* the client, the server */
};

static ssize_t side_read(void *arg, void *to, size_t len)
{
	struct side *s = arg;
	struct bytes from = buffer_bytes(s->in);
	size_t n = s->cut < len ? s->cut : len;

	s->reads++;
	if (!from.len)
		return s->over ? 0 : -EAGAIN;
	if (n > from.len)
		n = from.len;
	memcpy(to, from.data, n);
	buffer_consume(s->in, n);
	return (ssize_t)n;
}

static ssize_t side_write(void *arg, const struct iovec *iov, int count)
{
	struct side *s = arg;
	size_t n = s->room < iov->iov_len ? s->room : iov->iov_len;

	s->writes++;
	if (!n)
		return -EAGAIN;
	s->room -= n;
	assert_int_equal(buffer_append(s->out, iov->iov_base, n), 0);
	return (ssize_t)n;
}

static const struct tls_below below = {.read = side_read, .write = side_write};

static int side_take_keys(void *arg, const struct tls_crypto_info *keys)
{
	struct side *s = arg;

	s->asked++;
	s->keys = *keys;
	return s->answer;
}

static ssize_t side_send_record(void *arg, uint8_t type, const void *data, size_t len)
{
	struct side *s = arg;

	s->type = type;
	assert_int_equal(buffer_append(&s->records, data, len), 0);
	return (ssize_t)len;
}

static const struct tls_below above_kernel = {
	side_read, side_write, side_take_keys, side_send_record};

static void side_open_above(struct side *s, struct tls_context *c, const struct tls_setup *setup,
	struct bytes already, const struct tls_below *b)
{
	s->cut = SIZE_MAX;
	s->room = SIZE_MAX;
	assert_int_equal(tls_new(&s->tls, c, setup, b, s, already), 0);
}

static void side_open(
	struct side *s, struct tls_context *c, const struct tls_setup *setup, struct bytes already)
{
	side_open_above(s, c, setup, already, &below);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	tls_keys_init(&w->keys);
	w->server = tls_context_of(TLS_SERVER, &w->keys, (struct tls_options){0});
	w->client = tls_context_of(TLS_CLIENT, NULL, (struct tls_options){0});
	w->a.in = w->b.out = &w->down;
	w->a.out = w->b.in = &w->up;
	*state = w;
	return 0;
}

static void world_close(struct world *w)
{
	w->a.tls = tls_free(w->a.tls);
	w->b.tls = tls_free(w->b.tls);
	buffer_deinit(&w->a.got);
	buffer_deinit(&w->b.got);
	buffer_deinit(&w->b.records);
	buffer_deinit(&w->up);
	buffer_deinit(&w->down);
	w->a.over = w->b.over = false;
}

static int teardown(void **state)
{
	struct world *w = *state;

	world_close(w);
	tls_context_unref(w->server);
	tls_context_unref(w->client);
	tls_keys_deinit(&w->keys);
	free(w);
	return 0;
}

static void world_open(struct world *w)
{
	static const struct tls_setup anyone = {0};
	const struct tls_setup pinned = {.check = check_pin, .check_arg = &w->keys.pin};

	side_open(&w->a, w->client, &pinned, BYTES_NULL);
	side_open(&w->b, w->server, &anyone, BYTES_NULL);
}

static void side_turn(struct side *s)
{
	uint8_t block[50000];

	while ((s->end = tls_read(s->tls, block, sizeof(block))) > 0)
		buffer_append(&s->got, block, (size_t)s->end);
	tls_flush(s->tls);
}

static void world_establish(struct world *w)
{
	while (!tls_is_established(w->a.tls) || !tls_is_established(w->b.tls)) {
		side_turn(&w->a);
		side_turn(&w->b);
	}
	side_turn(&w->a); /* the ticket */
}

static void fill(uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * 2654435761U >> 24);
}

static void side_say(struct side *s, const void *data, size_t len)
{
	struct iovec iov = {(void *)data, len};

	assert_int_equal(tls_write(s->tls, &iov, 1), len);
	assert_int_equal(tls_flush(s->tls), 0);
}

static void any_cut_of_the_bytes(void **state)
{
	static const size_t cuts[] = {1, 2, 3, 5, 6, 17, 1000, 16389, 65536};
	static uint8_t data[40000];
	struct world *w = *state;

	fill(data, sizeof(data));
	for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
		world_open(w);
		w->a.cut = w->b.cut = cuts[i];
		world_establish(w);
		side_say(&w->a, data, sizeof(data));
		side_say(&w->b, data, 100);
		assert_int_equal(tls_end(w->a.tls), 0);
		side_turn(&w->b);
		side_turn(&w->a);
		assert_int_equal(w->b.end, 0);
		assert_int_equal(w->a.end, -EAGAIN);
		assert_int_equal(buffer_len(&w->b.got), sizeof(data));
		assert_memory_equal(buffer_bytes(&w->b.got).data, data, sizeof(data));
		assert_memory_equal(buffer_bytes(&w->a.got).data, data, 100);
		world_close(w);
	}
}

/* What is written leaves as there is room, a byte at a time if need be, and in order. */
static void any_room_for_the_bytes(void **state)
{
	static uint8_t data[3000];
	struct world *w = *state;
	struct iovec iov = {data, sizeof(data)};

	fill(data, sizeof(data));
	world_open(w);
	world_establish(w);
	w->a.room = 0;
	assert_int_equal(tls_write(w->a.tls, &iov, 1), sizeof(data));
	assert_false(tls_owes(w->a.tls));
	assert_int_equal(tls_flush(w->a.tls), -EAGAIN);
	assert_true(tls_owes(w->a.tls));
	assert_int_equal(tls_write(w->a.tls, &iov, 1), -EAGAIN);
	assert_int_equal(tls_end(w->a.tls), -EAGAIN);
	while (tls_owes(w->a.tls)) {
		w->a.room = 1;
		int r = tls_end(w->a.tls);
		assert_int_equal(r, tls_owes(w->a.tls) ? -EAGAIN : 0);
		side_turn(&w->b);
	}
	assert_int_equal(w->b.end, 0);
	assert_int_equal(buffer_len(&w->b.got), sizeof(data));
	assert_memory_equal(buffer_bytes(&w->b.got).data, data, sizeof(data));
}

static void nothing_goes_before_the_handshake(void **state)
{
	struct world *w = *state;
	struct iovec iov = {"x", 1};

	world_open(w);
	assert_int_equal(tls_write(w->a.tls, &iov, 1), -EAGAIN);
	assert_int_equal(tls_flush(w->a.tls), 0);
	assert_int_equal(tls_end(w->a.tls), -EAGAIN);
	assert_int_equal(buffer_len(&w->up), 0);
	world_establish(w);
	assert_int_equal(tls_write(w->a.tls, &iov, 1), 1);
}

/* Wherever the connection is cut, that is an error, and what came before is right. */
static void a_cut_is_never_an_end(void **state)
{
	struct world *w = *state;

	for (size_t at = 0;; at++) {
		world_open(w);
		world_establish(w);
		side_say(&w->b, "all that is said", 16);
		tls_end(w->b.tls);
		if (at >= buffer_len(&w->down))
			break;
		w->down.end = w->down.start + at;
		w->a.over = true;
		side_turn(&w->a);
		assert_int_equal(w->a.end, -ECONNRESET);
		assert_int_equal(tls_fault(w->a.tls)->error, -ECONNRESET);
		size_t len = buffer_len(&w->a.got);
		assert_true(len == 0 || len == 16);
		world_close(w);
	}
	side_turn(&w->a);
	assert_int_equal(w->a.end, 0);
}

static void a_cut_in_the_handshake_is_an_error(void **state)
{
	struct world *w = *state;

	for (size_t at = 0;; at++) {
		world_open(w);
		side_turn(&w->a);
		if (at == buffer_len(&w->up))
			break;
		w->up.end = w->up.start + at;
		w->b.over = true;
		side_turn(&w->b);
		assert_int_equal(w->b.end, -ECONNRESET);
		world_close(w);
	}
}

/* No byte on its way can be changed without notice. */
static void what_was_changed_is_never_handed_out(void **state)
{
	struct world *w = *state;

	for (size_t at = 0;; at++) {
		world_open(w);
		world_establish(w);
		side_say(&w->b, "all that is said", 16);
		if (at == buffer_len(&w->down))
			break;
		w->down.data[w->down.start + at] ^= 0x40;
		side_turn(&w->a);
		assert_int_equal(buffer_len(&w->a.got), 0);
		assert_true(w->a.end == -EPROTO || w->a.end == -EAGAIN);
		world_close(w);
	}
}

static void what_was_read_already_goes_in_front(void **state)
{
	static const struct tls_setup anyone = {0};
	const struct tls_setup pinned = {
		.check = check_pin, .check_arg = &((struct world *)*state)->keys.pin};
	struct world *w = *state;

	side_open(&w->a, w->client, &pinned, BYTES_NULL);
	side_turn(&w->a);
	for (size_t n = 0; n <= buffer_len(&w->up); n += 50) {
		struct buffer rest = BUFFER_NULL, all = w->up;
		buffer_append(&rest, buffer_bytes(&all).data + n, buffer_len(&all) - n);
		w->b.in = &rest;
		side_open(&w->b, w->server, &anyone, bytes_of(buffer_bytes(&all).data, n));
		side_turn(&w->b);
		assert_int_equal(w->b.end, -EAGAIN);
		assert_true(buffer_len(&w->down) > 500);
		w->b.tls = tls_free(w->b.tls);
		buffer_consume(&w->down, buffer_len(&w->down));
		buffer_deinit(&rest);
	}
	w->b.in = &w->up;
}

/* Many records are one write, even of several calls, and few reads. */
static void records_share_calls(void **state)
{
	static uint8_t data[100000];
	struct world *w = *state;
	struct iovec iov[1000];

	for (size_t i = 0; i < 1000; i++)
		iov[i] = (struct iovec){data + i * 100, 100};
	world_open(w);
	world_establish(w);
	w->a.writes = w->b.reads = 0;
	assert_int_equal(tls_write(w->a.tls, iov, 500), sizeof(data) / 2);
	assert_int_equal(tls_write(w->a.tls, iov + 500, 500), sizeof(data) / 2);
	assert_int_equal(w->a.writes, 0);
	assert_int_equal(tls_flush(w->a.tls), 0);
	assert_int_equal(w->a.writes, 1);
	assert_true(buffer_len(&w->up) < sizeof(data) + 7 * 64);
	side_turn(&w->b);
	assert_true(w->b.reads <= 3);
	assert_int_equal(buffer_len(&w->b.got), sizeof(data));
}

struct seen {
	unsigned calls;
	bool has_certificate;
	char doubt[TLS_DOUBT_SIZE];
};

static int look(void *arg, const struct tls_peer *peer, struct fault *why)
{
	struct seen *seen = arg;

	seen->calls++;
	seen->has_certificate = peer->has_certificate;
	memcpy(seen->doubt, peer->doubt, TLS_DOUBT_SIZE);
	return 0;
}

static void the_check_sees_whom_it_is_about(void **state)
{
	struct world *w = *state;
	struct seen server = {0}, client = {0};
	const struct tls_setup looking = {.host = "localhost", .check = look, .check_arg = &server};
	const struct tls_setup asking = {.check = look, .check_arg = &client};

	tls_context_unref(w->server);
	w->server = tls_context_of(TLS_SERVER, &w->keys, (struct tls_options){.ask_client = true});
	for (int with_key = 0; with_key < 2; with_key++) {
		tls_context_unref(w->client);
		w->client = tls_context_of(
			TLS_CLIENT, with_key ? &w->keys : NULL, (struct tls_options){0});
		side_open(&w->a, w->client, &looking, BYTES_NULL);
		side_open(&w->b, w->server, &asking, BYTES_NULL);
		world_establish(w);
		assert_int_equal(client.has_certificate, with_key);
		world_close(w);
	}
	assert_int_equal(server.calls, 2);
	assert_int_equal(client.calls, 2);
	assert_string_equal(server.doubt, "its certificate is signed by itself");
}

static void world_open_above_kernel(struct world *w)
{
	static const struct tls_setup anyone = {0};
	const struct tls_setup pinned = {.check = check_pin, .check_arg = &w->keys.pin};

	side_open(&w->a, w->client, &pinned, BYTES_NULL);
	side_open_above(&w->b, w->server, &anyone, BYTES_NULL, &above_kernel);
	while (!tls_is_established(w->a.tls) || !tls_is_established(w->b.tls)) {
		side_turn(&w->a);
		side_turn(&w->b);
	}
#ifdef OPENSSL_NO_KTLS
	skip();
#endif
}

/* Its ticket, its data and its end, in the clear, and each by the way that it has to go. */
static void the_kernel_encrypts_once_it_has_the_keys(void **state)
{
	struct world *w = *state;

	world_open_above_kernel(w);
	assert_true(tls_is_in_kernel(w->b.tls));
	assert_false(tls_is_in_kernel(w->a.tls));
	assert_int_equal(w->b.keys.version, TLS_1_3_VERSION);
	assert_int_equal(w->b.keys.cipher_type, TLS_CIPHER_AES_GCM_256);
	assert_int_equal(w->b.type, 22);
	assert_int_equal(*buffer_bytes(&w->b.records).data, 4);
	assert_int_equal(buffer_len(&w->down), 0);
	side_say(&w->b, "data", 4);
	assert_memory_equal(buffer_bytes(&w->down).data, "data", 4);
	buffer_consume(&w->b.records, buffer_len(&w->b.records));
	assert_int_equal(tls_end(w->b.tls), 0);
	assert_int_equal(w->b.type, 21);
	assert_memory_equal(buffer_bytes(&w->b.records).data, "\1\0", 2);
	assert_int_equal(buffer_len(&w->down), 4);
	side_say(&w->a, "heard", 5);
	side_turn(&w->b);
	assert_memory_equal(buffer_bytes(&w->b.got).data, "heard", 5);
}

/* One that has no TLS is asked once; one that has none of this kind, for each session. */
static void a_kernel_that_cannot_is_not_missed(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 4; i++) {
		w->b.answer = i < 2 ? -EOPNOTSUPP : -ENOENT;
		world_open_above_kernel(w);
		assert_int_equal(w->b.asked, i < 3 ? i + 1 : 3);
		assert_false(tls_is_in_kernel(w->b.tls));
		side_say(&w->b, "data", 4);
		side_turn(&w->a);
		assert_memory_equal(buffer_bytes(&w->a.got).data, "data", 4);
		assert_int_equal(buffer_len(&w->b.records), 0);
		world_close(w);
	}
}

static void files_that_hold_no_key(void **state)
{
	struct tls_context *c;
	struct fault why = {0};
	const struct tls_options missing = {.cert_file = "/nowhere/cert.pem"};
	const struct tls_options none = {.cert_file = "/dev/null"};
	const struct tls_options nobody = {.ca_file = "/dev/null"};

	assert_int_equal(tls_context_new(&c, TLS_SERVER, &missing, &why), -ENOENT);
	assert_string_equal(why.text, "cannot read /nowhere/cert.pem: No such file or directory");
	assert_int_equal(tls_context_new(&c, TLS_SERVER, &none, &why), -EINVAL);
	assert_non_null(strstr(why.text, "/dev/null: holds no certificate"));
	assert_int_equal(tls_context_new(&c, TLS_CLIENT, &nobody, &why), -EINVAL);
	assert_null(c);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(any_cut_of_the_bytes),
		T(any_room_for_the_bytes),
		T(nothing_goes_before_the_handshake),
		T(a_cut_is_never_an_end),
		T(a_cut_in_the_handshake_is_an_error),
		T(what_was_changed_is_never_handed_out),
		T(what_was_read_already_goes_in_front),
		T(records_share_calls),
		T(the_check_sees_whom_it_is_about),
		T(the_kernel_encrypts_once_it_has_the_keys),
		T(a_kernel_that_cannot_is_not_missed),
		cmocka_unit_test(files_that_hold_no_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
