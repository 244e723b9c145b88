#pragma once

/*
 * What every fuzz target defines. It runs once for each input and ends the process (abort, or a
 * sanitizer) when the code under test broke a promise; the result is always 0. DATA is exactly LEN
 * bytes of heap, so that a read past its end is seen, and is gone when the call returns.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A promise: always checked, whatever NDEBUG says. */
#define fuzz_check(promise)                                                                        \
	do {                                                                                       \
		if (!(promise))                                                                    \
			abort();                                                                   \
	} while (0)
