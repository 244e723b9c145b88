#pragma once

/*
 * What every program of the benchmark needs. One that cannot go on says why in a line on standard
 * error and exits with 1: a measurement that went wrong is none.
 */

#include <stddef.h>
#include <stdint.h>

/* "what: the reason errno gives". */
__attribute__((noreturn)) void die(const char *what);
__attribute__((noreturn, format(printf, 1, 2))) void die_because(const char *format, ...);

/* Zeroed memory, for as long as the program runs or until free(3). */
void *allocate(size_t count, size_t size);

/* A decimal number from the command line. */
uint64_t number(const char *text);
