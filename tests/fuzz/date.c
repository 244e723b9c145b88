/* Moments: any text is refused or is a time that, written, reads back as itself. */

#include <string.h>

#include "base/date.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char text[64];
	char written[DATE_TEXT_SIZE];
	uint64_t ms;
	uint64_t again;

	if (len >= sizeof(text))
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	if (date_parse(text, &ms))
		return 0;
	date_format(ms, written);
	fuzz_check(!date_parse(written, &again) && again == ms);
	fuzz_check(!strncmp(text, written, strlen("2026-11-23T09:00:00")));
	return 0;
}
