#include "server/receipts.h"

#include "server/login.h"
#include "server/server.h"
#include "server/topics.h"
#include "wire/json.h"
#include "wire/uri.h"
#include "wire/websocket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { RECEIPT_MAX = 96, TOKEN_MAX = 128, NUMBER_MAX = 20 };

struct receipts {
	struct ticket ticket;
	struct connection *connection;
	struct buffer frames; /* of this turn */
	struct ending tell;
	bool failed;	  /* a receipt was lost for want of memory */
	uint64_t taken;	  /* number of the last message that came */
	uint64_t settled; /* and of the last one with a receipt, in a run of stored ones: */
	uint64_t run;	  /* how many; 0: it was refused, or was told */
	uint64_t id;	  /* of the last one */
	size_t key_len;	  /* up to the number */
	char key[ACCESS_NAME_MAX + 1 + TOKEN_MAX + 1 + NUMBER_MAX + 1]; /* TOKEN/NUMBER */
};

static void receipts_append(struct receipts *r, const uint8_t *text, size_t len)
{
	uint8_t *to;

	if (buffer_reserve(&r->frames, websocket_frame_size(len, false), &to) < 0)
		r->failed = true;
	else
		buffer_commit(&r->frames,
			websocket_frame(to, WEBSOCKET_OPCODE_TEXT, bytes_of(text, len), NULL));
}

static void receipts_end_run(struct receipts *r)
{
	uint8_t text[RECEIPT_MAX];

	if (r->run)
		receipts_append(r, text, json_message_stored(r->settled, r->id, r->run, text));
	r->run = 0;
}

static void receipts_add(struct receipts *r, int result, uint64_t id)
{
	uint8_t text[RECEIPT_MAX];

	if (result < 0 || id != r->id + 1)
		receipts_end_run(r);
	r->settled++;
	if (result < 0) {
		receipts_append(
			r, text, json_message_refused(r->settled, topics_status(result), text));
	} else {
		r->id = id;
		r->run++;
	}
	ending_ask(r->connection->stream.loop, &r->tell);
}

static void receipts_tell(struct ending *e)
{
	struct receipts *r = container_of(e, struct receipts, tell);
	struct connection *c = r->connection;

	receipts_end_run(r);
	struct buffer frames = r->frames;
	r->frames = BUFFER_NULL;
	if (r->failed)
		connection_close(c);
	else if (!c->leaving) /* nothing follows a close frame */
		connection_write(c, frames.data, buffer_len(&frames));
	buffer_deinit(&frames);
}

static void receipts_settled(struct ticket *t, int result, uint64_t id)
{
	receipts_add(container_of(t, struct receipts, ticket), result, id);
}

int receipts_publish(struct receipts *r, struct publish *p)
{
	p->ticket = &r->ticket;
	r->taken++;
	int len = snprintf(
		r->key + r->key_len, NUMBER_MAX + 2, "/%llu", (unsigned long long)r->taken);
	p->key = bytes_of(r->key, r->key_len + (size_t)len);
	int e = connection_publish(r->connection, p);
	if (e < 0 && (e == -EAGAIN || r->ticket.pending))
		return e;
	if (e < 0)
		receipts_add(r, e, 0);
	return 0;
}

/* Tokens are random as they are. */
static uint64_t receipts_origin(struct bytes token)
{
	return (bytes_hash(token) & (MESSAGE_ORIGIN_LASTING - 1)) | MESSAGE_ORIGIN_LASTING;
}

/* 0, -ENOENT when the query has none, -EINVAL for one that is no good. */
static int receipts_token(const struct http_request *r, char token[TOKEN_MAX], struct bytes *found)
{
	int e = r->query.data ? uri_query_get(r->query, "client", token, TOKEN_MAX, found)
			      : -ENOENT;
	if (e == -ENOENT)
		return e;
	return e < 0 || !name_valid(*found) ? -EINVAL : 0;
}

static int receipts_first(const struct http_request *r, uint64_t *first)
{
	char text[NUMBER_MAX];
	struct bytes found;

	*first = 1;
	int e = uri_query_get(r->query, "first", text, sizeof(text), &found);
	if (e == -ENOENT)
		return 0;
	if (e < 0 || http_parse_number(found, first) < 0 || !*first)
		return -EINVAL;
	return 0;
}

/* Keys belong to the name that uses them, as those of POST do. */
static void receipts_scope(struct receipts *r, struct bytes name)
{
	if (!name.len)
		return;
	memcpy(r->key, name.data, name.len);
	r->key[name.len] = '\n';
	r->key_len = name.len + 1;
}

int receipts_new(struct receipts **out, struct connection *c, const struct http_request *request)
{
	char token[TOKEN_MAX];
	struct bytes found;
	uint64_t first;

	*out = NULL;
	int e = receipts_token(request, token, &found);
	if (e == -ENOENT)
		return 0;
	if (e == 0)
		e = receipts_first(request, &first);
	if (e < 0)
		return e;
	struct receipts *r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->connection = c;
	r->ticket.settled = receipts_settled;
	r->taken = r->settled = first - 1;
	receipts_scope(r, login_name(c));
	memcpy(r->key + r->key_len, token, found.len);
	r->key_len += found.len;
	ending_init(&r->tell, receipts_tell);
	connection_known_as(c, receipts_origin(found));
	*out = r;
	return 0;
}

struct receipts *receipts_free(struct receipts *r)
{
	if (!r)
		return NULL;
	if (r->ticket.pending)
		hub_forget(r->connection->server->hub, &r->ticket);
	ending_cancel(&r->tell);
	buffer_deinit(&r->frames);
	free(r);
	return NULL;
}
