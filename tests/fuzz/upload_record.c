/* Records of uploads: what is read is written as the same text again, and a name in it is one. */

#include "fuzz.h"
#include "hub/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct record record, again;
	char text[RECORD_SIZE], second[RECORD_SIZE];

	if (record_parse(&record, bytes_of(data, len)) < 0)
		return 0;
	fuzz_check(file_name_valid(record_name(&record)));
	fuzz_check(!record.topic_len || name_valid(bytes_of(record.topic, record.topic_len)));
	size_t written = record_format(&record, text);
	fuzz_check(written < sizeof(text));
	fuzz_check(record_parse(&again, bytes_of(text, written)) == 0);
	fuzz_check(record_format(&again, second) == written && !memcmp(text, second, written));
	return 0;
}
