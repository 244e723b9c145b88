#pragma once

/*
 * What a command is told of the request it answers: our environment and, with the names of CGI (RFC
 * 3875 section 4.1) where one fits, the facts of the request.
 */

#include "wire/http_response.h"

/* From the head of a hub's answer at `next`. An array of "NAME=VALUE" ended by NULL, on the heap;
 * NULL when memory is out. */
char **environment_new(const char *service, const struct http_response *r);

/* Takes NULL, returns NULL. */
char **environment_free(char **environment);
