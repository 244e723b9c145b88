#pragma once

/*
 * Servants: the commands that a hub itself serves, `ferry listen --serve NAME=COMMAND`.
 *
 * A hub that has entered its sandbox starts no program any more, so each service gets a process
 * before that: another ferry, which serves like any other server and ends with the hub. They come
 * in by an entrance of their own, a Unix socket in the abstract space that takes processes of their
 * user alone, and may serve what they are there for even when the hub is closed to others.
 */

#include "base/fault.h"
#include "net/loop.h"
#include "server/server.h"

/* Starts one process for each of COUNT TEXTS, as USER (NULL: as we are); they may wait for the
 * server to turn. To be called between server_listen() and entering the sandbox. That one ends is
 * told to people. 0, or a negative errno with a line in WHY. */
int servants_start(struct loop *l, struct server *s, const char **texts, size_t count,
	const char *user, struct fault *why);
