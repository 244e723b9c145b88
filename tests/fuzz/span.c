/* Spans of time as they are typed: any text is either refused or a number of milliseconds. */

#include <string.h>

#include "base/clock.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char text[256];
	uint64_t ms = 0;

	if (len >= sizeof(text))
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	if (clock_parse_span(text, &ms)) {
		fuzz_check(ms == 0);
		return 0;
	}
	fuzz_check(strspn(text, "0123456789mshd") == strlen(text));
	return 0;
}
