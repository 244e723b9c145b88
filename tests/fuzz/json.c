/* JSON lines: any body is written as one line that reads back as itself; any line is refused or is
 * a message that, written, reads back as itself. */

#include "wire/json.h"
#include "../cuts.h"
#include "fuzz.h"

static void check_written(const struct message *m)
{
	size_t size = json_line_size(m);
	uint8_t *line = malloc(size);
	struct json_line again;

	fuzz_check(line && json_line_encode(m, line) == size);
	fuzz_check(memchr(line, '\n', size) == line + size - 1);
	fuzz_check(!memchr(line, '\r', size) && !memchr(line, '\0', size));
	fuzz_check(json_line_decode(bytes_of(line, size), &again, NULL) == JSON_MESSAGE);
	fuzz_check(bytes_equal(again.message.body, m->body));
	fuzz_check(bytes_equal(again.message.topic, m->topic));
	fuzz_check(again.message.id == m->id && again.message.time_ms == m->time_ms);
	json_line_deinit(&again);
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes input = bytes_of(data, len);
	struct message m = {
		.id = cuts_seed(input) >> 1,
		.time_ms = cuts_seed(input) >> 24,
		.topic = BYTES_LITERAL("lobby"),
		.from = input,
		.body = input,
	};
	struct fault why = FAULT_NULL;
	struct json_line line;

	check_written(&m);
	int r = json_line_decode(input, &line, &why);
	fuzz_check((r < 0) == (why.text[0] != '\0'));
	if (r == JSON_MESSAGE)
		check_written(&line.message);
	json_line_deinit(&line);
	return 0;
}
