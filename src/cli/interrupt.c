#include "cli/interrupt.h"

#include <signal.h>

static void interrupt_on_signal(uv_signal_t *handle, int number)
{
	struct interrupt *i = handle->data;

	if (i->was) {
		uv_signal_stop(handle);
		raise(number);
		return;
	}
	i->was = true;
	i->interrupted(i->data);
}

void interrupt_init(
	struct interrupt *i, struct loop *l, void (*interrupted)(void *data), void *data)
{
	static const int numbers[] = {SIGINT, SIGTERM};

	*i = (struct interrupt){.interrupted = interrupted, .data = data};
	for (int n = 0; n < 2; n++) {
		uv_signal_init(&l->uv, &i->signals[n]);
		i->signals[n].data = i;
		uv_signal_start(&i->signals[n], interrupt_on_signal, numbers[n]);
	}
}
