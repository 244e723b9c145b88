#pragma once

/*
 * An invitation is the line that a hub's owner passes on to others, to type to get there: for the
 * first address that is for other machines, or else for the first. All interfaces are no place to
 * connect to: this machine's name stands in for them.
 */

#include <stdbool.h>

struct invitation {
	char *line; /* "ferry chat 'tls:server:12345?pin=…'", or NULL */
	bool is_wide;
};

#define INVITATION_NULL ((struct invitation){0})

/* INVITATION hears of ADDRESS, as the hub has bound it. */
void invitation_hear(void *invitation, const char *address);

void invitation_deinit(struct invitation *i);
