#pragma once

/*
 * What OpenSSL's errors mean, in a line for people. Private to the files tls*.c; the lines are
 * about "it", the one at the other end.
 */

#include "base/fault.h"

#include <openssl/types.h>
#include <stdbool.h>

/* FILE was to hold WHAT. A negative errno. */
int tls_fault_file(struct fault *why, const char *file, const char *what);

/* The error that ended a session, from OpenSSL's queue of this thread. A negative errno. */
int tls_fault_session(struct fault *why, bool established);
