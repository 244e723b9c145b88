#include "wire/http_problem.h"

#include "test.h"

static void check(const struct http_problem *problem, const char *expected)
{
	struct buffer out = BUFFER_NULL;

	assert_int_equal(http_problem_append(&out, problem), 0);
	if (!bytes_equal(buffer_bytes(&out), bytes_text(expected)))
		fail_msg("%.*s", (int)buffer_len(&out), out.data + out.start);
	buffer_deinit(&out);
}

static void says_what_is_there(void **state)
{
	check(&(struct http_problem){.status = 404},
		"{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404}\n");
	check(&(struct http_problem){.status = 400, .detail = bytes_text("a \"b\"\r\n\x01")},
		"{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
		"\"detail\":\"a \\\"b\\\"\\r\\n\\u0001\"}\n");
	check(&(struct http_problem){.status = 409,
		      .type = "https://iana.org/assignments/http-problem-types"
			      "#mismatching-upload-offset",
		      .title = "offset from request does not match offset of resource",
		      .members = bytes_text("\"expected-offset\":5,\"provided-offset\":6")},
		"{\"type\":\"https://iana.org/assignments/http-problem-types"
		"#mismatching-upload-offset\","
		"\"title\":\"offset from request does not match offset of resource\","
		"\"status\":409,\"expected-offset\":5,\"provided-offset\":6}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_is_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
