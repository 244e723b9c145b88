#include "wire/uri.h"

#include <errno.h>

#include "test.h"

static void splits_hosts(void **state)
{
	static const struct {
		const char *text;
		const char *name; /* NULL: refused */
		int port;
	} hosts[] = {
		{"h", "h", -1},
		{"h:0", "h", 0},
		{"h:65535", "h", 65535},
		{"h:", "h", -1},
		{"a.b-c_d~e", "a.b-c_d~e", -1},
		{"127.0.0.1:80", "127.0.0.1", 80},
		{"[::1]", "::1", -1},
		{"[::ffff:127.0.0.1]:80", "::ffff:127.0.0.1", 80},
		{"a%41!$&'()*+,;=", "a%41!$&'()*+,;=", -1},
		{"h:000080", "h", 80},
		{"", NULL, 0},
		{":", NULL, 0},
		{":80", NULL, 0},
		{"[]", NULL, 0},
		{"[:]", NULL, 0},
		{"[::1", NULL, 0},
		{"[::1]80", NULL, 0},
		{"[::1%25eth0]", NULL, 0},
		{"::1", NULL, 0},
		{"h:65536", NULL, 0},
		{"h:99999999999999999999", NULL, 0},
		{"h:-1", NULL, 0},
		{"h:1 ", NULL, 0},
		{"h:80:80", NULL, 0},
		{"a b", NULL, 0},
		{"a/b", NULL, 0},
		{"u@h", NULL, 0},
		{"a%4", NULL, 0},
		{"a%zz", NULL, 0},
		{"\xc3\xa4", NULL, 0},
		{"a\\b", NULL, 0},
	};
	struct uri_host host;

	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		int r = uri_host_parse(bytes_text(hosts[i].text), &host);
		if (r != (hosts[i].name ? 0 : -EINVAL))
			fail_msg("\"%s\": %d", hosts[i].text, r);
		if (r == 0) {
			assert_true(bytes_equal(host.name, bytes_text(hosts[i].name)));
			assert_int_equal(host.port, hosts[i].port);
		}
	}
	assert_int_equal(uri_host_parse(bytes_of("a\0b", 3), &host), -EINVAL);
}

static void walks_queries(void **state)
{
	static const char *const expected[][2] = {
		{"a", "1"}, {"b", ""}, {"c", ""}, {"", "d"}, {"e", "=f"}, {"a", "2"}};
	struct bytes query = bytes_text("a=1&b&&c=&=d&e==f&a=2&");
	struct bytes name, value;

	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		assert_true(uri_query_next(&query, &name, &value));
		assert_true(bytes_equal(name, bytes_text(expected[i][0])));
		assert_true(bytes_equal(value, bytes_text(expected[i][1])));
	}
	assert_false(uri_query_next(&query, &name, &value));
}

static void finds_values_in_queries(void **state)
{
	struct bytes query = bytes_text("a=x+y%2B%26z&b&bad=%4&a=2"), value;
	char room[12];

	assert_int_equal(uri_query_get(query, "a", room, sizeof(room), &value), 0);
	assert_true(bytes_equal(value, bytes_text("x y+&z")));
	assert_int_equal(uri_query_get(query, "b", room, sizeof(room), &value), 0);
	assert_int_equal(value.len, 0);
	assert_int_equal(uri_query_get(query, "c", room, sizeof(room), &value), -ENOENT);
	assert_int_equal(uri_query_get(query, "bad", room, sizeof(room), &value), -EINVAL);
	assert_int_equal(uri_query_get(query, "a", room, 3, &value), -ENOSPC);
	assert_int_equal(uri_query_get(BYTES_NULL, "a", room, sizeof(room), &value), -ENOENT);
}

static void decodes_paths(void **state)
{
	static const struct {
		const char *text;
		const char *path; /* NULL: refused */
	} paths[] = {
		{"/files/a%20b", "/files/a b"},
		{"a+b", "a+b"},
		{"%2e%2E%2f", "../"},
		{"%C3%A4", "\xc3\xa4"},
		{"%2525", "%25"},
		{"", ""},
		{"a%00b", NULL},
		{"%", NULL},
		{"%4", NULL},
		{"%4g", NULL},
		{"%-1", NULL},
		{"% 1", NULL},
		{"%u0041", NULL},
	};
	char room[16];
	struct bytes path;

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		int r = uri_path_decode(bytes_text(paths[i].text), room, sizeof(room), &path);
		if (r != (paths[i].path ? 0 : -EINVAL))
			fail_msg("\"%s\": %d", paths[i].text, r);
		if (r == 0)
			assert_true(bytes_equal(path, bytes_text(paths[i].path)));
	}
	assert_int_equal(uri_path_decode(bytes_text("abcd"), room, 3, &path), -ENOSPC);
}

static void escapes_what_it_decodes(void **state)
{
	struct buffer out = BUFFER_NULL;
	uint8_t all[255], room[765];
	struct bytes path;

	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)(i + 1);
	assert_int_equal(uri_escape(&out, bytes_of(all, sizeof(all)), ""), 0);
	for (size_t i = out.start; i < out.end; i++)
		assert_true(out.data[i] > ' ' && out.data[i] < 0x7f);
	assert_int_equal(uri_path_decode(buffer_bytes(&out), room, sizeof(room), &path), 0);
	assert_true(bytes_equal(path, bytes_of(all, sizeof(all))));

	buffer_consume(&out, SIZE_MAX);
	assert_int_equal(uri_escape(&out, bytes_text("a/b c\xc3\xa4?-._~"), "/"), 0);
	assert_true(bytes_equal(buffer_bytes(&out), bytes_text("a/b%20c%C3%A4%3F-._~")));
	buffer_consume(&out, SIZE_MAX);
	assert_int_equal(uri_escape(&out, bytes_of("a\0/", 3), ""), 0);
	assert_true(bytes_equal(buffer_bytes(&out), bytes_text("a%00%2F")));
	buffer_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_hosts),
		cmocka_unit_test(walks_queries),
		cmocka_unit_test(finds_values_in_queries),
		cmocka_unit_test(decodes_paths),
		cmocka_unit_test(escapes_what_it_decodes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
