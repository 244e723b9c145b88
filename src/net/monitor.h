#pragma once

/*
 * The greeting of a VM monitor's Unix socket (Firecracker's, cloud-hypervisor's), through which a
 * process of the host reaches a vsock port of the guest: we send `CONNECT PORT\n`, the monitor
 * answers `OK PORT\n` when the guest accepted, and closes when it did not. Then the stream is the
 * guest's. (firecracker/docs/vsock.md)
 */

#include <stdint.h>

/* Sends the greeting on a new connection; 0 or a negative errno. */
int monitor_greet(int fd, uint32_t port);

/* Reads the answer and not a byte more: 0 when it is OK, -EAGAIN when it is not all there yet,
 * -ECONNREFUSED when the guest did not accept, -EPROTO when it is something else. */
int monitor_answer(int fd);
