/*
 * The same with NATS: a subscriber of `up` that answers each message with its body.
 *
 *     reply-nats nats://HOST:PORT
 */

#include <nats/nats.h>

#include <stdio.h>
#include <unistd.h>

static void on_message(natsConnection *c, natsSubscription *s, natsMsg *m, void *data)
{
	(void)s, (void)data;
	natsConnection_Publish(
		c, natsMsg_GetReply(m), natsMsg_GetData(m), natsMsg_GetDataLength(m));
	natsMsg_Destroy(m);
}

int main(int argc, char **argv)
{
	natsOptions *options = NULL;
	natsConnection *c = NULL;
	natsSubscription *s = NULL;

	if (argc != 2 || natsOptions_Create(&options) || natsOptions_SetURL(options, argv[1]) ||
		natsOptions_SetSendAsap(options, true) || natsConnection_Connect(&c, options) ||
		natsConnection_Subscribe(&s, c, "up", on_message, NULL) ||
		natsConnection_Flush(c)) {
		nats_PrintLastErrorStack(stderr);
		return 1;
	}
	printf("Serving\n");
	fflush(stdout);
	for (;;)
		pause();
}
