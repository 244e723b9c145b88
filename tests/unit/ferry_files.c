/* ferry.h: files put at a hub and fetched from there. */

#include <fcntl.h>
#include <ftw.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "ferry_world.h"

enum { SIZE = 300 * 1000 };

static char data[SIZE];

struct told {
	struct ferry *ferry;
	unsigned count;
	int answer;
	int nested; /* what a call from within gave */
	uint64_t bytes;
	uint64_t total;
};

static int on_progress(void *to, uint64_t bytes, uint64_t total)
{
	struct told *t = to;

	t->count++;
	t->nested = ferry_put(t->ferry, "unix:nobody", "a", -1, NULL);
	t->bytes = bytes;
	t->total = total;
	return t->answer;
}

static struct ferry_file_options telling(struct world *w, struct told *t)
{
	struct ferry_file_options options = ferry_file_options();

	*t = (struct told){.ferry = w->asker};
	options.progress = on_progress;
	options.data = t;
	return options;
}

/* A hub that keeps files in a directory in which the test then is. */
static int shelf_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char path[] = "/tmp/ferry-unit-XXXXXX", option[64];

	if (!mkdtemp(path) || chdir(path) < 0 || mkdir("hub", 0700) < 0)
		return -1;
	snprintf(option, sizeof(option), "--files=%s/hub", path);
	setenv("XDG_STATE_HOME", path, 1);
	setenv("HOME", path, 1);
	hub_start(w, "unix:hub.sock", option);
	w->asker = ferry_new();
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (char)(i * 7 + i / 256);
	*state = w;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	return remove(path);
}

static int shelf_teardown(void **state)
{
	char path[256];

	world_teardown(state);
	return !getcwd(path, sizeof(path)) || nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* An open file that has the data, and stands behind them. */
static int source(size_t size)
{
	int fd = memfd_create("source", MFD_CLOEXEC);

	assert_int_equal(write(fd, data, size), (ssize_t)size);
	assert_int_equal(fchmod(fd, 0640), 0);
	return fd;
}

static void assert_content(const char *path, size_t size)
{
	static char there[SIZE + 1];

	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, there, sizeof(there)), (ssize_t)size);
	assert_memory_equal(there, data, size);
	close(fd);
}

static void puts_and_gets(void **state)
{
	static const size_t sizes[] = {0, 10, SIZE};
	struct world *w = *state;
	struct told told;
	struct stat st;

	for (size_t i = 0; i < 3; i++) {
		struct ferry_file_options options = telling(w, &told);
		int fd = source(sizes[i]);
		assert_int_equal(ferry_put(w->asker, w->hub, "d/a b", fd, &options), 0);
		close(fd);
		assert_content("hub/d/a b", sizes[i]);
		assert_true(told.count >= 1);
		assert_int_equal(told.bytes, sizes[i]);
		assert_int_equal(told.total, sizes[i]);
		assert_int_equal(told.nested, -EDEADLK);
		options = telling(w, &told);
		assert_int_equal(ferry_get(w->asker, w->hub, "d/a b", "./back", &options), 0);
		assert_content("back", sizes[i]);
		assert_int_equal(told.bytes, sizes[i]);
		assert_int_equal(stat("back", &st), 0);
		assert_int_equal(st.st_mode & 0777, 0640);
	}
}

static void gives_up_when_told_so(void **state)
{
	struct world *w = *state;
	struct told told;
	struct ferry_file_options options = telling(w, &told);
	int fd = source(SIZE);

	told.answer = 1;
	assert_int_equal(ferry_put(w->asker, w->hub, "a", fd, &options), -ECANCELED);
	assert_int_equal(told.count, 1);
	assert_int_equal(access("hub/a", F_OK), -1);
	assert_int_equal(ferry_put(w->asker, w->hub, "a", fd, NULL), 0);
	assert_int_equal(ferry_get(w->asker, w->hub, "a", "a", &options), -ECANCELED);
	assert_int_equal(access("a", F_OK), -1);
	close(fd);
}

static void says_what_is_wrong(void **state)
{
	struct world *w = *state;
	int pipes[2], fd = source(10);

	assert_int_equal(ferry_get(w->asker, w->hub, "none", "none", NULL), -ENOENT);
	assert_non_null(strstr(ferry_why(w->asker), "none"));
	assert_int_equal(ferry_get(w->asker, w->hub, "none", "no/none", NULL), -ENOENT);
	assert_int_equal(ferry_put(w->asker, w->hub, ".hidden", fd, NULL), -EINVAL);
	assert_int_equal(ferry_put(w->asker, "tcp:nowhere", "a", fd, NULL), -EINVAL);
	assert_int_equal(ferry_put(w->asker, "unix:./nobody", "a", fd, NULL), -ENOENT);
	assert_int_equal(ferry_put(w->asker, w->hub, "a", -1, NULL), -EBADF);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(ferry_put(w->asker, w->hub, "a", pipes[0], NULL), -EINVAL);
	close(pipes[0]);
	close(pipes[1]);
	close(fd);
}

static void announces(void **state)
{
	struct world *w = *state;
	struct ferry_file_options options = ferry_file_options();
	struct ferry_options follow = ferry_options();
	struct ferry_message m;
	int fd = source(10);

	options.topic = "news";
	options.name = "anna";
	assert_int_equal(ferry_put(w->asker, w->hub, "a", fd, &options), 0);
	follow.topic = "news";
	follow.since = "all";
	follow.follow = 1;
	struct ferry_session *s = ferry_open(w->asker, w->hub, &follow);
	assert_int_equal(ferry_next(s, &m, PATIENCE_MS), 1);
	assert_string_equal(m.from, "anna");
	assert_string_equal(m.body, "shared /files/a (10 bytes)");
	ferry_close(s);
	close(fd);
}

#define ON_SHELF(test) cmocka_unit_test_setup_teardown(test, shelf_setup, shelf_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SHELF(puts_and_gets),
		ON_SHELF(gives_up_when_told_so),
		ON_SHELF(says_what_is_wrong),
		ON_SHELF(announces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
