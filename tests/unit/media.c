#include "wire/media.h"

#include "fields.h"

static const char *const offered[] = {"text/plain", "application/x-ndjson", "text/event-stream"};

static void picks_what_is_liked_best(void **state)
{
	static const struct {
		const char *lines;
		const char *picked; /* NULL: none */
	} rows[] = {
		{"", "text/plain"},
		{"Accept: */*", "text/plain"},
		{"Accept: text/*", "text/plain"},
		{"Accept: TEXT/*", "text/plain"},
		{"Accept: text/event-stream", "text/event-stream"},
		{"Accept: Text/Event-Stream", "text/event-stream"},
		{"Accept: application/x-ndjson, */*;q=0.1", "application/x-ndjson"},
		{"Accept: */*;q=0.1, application/x-ndjson", "application/x-ndjson"},
		{"Accept: text/plain;q=0.5, text/event-stream", "text/event-stream"},
		{"Accept: text/plain;q=0.5\nAccept: text/event-stream;q=0.6", "text/event-stream"},
		{"Accept: text/*;q=0.3, text/plain;q=0.1", "text/event-stream"},
		{"Accept: text/plain;q=0, */*", "application/x-ndjson"},
		{"Accept: text/plain ; q=0.2 , application/*;q=0.30", "application/x-ndjson"},
		{"Accept: text/plain;charset=utf-8;q=0.5, */*;q=0.1", "text/plain"},
		{"Accept: text/plain;a=\"b;q=0\"", "text/plain"},
		{"Accept: text/html, application/xhtml+xml, */*;q=0.8", "text/plain"},
		{"Accept: text/plain;q=1.000", "text/plain"},
		{"Accept: text/plain;Q=0.5, text/event-stream;q=0.4", "text/plain"},
		{"Accept: text/html", NULL},
		{"Accept: */*;q=0", NULL},
		{"Accept:", NULL},
		{"Accept: text", NULL},
		{"Accept: text/plain/x", NULL},
		{"Accept: */plain", NULL},
		{"Accept: tex/*", NULL},
		{"Accept: text/plain;q=2", NULL},
		{"Accept: text/plain;q=1.001", NULL},
		{"Accept: text/plain;q=", NULL},
		{"Accept: text/plain;q=0.1234", NULL},
		{"Accept: text/plain;q=-1", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct http_fields fields = fields_of(rows[i].lines);
		size_t picked = media_pick(&fields, offered, 3);
		const char *type = picked < 3 ? offered[picked] : NULL;
		if (type != rows[i].picked &&
			(!type || !rows[i].picked || strcmp(type, rows[i].picked)))
			fail_msg("%s: %s", rows[i].lines, type ? type : "none");
	}
}

static void tells_who_is_named(void **state)
{
	struct http_fields named = fields_of("Accept: */*, text/event-stream;q=0.5");
	struct http_fields ranged = fields_of("Accept: text/*, text/plain");
	struct http_fields refused = fields_of("Accept: text/event-stream;q=0");

	assert_true(media_names(&named, "text/event-stream"));
	assert_false(media_names(&ranged, "text/event-stream"));
	assert_false(media_names(&refused, "text/event-stream"));
}

static void looks_behind_parameters(void **state)
{
	assert_true(media_is(bytes_text("application/json"), "application/json"));
	assert_true(media_is(bytes_text("Application/JSON ; charset=utf-8"), "application/json"));
	assert_false(media_is(bytes_text("application/json5"), "application/json"));
	assert_false(media_is(bytes_text("text/plain; application/json"), "application/json"));
	assert_false(media_is(BYTES_NULL, "application/json"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(picks_what_is_liked_best),
		cmocka_unit_test(tells_who_is_named),
		cmocka_unit_test(looks_behind_parameters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
