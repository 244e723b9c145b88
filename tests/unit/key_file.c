/* Whose keys let them in: the lines of the file, and the option. */

#include "server/key_file.h"

#include "net/pin.h"
#include "test.h"
#include "test_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define PIN_A "sha256:abc-_fghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPI"
#define PIN_B "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const struct identity *owner(const struct access *a, const char *text)
{
	struct proof proof = {.kind = IDENTITY_KEY};
	struct pin pin;

	assert_int_equal(pin_parse(&pin, text), 0);
	memcpy(proof.digest, pin.digest, PIN_SIZE);
	return access_find(a, &proof);
}

static void test_lines(void **state)
{
	struct fault why = FAULT_NULL;
	struct access a;

	access_init(&a);
	int r = key_file_parse(&a,
		BYTES_LITERAL("# who may come in\n\n" PIN_A "\tanna # the first\r\n" PIN_B
			      " ben read:news"),
		"keys", &why);
	assert_string_equal(why.text, "");
	assert_int_equal(r, 0);
	assert_string_equal(owner(&a, PIN_A)->name, "anna");
	assert_string_equal(owner(&a, PIN_B)->name, "ben");
	assert_true(access_may(&a, owner(&a, PIN_A), ACCESS_STATUS, BYTES_NULL));
	assert_true(access_may(&a, owner(&a, PIN_B), ACCESS_READ, BYTES_LITERAL("news")));
	assert_false(access_may(&a, owner(&a, PIN_B), ACCESS_WRITE, BYTES_LITERAL("news")));
	assert_false(access_may(&a, &a.anyone, ACCESS_READ, BYTES_LITERAL("news")));
	access_deinit(&a);
}

/* Whose last line was taken out wants nobody, not everybody. */
static void test_an_empty_file_lets_nobody_in(void **state)
{
	struct access a;

	access_init(&a);
	assert_int_equal(key_file_parse(&a, BYTES_LITERAL("# nobody\n"), "keys", NULL), 0);
	assert_true(a.closed);
	assert_false(access_may(&a, &a.anyone, ACCESS_READ, BYTES_NULL));
	access_deinit(&a);
}

static void test_wrong_lines(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"anna " PIN_A, "keys, line 1: it begins with a pin"},
		{"\n" PIN_A, "keys, line 2: a name"},
		{PIN_A "x anna", "line 1: it begins with a pin"},
		{"sha256:abc anna", "line 1: it begins with a pin"},
		{PIN_A " an:na", "line 1: a name"},
		{PIN_A " anna reed", "line 1: a right is"},
		{PIN_A " anna\n" PIN_A " ben", "line 2: this key was let in before"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fault why = FAULT_NULL;
		struct access a;
		access_init(&a);
		assert_int_equal(
			key_file_parse(&a, bytes_text(cases[i].text), "keys", &why), -EINVAL);
		if (!strstr(why.text, cases[i].says))
			fail_msg("'%s' is said of: %s", why.text, cases[i].text);
		assert_true(a.closed);
		access_deinit(&a);
	}
}

static void test_option(void **state)
{
	static const char *const wrong[] = {"anna", "anna=", "=" PIN_A, PIN_A, "anna=" PIN_A "x",
		"an na=" PIN_A, "anna:" PIN_A, "", "anna=" PIN_A};
	struct fault why = FAULT_NULL;
	struct access a;

	access_init(&a);
	assert_int_equal(key_option_parse(&a, "anna=" PIN_A, &why), 0);
	assert_int_equal(key_option_parse(&a, "anna=" PIN_B, &why), 0);
	assert_string_equal(owner(&a, PIN_A)->name, "anna");
	assert_string_equal(owner(&a, PIN_B)->name, "anna");
	assert_true(access_may(&a, owner(&a, PIN_B), ACCESS_SERVE, BYTES_LITERAL("s")));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(key_option_parse(&a, wrong[i], &why), -EINVAL);
		assert_non_null(strstr(why.text, "--allow-key"));
	}
	access_deinit(&a);
}

static void test_file(void **state)
{
	struct test_file file;
	struct fault why = FAULT_NULL;
	struct access a;

	test_file_init(&file);
	access_init(&a);
	assert_int_equal(key_file_read(&a, file.path, &why), -ENOENT);
	int fd = open(file.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, PIN_A " anna\n", PIN_TEXT_SIZE + 5), PIN_TEXT_SIZE + 5);
	assert_int_equal(fchmod(fd, 0664), 0);
	assert_int_equal(key_file_read(&a, file.path, &why), -EACCES);
	assert_non_null(strstr(why.text, "chmod go-w "));
	assert_int_equal(fchmod(fd, 0644), 0); /* it is no secret */
	assert_int_equal(key_file_read(&a, file.path, &why), 0);
	assert_string_equal(owner(&a, PIN_A)->name, "anna");
	close(fd);
	access_deinit(&a);
	test_file_deinit(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_an_empty_file_lets_nobody_in),
		cmocka_unit_test(test_wrong_lines),
		cmocka_unit_test(test_option),
		cmocka_unit_test(test_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
