/*
 * Whatever happens to the disk or the process: what was acknowledged is there once, what was not is
 * there at most once, and a repeat with the same key settles it.
 */

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "base/fault.h"
#include "faulty_vfs.h"
#include "hub/store_sqlite.h"
#include "test.h"
#include "test_file.h"

enum { MESSAGES = 1500, KILLS = 20, ON_THE_WAY = 20 };

struct sender;

struct item {
	struct ticket ticket;
	struct sender *sender;
	int number;
	uint64_t id; /* when it was acknowledged */
};

struct sender {
	struct test_file *file;
	struct store *store;
	struct store_listener listener;
	sem_t woken;
	uint64_t accepted_id;
	int failures;
	int told; /* pipe on which acknowledged numbers go, or -1 */
	struct item items[MESSAGES];
};

static void on_wake(void *data)
{
	sem_post(data);
}

static void on_accepted(struct store_listener *l, const struct message *m)
{
	struct sender *s = container_of(l, struct sender, listener);

	assert_true(m->id > s->accepted_id);
	s->accepted_id = m->id;
}

static void on_settled(struct ticket *t, int result, uint64_t id)
{
	struct item *item = container_of(t, struct item, ticket);
	struct sender *s = item->sender;

	if (result < 0) {
		s->failures++;
		return;
	}
	assert_true(id > 0);
	assert_true(!item->id || item->id == id);
	item->id = id;
	if (s->told >= 0 && write(s->told, &item->number, sizeof(int)) != sizeof(int))
		_exit(1);
}

static void send_item(struct sender *s, struct item *item)
{
	char body[20];
	struct publish p = {
		.message = {.topic = BYTES_LITERAL("lobby"), .from = BYTES_LITERAL("me")},
		.ticket = &item->ticket,
	};

	snprintf(body, sizeof(body), "%d", item->number);
	p.message.body = p.key = bytes_text(body);
	assert_int_equal(store_append(s->store, &p), 0);
}

static void wait_and_poll(struct sender *s)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	assert_int_equal(sem_timedwait(&s->woken, &until), 0);
	while (store_poll(s->store, 1000))
		;
}

/* Publishes what is not acknowledged, some at a time, until all is. */
static void send_all(struct sender *s)
{
	for (bool all = false; !all;) {
		all = true;
		for (int i = 0; i < MESSAGES; i++) {
			struct item *item = &s->items[i];
			if (item->id)
				continue;
			all = false;
			send_item(s, item);
			if (rand() % 10 == 0 || s->store->state.pending == ON_THE_WAY)
				store_commit(s->store);
			while (s->store->state.pending >= ON_THE_WAY)
				wait_and_poll(s);
		}
		store_commit(s->store);
		while (s->store->state.pending)
			wait_and_poll(s);
	}
}

static void sender_init(struct sender *s, struct test_file *file, int told)
{
	s->file = file;
	s->told = told;
	s->listener.accepted = on_accepted;
	sem_init(&s->woken, 0, 0);
	for (int i = 0; i < MESSAGES; i++) {
		s->items[i].ticket.settled = on_settled;
		s->items[i].sender = s;
		s->items[i].number = i;
	}
}

static void open_store(struct sender *s)
{
	struct store_sqlite_options options = {.wake = on_wake, .data = &s->woken};
	struct fault why = FAULT_NULL;

	if (store_sqlite_open(&s->store, s->file->path, &options, &why) < 0)
		fail_msg("%s", why.text);
	s->store->listener = &s->listener;
	assert_true(s->store->state.last_id >= s->accepted_id);
}

/* All messages, each once, in the order of their ids; those acknowledged under the id told. */
static void check(const struct sender *s, const int *acknowledged)
{
	sqlite3 *db;
	sqlite3_stmt *rows;
	static int seen[MESSAGES];
	int64_t last_seq = 0;

	memset(seen, 0, sizeof(seen));
	assert_int_equal(sqlite3_open(s->file->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
				 "SELECT id, seq, CAST(body AS TEXT) FROM messages ORDER BY id", -1,
				 &rows, NULL),
		SQLITE_OK);
	while (sqlite3_step(rows) == SQLITE_ROW) {
		int number = atoi((const char *)sqlite3_column_text(rows, 2));
		assert_int_equal(sqlite3_column_int64(rows, 1), ++last_seq);
		assert_true(number >= 0 && number < MESSAGES);
		assert_int_equal(seen[number]++, 0);
		if (s->items[number].id)
			assert_int_equal(sqlite3_column_int64(rows, 0), s->items[number].id);
	}
	sqlite3_finalize(rows);
	sqlite3_close(db);
	for (int i = 0; i < MESSAGES; i++)
		assert_true(seen[i] || !(acknowledged ? acknowledged[i] : s->items[i].id != 0));
}

static void run_with_faults(enum faulty_kind kind, int one_in)
{
	struct test_file file;
	struct sender *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	srand((unsigned)one_in);
	test_file_init(&file);
	sender_init(s, &file, -1);
	open_store(s);
	faulty_one_in = one_in;
	faulty_kind = kind;
	send_all(s);
	assert_true(s->failures > 0);
	assert_true(s->store->state.failed == (uint64_t)s->failures);
	faulty_kind = FAULTY_NONE;
	check(s, NULL);
	store_free(s->store);
	check(s, NULL);
	open_store(s);
	assert_int_equal(s->store->state.messages, MESSAGES);
	store_free(s->store);
	sem_destroy(&s->woken);
	test_file_deinit(&file);
	free(s);
}

static void a_full_disk_loses_nothing(void **state)
{
	for (int one_in = 10; one_in < 100; one_in += 25)
		run_with_faults(FAULTY_FULL, one_in);
}

static void a_failing_disk_loses_nothing(void **state)
{
	for (int one_in = 10; one_in < 100; one_in += 25)
		run_with_faults(FAULTY_ERROR, one_in);
}

static void a_disk_that_fails_for_good_is_said_so(void **state)
{
	struct test_file file;
	struct sender *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	test_file_init(&file);
	sender_init(s, &file, -1);
	open_store(s);
	faulty_one_in = 1;
	faulty_kind = FAULTY_FULL;
	send_item(s, &s->items[0]);
	store_commit(s->store);
	while (s->store->state.pending)
		wait_and_poll(s);
	assert_int_equal(s->failures, 1);
	assert_int_equal(s->store->state.error, -ENOSPC);
	faulty_kind = FAULTY_ERROR;
	send_item(s, &s->items[0]);
	store_commit(s->store);
	while (s->store->state.pending)
		wait_and_poll(s);
	assert_int_equal(s->store->state.error, -EIO);
	faulty_kind = FAULTY_NONE;
	send_item(s, &s->items[0]);
	store_commit(s->store);
	while (s->store->state.pending)
		wait_and_poll(s);
	assert_int_equal(s->store->state.error, 0);
	assert_int_equal(s->items[0].id, 1);
	store_free(s->store);
	sem_destroy(&s->woken);
	test_file_deinit(&file);
	free(s);
}

/* The child publishes what is not acknowledged yet, until it is killed or through. */
static void child(struct test_file *file, const int *acknowledged, int told)
{
	struct sender *s = calloc(1, sizeof(*s));

	if (!s)
		_exit(1);
	sender_init(s, file, told);
	for (int i = 0; i < MESSAGES; i++)
		s->items[i].id = acknowledged[i] ? UINT64_MAX : 0;
	open_store(s);
	send_all(s);
	store_free(s->store);
	_exit(0);
}

/* Kills the child after some more have been acknowledged; those counted too that still come. */
static void run_and_kill(struct test_file *file, int *acknowledged)
{
	int fds[2];
	int number;
	int most = 1 + rand() % (2 * MESSAGES / KILLS);

	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		child(file, acknowledged, fds[1]);
	close(fds[1]);
	while (read(fds[0], &number, sizeof(number)) == sizeof(number)) {
		acknowledged[number] = 1;
		if (!--most)
			kill(pid, SIGKILL);
	}
	close(fds[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_kill_loses_nothing(void **state)
{
	struct test_file file;
	static int acknowledged[MESSAGES];
	struct sender *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	srand(5);
	test_file_init(&file);
	sender_init(s, &file, -1);
	for (int i = 0; i < KILLS; i++) {
		run_and_kill(&file, acknowledged);
		open_store(s);
		store_free(s->store);
		check(s, acknowledged);
	}
	sem_destroy(&s->woken);
	test_file_deinit(&file);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_disk_loses_nothing),
		cmocka_unit_test(a_failing_disk_loses_nothing),
		cmocka_unit_test(a_disk_that_fails_for_good_is_said_so),
		cmocka_unit_test(a_kill_loses_nothing),
	};

	faulty_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
