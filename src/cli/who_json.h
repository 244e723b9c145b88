#pragma once

/*
 * What `ferry who --json` prints: one object a socket and line. A member that does not apply is
 *left out; "unknown" names those that could not be found out.
 *
 *	{"address":"tcp:127.0.0.1:80","state":"listening","waiting":0,"backlog":511,
 *	"uid":0,"user":"root","processes":[{"pid":7,"name":"nginx","command":"nginx: master
 *process", "uid":0,"user":"root","unit":"nginx.service","cgroup":"/system.slice/nginx.service"}],
 *	"unknown":[]}
 *
 * Others than listeners have "received" and "sent", the bytes in their queues, in place of
 * "waiting" and "backlog"; connections have a "peer", with an "address" or "processes"; vsock
 *sockets have the "cid" by which others reach this machine.
 */

#include "net/holder.h"

/* Prints all that are left; *count is how many. 0 or -ENOMEM. */
int who_print_json(struct holders *holders, size_t *count);
