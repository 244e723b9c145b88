#pragma once

/*
 * A hub played by a test: it listens on a Unix socket, and answers what the test says.
 */

#include "client.h"
#include "wire/handshake.h"
#include "wire/http_request.h"
#include "wire/uri.h"
#include "wire/websocket.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

struct hub {
	struct told *told;
	int listener;
	int peer;
	char address[64];
	struct buffer in;    /* from the client, not looked at */
	struct buffer query; /* of the last request */
	struct websocket frames;
};

static inline void hub_listen(struct hub *h)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	*h = (struct hub){.peer = -1};
	h->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(h->listener, (struct sockaddr *)&name, sizeof(sa_family_t)), 0);
	assert_int_equal(listen(h->listener, 4), 0);
	socklen_t len = sizeof(name);
	getsockname(h->listener, (struct sockaddr *)&name, &len);
	snprintf(h->address, sizeof(h->address), "unix:@%.5s", name.sun_path + 1);
}

/* A hub that listens, and a session that is on its way to it. */
static inline struct hub *hub_start(struct session_options options)
{
	struct hub *h = calloc(1, sizeof(*h));

	hub_listen(h);
	options.address = h->address;
	h->told = told_new(&options);
	return h;
}

static inline void hub_read(struct hub *h)
{
	uint8_t *to;

	assert_int_equal(buffer_reserve(&h->in, 65536, &to), 0);
	ssize_t n = recv(h->peer, to, 65536, MSG_DONTWAIT);
	if (n > 0)
		buffer_commit(&h->in, (size_t)n);
	else
		loop_turn(&h->told->loop, false);
}

/* The next request's head, in memory of the input until the next read. */
static inline void hub_next(struct hub *h, struct http_request *request)
{
	struct http_scan scan = HTTP_SCAN_NULL;

	while (http_request_parse(request, &scan, buffer_bytes(&h->in)) == HTTP_MORE)
		hub_read(h);
	buffer_consume(&h->query, buffer_len(&h->query));
	buffer_append(&h->query, request->query.data, request->query.len);
}

/* The same, the first of the next connection. */
static inline void hub_accept(struct hub *h, struct http_request *request)
{
	if (h->peer >= 0)
		close(h->peer);
	buffer_consume(&h->in, buffer_len(&h->in));
	while ((h->peer = accept4(h->listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
		loop_turn(&h->told->loop, true);
	hub_next(h, request);
}

static inline void hub_write(struct hub *h, const void *data, size_t len)
{
	assert_int_equal(send(h->peer, data, len, 0), len);
}

static inline void hub_drop(struct hub *h)
{
	close(h->peer);
	h->peer = -1;
}

static inline bool hub_was_asked(struct hub *h, const char *name, const char *value)
{
	char text[64];
	struct bytes found;

	int r = uri_query_get(buffer_bytes(&h->query), name, text, sizeof(text), &found);
	if (!value)
		return r == -ENOENT;
	return r == 0 && bytes_equal(found, bytes_text(value));
}

static inline void hub_free(struct hub *h)
{
	told_free(h->told);
	if (h->peer >= 0)
		close(h->peer);
	close(h->listener);
	buffer_deinit(&h->in);
	buffer_deinit(&h->query);
	websocket_deinit(&h->frames);
	free(h);
}
