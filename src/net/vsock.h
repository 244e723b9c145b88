#pragma once

/*
 * What a machine is called among virtual machines (vsock(7)).
 */

#include "net/endpoint.h"

/* The CID by which others reach this machine: its own in a guest, 2 on a host. 0; -ENODEV when no
 * one does (no driver, or loopback alone), or another negative errno. */
int vsock_own_cid(uint32_t *cid);

/* Puts it in place of `any`, for others to dial. Any other endpoint, and `any` where the CID is not
 * known, stays as it is. */
void vsock_name_self(struct endpoint *e);
