#pragma once

/*
 * Opening a JetStream stream: the connection, the URL, the stream's limits; and libnats' errors
 */

#include "base/fault.h"
#include "hub/nats_message.h"
#include "hub/store_nats.h"

/* Where the stream is. */
struct nats_url {
	char *server;	   /* as libnats takes it */
	const char *shown; /* of it, for people: HOST[:PORT], without user and password */
	bool secure;	   /* over TLS, the server's name and authority checked */
	char stream[NATS_STREAM_MAX + 1];
};

/* TEXT begins with nats:// or tls://. 0; -EINVAL: HOST[:PORT][/STREAM] does not follow; -ENOMEM. */
int nats_url_parse(struct nats_url *url, const char *text, struct fault *why);
void nats_url_deinit(struct nats_url *url);

/* What libnats tells of a connection, on a thread of its own. */
struct nats_handlers {
	natsConnectionHandler closed; /* the last call of all */
	natsErrHandler failed;
	void *data;
};

/*
 * Connects. With HANDLERS the connection ends when it is lost, and `closed` is called once;
 * without, it comes back by itself. May block. 0, or negative errno with *why, and nothing is left
 * behind.
 */
int nats_connect(const struct nats_url *url, const struct nats_handlers *handlers,
	natsConnection **connection, jsCtx **js, struct fault *why);

/* Opens the stream, made if need be, with the limits of the options. *info is the caller's. */
int nats_stream_open(jsCtx *js, const struct nats_url *url,
	const struct store_nats_options *options, jsStreamInfo **info, struct fault *why);

/* What is in the stream, with the count of each subject. 0 or negative errno. */
int nats_stream_ask(jsCtx *js, const char *stream, jsStreamInfo **info);

/* The line about what libnats said of WHAT. Returns the negative errno. */
int nats_fault(struct fault *why, natsStatus status, const char *what);
