/* Addresses as they are typed: any text is refused with a line that says why, or has a canonical
 * form, which reads as an equal address and is its own canonical form. */

#include "net/address.h"
#include "fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct address a;
	struct address again;
	struct fault why = FAULT_NULL;

	if (len > 2048)
		return 0;
	char *text = malloc(len + 1);
	fuzz_check(text);
	if (len)
		memcpy(text, data, len);
	text[len] = '\0';
	if (address_parse(&a, text, &why) < 0) {
		fuzz_check(why.error < 0 && why.text[0]);
		free(text);
		return 0;
	}
	free(text);

	char *canonical = address_format(&a);
	fuzz_check(canonical);
	fuzz_check(!address_parse(&again, canonical, NULL));
	fuzz_check(address_equal(&a, &again));
	char *twice = address_format(&again);
	fuzz_check(!strcmp(canonical, twice));
	free(canonical);
	free(twice);
	address_deinit(&a);
	address_deinit(&again);
	return 0;
}
