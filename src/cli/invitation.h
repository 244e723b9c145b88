#pragma once

/*
 * What a hub's owner passes on to others: the line to type to get there.
 */

#include <stdbool.h>

/* For the hub bound at ADDRESS (as it prints it): the client's command line, with this machine's
 * name in place of all interfaces, and quoted where the shell would want that. On the heap; NULL
 * when memory is out. */
char *invitation_line(const char *address);

/* Whether ADDRESS is bound at all interfaces, so that it is not what a client types. */
bool invitation_is_needed(const char *address);
