#include "place.h"

#include <sys/stat.h>
#include <sys/un.h>

static mode_t mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? st.st_mode : 0;
}

static void guards_its_file(void **state)
{
	struct place *p = *state;
	char text[160];
	char path[128];

	snprintf(path, sizeof(path), "%s/sock", p->directory);
	mode_t old = umask(0);
	place_open(p, path);
	umask(old);
	assert_int_equal(mode_of(path), S_IFSOCK | 0600);
	listener_close(&p->listener);
	assert_int_equal(mode_of(path), 0);

	old = umask(0077);
	snprintf(text, sizeof(text), "%s?mode=0666", path);
	place_open(p, text);
	umask(old);
	assert_int_equal(mode_of(path), S_IFSOCK | 0666);
}

static void takes_over_a_stale_file(void **state)
{
	struct place *p = *state;
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	snprintf(un.sun_path, sizeof(un.sun_path), "%s/sock", p->directory);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	close(fd);
	place_open(p, un.sun_path);
	assert_accepts(p, 1);
}

static void refuses_a_live_one(void **state)
{
	struct place *p = *state;
	struct listener second;
	struct fault why = FAULT_NULL;
	const char *const types[] = {"stream", "seqpacket", "dgram"};
	char text[128];
	char holder[32];

	snprintf(holder, sizeof(holder), "pid %d", getpid());
	for (size_t i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), "%s/sock?type=%s", p->directory, types[i]);
		place_open(p, text);
		for (size_t j = 0; j < 3; j++) {
			snprintf(text, sizeof(text), "%s/sock?type=%s", p->directory, types[j]);
			assert_int_equal(open_text(&second, p, text, &why), -EADDRINUSE);
			if (i == j)
				assert_non_null(strstr(why.text, holder));
		}
		loop_turn(&p->loop, false);
		assert_int_equal(p->accepted + p->packets, 0); /* it noticed nothing */
		listener_close(&p->listener);
	}
	snprintf(text, sizeof(text), "@ferry-unit-%d", getpid());
	place_open(p, text);
	assert_int_equal(open_text(&second, p, text, &why), -EADDRINUSE);
	assert_non_null(strstr(why.text, holder));
}

static void leaves_what_is_not_its_own(void **state)
{
	struct place *p = *state;
	struct listener second;
	struct fault why = FAULT_NULL;
	char path[128];

	snprintf(path, sizeof(path), "%s/sock", p->directory);
	close(creat(path, 0600));
	assert_int_equal(open_text(&p->listener, p, path, &why), -EEXIST);
	assert_non_null(strstr(why.text, "the file is there and is no socket"));
	assert_int_equal(mode_of(path), S_IFREG | 0600);
	unlink(path);

	/* Someone removed our file and put another there. */
	place_open(p, path);
	unlink(path);
	assert_int_equal(open_text(&second, p, path, &why), 0);
	listener_close(&p->listener);
	assert_int_equal(mode_of(path), S_IFSOCK | 0600);
	listener_close(&second);

	snprintf(path, sizeof(path), "%s/no/sock", p->directory);
	assert_int_equal(open_text(&p->listener, p, path, &why), -ENOENT);
	assert_non_null(strstr(why.text, "its directory is not there"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(guards_its_file),
		IN_PLACE(takes_over_a_stale_file),
		IN_PLACE(refuses_a_live_one),
		IN_PLACE(leaves_what_is_not_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
