/* Which fields a gateway hands on. */

#include "wire/http_hop.h"

#include "test.h"

#include <stdio.h>

static bool is_handed_on(const char *head, const char *name)
{
	struct http_fields fields = {0};
	struct bytes rest = bytes_text(head), line;

	while (bytes_cut(&rest, '\n', &line))
		assert_null(http_fields_add(&fields, line));
	for (size_t i = 0; i < fields.count; i++)
		if (bytes_equal(fields.at[i].name, bytes_text(name)))
			return http_field_is_end_to_end(&fields, &fields.at[i]);
	fail_msg("%s is not there", name);
	return false;
}

static void what_is_for_one_hop_ends_there(void **state)
{
	static const char *const names[] = {"Connection", "keep-alive", "Proxy-Authenticate",
		"PROXY-AUTHORIZATION", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding",
		"Upgrade"};
	char head[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(head, sizeof(head), "%s: x\n", names[i]);
		assert_false(is_handed_on(head, names[i]));
	}
	assert_true(is_handed_on("Accept: x\n", "Accept"));
	assert_true(is_handed_on("Authorization: x\n", "Authorization"));
}

static void connection_names_others(void **state)
{
	const char *head = "X-A: 1\nConnection: close, x-a\nX-B: 1\nX-C: 1\nConnection: X-C ,,\n";

	assert_false(is_handed_on(head, "X-A"));
	assert_true(is_handed_on(head, "X-B"));
	assert_false(is_handed_on(head, "X-C"));
}

static void names_are_compared_without_case(void **state)
{
	static const char *const names[] = {"Host", "Cookie"};

	assert_true(http_name_is_in(BYTES_LITERAL("hOST"), names, 2));
	assert_false(http_name_is_in(BYTES_LITERAL("Hos"), names, 2));
	assert_false(http_name_is_in(BYTES_LITERAL("Cookie"), names, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_for_one_hop_ends_there),
		cmocka_unit_test(connection_names_others),
		cmocka_unit_test(names_are_compared_without_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
