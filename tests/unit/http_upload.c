#include "wire/http_upload.h"

#include "fields.h"

static void reads_all_of_it(void **state)
{
	struct http_upload upload;
	struct http_fields fields = fields_of("Upload-Draft-Interop-Version: 8\n"
					      "Upload-Offset: 12500000\n"
					      "Upload-Complete: ?0\n"
					      "upload-length: 999999999999999");

	http_upload_read(&fields, &upload);
	assert_int_equal(upload.interop, HTTP_UPLOAD_INTEROP);
	assert_true(upload.has_offset && upload.has_complete && upload.has_length);
	assert_int_equal(upload.offset, 12500000);
	assert_false(upload.complete);
	assert_int_equal(upload.length, 999999999999999);

	fields = fields_of("Upload-Complete: ?1");
	http_upload_read(&fields, &upload);
	assert_true(upload.has_complete && upload.complete);
	assert_false(upload.has_offset || upload.has_length || upload.interop);
	assert_string_equal(http_upload_complete_text(true), "?1");
	assert_string_equal(http_upload_complete_text(false), "?0");
}

static void leaves_out_what_is_broken(void **state)
{
	static const char *const broken[] = {
		"Upload-Offset: -1\nUpload-Length: -1\nUpload-Complete: 1",
		"Upload-Offset: ?1\nUpload-Length: 1.5\nUpload-Complete: true",
		"Upload-Offset:\nUpload-Length: \"5\"\nUpload-Complete: ?2",
		"Upload-Offset: 1000000000000000\nUpload-Length: 5 5",
		"Upload-Offset: 5\nUpload-Offset: 5\nUpload-Complete: ?1\nUpload-Complete: ?0",
		"Upload-Draft-Interop-Version: 9999\nUpload-Complete: \"?1\"",
	};

	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		struct http_fields fields = fields_of(broken[i]);
		struct http_upload upload;
		http_upload_read(&fields, &upload);
		if (upload.has_offset || upload.has_complete || upload.complete ||
			upload.has_length || upload.interop)
			fail_msg("%s", broken[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_all_of_it),
		cmocka_unit_test(leaves_out_what_is_broken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
