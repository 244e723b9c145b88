#pragma once

/*
 * What passes through a relay, to read and to play again (--dump).
 *
 * Each block is a head and the lines of xxd(1), with the number of the connection and the direction
 * (> there, < back) in front:
 *
 *	# 3> 2026-11-23T09:00:00.000Z 5 bytes
 *	3> 00000000: 6865 6c6c 6f                             hello
 *
 * The offsets count through the connection, so that one direction of it is got back by
 *
 *	sed -n 's/^3> //p' FILE | xxd -r
 *
 * A block is one write; it waits for the disk or the terminal, and everyone with it: a tool for
 * looking closely, not for everyday.
 */

#include "base/fault.h"
#include "relay/relay.h"

struct relay_file;

/* PATH is created or emptied; - is standard error. 0 or a negative errno. */
int relay_file_open(struct relay_file **out, const char *path, struct fault *why);
/* Takes NULL, returns NULL. */
struct relay_file *relay_file_free(struct relay_file *f);

/* A relay's `passed`; from any thread. */
void relay_file_passed(void *file, uint64_t id, bool back, uint64_t offset, struct bytes bytes);
