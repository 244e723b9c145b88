/*
 * The same with nng, which has no hub: a REP socket that askers connect to.
 */

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/supplemental/util/platform.h>

#include <stdio.h>

enum { WORKERS = 64 };

struct worker {
	nng_ctx context;
	nng_aio *aio;
	int replying;
};

static void worker_turn(void *arg)
{
	struct worker *w = arg;

	if (nng_aio_result(w->aio))
		return;
	w->replying = !w->replying;
	if (w->replying) /* the message that came goes back as it is */
		nng_ctx_send(w->context, w->aio);
	else
		nng_ctx_recv(w->context, w->aio);
}

int main(void)
{
	static struct worker workers[WORKERS];
	nng_listener listener;
	nng_sockaddr at;
	nng_socket s;

	if (nng_rep0_open(&s) || nng_listen(s, "tcp://127.0.0.1:0", &listener, 0) ||
		nng_listener_get_addr(listener, NNG_OPT_LOCADDR, &at))
		return 1;
	for (int i = 0; i < WORKERS; i++) {
		struct worker *w = &workers[i];
		if (nng_ctx_open(&w->context, s) || nng_aio_alloc(&w->aio, worker_turn, w))
			return 1;
		nng_ctx_recv(w->context, w->aio);
	}
	const unsigned char *port = (const unsigned char *)&at.s_in.sa_port;
	printf("Listening on tcp:127.0.0.1:%d\n", port[0] << 8 | port[1]);
	fflush(stdout);
	for (;;)
		nng_msleep(1000000);
}
