#pragma once

/*
 * What an error of socket(2), bind(2) or connect(2) means for the address that was asked for.
 */

#include "net/endpoint.h"

/* "cannot listen on ADDRESS: what is in the way, and what to do where there is something". E is the
 * endpoint that failed. Both return ERROR. */
int socket_fault_listen(
	struct fault *why, int error, const struct address *a, const struct endpoint *e);
int socket_fault_connect(struct fault *why, int error, const struct address *a);
