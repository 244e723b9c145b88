#pragma once

/*
 * SIGINT and SIGTERM: the first asks the command to end well, the second ends it at once.
 */

#include "net/loop.h"

struct interrupt {
	uv_signal_t signals[2];
	void (*interrupted)(void *data);
	void *data;
	bool was;
};

/* From now on INTERRUPTED is called with the first signal; at the second the process ends as if
 * neither were handled. It must stay until the loop ends. */
void interrupt_init(
	struct interrupt *i, struct loop *l, void (*interrupted)(void *data), void *data);
