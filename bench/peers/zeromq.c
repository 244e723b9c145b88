/*
 * ZeroMQ as a hub: its own proxy between an XSUB and an XPUB socket, with no limit to what waits,
 * because the default drops messages. Prints where it listens: for publishers, then for
 * subscribers.
 */

#include <stdio.h>
#include <zmq.h>

static void *side(void *context, int type)
{
	void *socket = zmq_socket(context, type);
	int none = 0;
	char address[64];
	size_t len = sizeof(address);

	zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof(none));
	zmq_setsockopt(socket, ZMQ_RCVHWM, &none, sizeof(none));
	if (zmq_bind(socket, "tcp://127.0.0.1:*") ||
		zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, address, &len))
		return NULL;
	printf("Listening on tcp:%s\n", address + sizeof("tcp://") - 1);
	return socket;
}

int main(void)
{
	void *context = zmq_ctx_new();
	void *publishers = side(context, ZMQ_XSUB);
	void *subscribers = side(context, ZMQ_XPUB);

	if (!publishers || !subscribers) {
		fprintf(stderr, "zeromq: %s\n", zmq_strerror(zmq_errno()));
		return 1;
	}
	fflush(stdout);
	zmq_proxy(publishers, subscribers, NULL);
	return 1;
}
