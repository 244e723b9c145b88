/*
 * POST /topics/T: the body is one message, or as application/x-ndjson one a line. The answer comes
 * after the store has all of it. Idempotency-Key makes a repeat harmless: a line's key is the
 * request's with its number.
 */

#include "base/cleanup.h"
#include "base/clock.h"
#include "server/login.h"
#include "server/server.h"
#include "server/topics.h"
#include "wire/json.h"
#include "wire/media.h"
#include "wire/plain.h"
#include "wire/put.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Behind the request's key: "/" and a line's number. */
enum { KEY_MAX = STORE_KEY_MAX - 21, LINE_EXTRA = 4096 };

struct posting {
	struct ticket ticket;
	struct exchange *exchange;
	struct buffer body; /* of a single message */
	struct plain lines; /* of many */
	uint64_t line;	    /* the number of the one being read */
	uint64_t count;	    /* messages given to the store */
	uint64_t last_id;
	int error;	    /* the first that the store had */
	struct fault wrong; /* with the first line that is no message */
	bool many;
	bool broken;   /* by such a line: those before it are stored, no more is taken */
	bool complete; /* the request has ended */
	uint8_t topic_len;
	uint8_t sender_len;
	uint8_t key_len;
	uint8_t topic[NAME_MAX_LEN];
	uint8_t sender[SENDER_MAX_LEN];
	uint8_t key[STORE_KEY_MAX];
};

int topics_status(int error)
{
	switch (-error) {
	case EINVAL:
		return 400;
	case EACCES:
		return 403;
	case EMSGSIZE:
		return 413;
	case EEXIST:
		return 422;
	case EDQUOT:
		return 429;
	case ENOSPC:
	case EROFS:
		return 507;
	default:
		return 503;
	}
}

static void posting_answer(struct posting *p)
{
	uint8_t text[96];

	if (p->error == -EEXIST) {
		exchange_refuse(p->exchange, 422, "%s",
			"Idempotency-Key: this key came with another body before; what it stored "
			"then stays");
		return;
	}
	if (p->error) {
		exchange_refuse(p->exchange, topics_status(p->error),
			"not everything is stored: %s", store_error(p->error));
		return;
	}
	if (p->broken) {
		exchange_refuse(p->exchange, 400, "line %llu: %s; the lines before it are stored",
			(unsigned long long)p->line, p->wrong.text);
		return;
	}
	uint8_t *at = put_literal(text, "{\"id\":");
	at = put_decimal(at, p->last_id);
	if (p->many) {
		at = put_literal(at, ",\"count\":");
		at = put_decimal(at, p->count);
	}
	at = put_literal(at, "}\n");
	exchange_answer(p->exchange, 200, "application/json", bytes_of(text, (size_t)(at - text)));
}

static void posting_settled(struct ticket *t, int result, uint64_t id)
{
	struct posting *p = container_of(t, struct posting, ticket);

	if (result < 0 && !p->error)
		p->error = result;
	if (id > p->last_id)
		p->last_id = id;
	if ((p->complete || p->broken) && !t->pending)
		posting_answer(p);
}

/* Gives one message to the hub; what the hub refuses at once is kept for the answer. */
static void posting_publish(struct posting *p, struct bytes body)
{
	struct server *s = p->exchange->connection->server;
	struct publish publish = {
		.message =
			{
				.time_ms = clock_real_ms(),
				.topic = bytes_of(p->topic, p->topic_len),
				.from = bytes_of(p->sender, p->sender_len),
				.body = body,
			},
		.key = bytes_of(p->key, p->key_len),
		.ticket = &p->ticket,
	};
	if (p->key_len && p->many)
		publish.key.len += (size_t)snprintf(
			(char *)p->key + p->key_len, 22, "/%llu", (unsigned long long)p->count);
	p->count++;
	allowance_count(p->exchange->connection, 1, body.len);
	/* Requests that share a connection need not be of one sender: no origin. */
	bool fits = body.len <= s->options.max_message;
	s->counters.unpublished += !fits;
	int r = fits ? server_publish(s, &publish) : -EMSGSIZE;
	if (r < 0 && !p->error)
		p->error = r;
}

static void posting_line(struct posting *p, struct bytes line)
{
	cleanup(json_line_deinit) struct json_line item = JSON_LINE_NULL;

	p->line++;
	int r = json_line_decode(line, &item, &p->wrong);
	if (r == JSON_MESSAGE)
		posting_publish(p, item.message.body);
	p->broken = r < 0;
}

/* Publishes lines of TEXT; END: it is all there is. */
static void posting_lines(struct posting *p, struct bytes text, bool end)
{
	size_t max = p->exchange->connection->server->options.max_message;
	struct bytes line;

	max = 2 * max + LINE_EXTRA; /* base64, escapes */
	while (!p->broken && plain_next(&p->lines, &text, max, &line) == PLAIN_LINE)
		posting_line(p, line);
	while (end && !p->broken && plain_flush(&p->lines, true, max, &line) == PLAIN_LINE)
		posting_line(p, line);
	if (p->broken && !p->ticket.pending)
		posting_answer(p);
}

/* Whoever is known by name has keys of their own, lest somebody else use them up: behind the name
 * and a byte that no field has. */
static bool publish_key(struct exchange *x, const struct http_request *r)
{
	struct posting *p = x->own;
	struct bytes key = http_fields_get_only(&r->fields, "Idempotency-Key");
	struct bytes name = login_name(x->connection);
	size_t scope = name.len ? name.len + 1 : 0;

	if (key.len > KEY_MAX - scope) {
		exchange_refuse(x, 400, "Idempotency-Key may have %zu bytes", KEY_MAX - scope);
		return false;
	}
	if (!key.len)
		return true;
	if (scope) {
		memcpy(p->key, name.data, name.len);
		p->key[name.len] = '\n';
	}
	memcpy(p->key + scope, key.data, key.len);
	p->key_len = (uint8_t)(scope + key.len);
	return true;
}

static void publish_begin(struct exchange *x, const struct http_request *r)
{
	struct posting *p = calloc(1, sizeof(*p));
	struct bytes topic, sender;

	x->own = p;
	if (allowance_refuses(x))
		return;
	if (!p) {
		exchange_refuse(x, 503, "the hub is out of memory; try again later");
		return;
	}
	p->exchange = x;
	p->ticket.settled = posting_settled;
	p->lines = PLAIN_NULL;
	if (!topics_name(x, r, p->topic, &topic) || !exchange_may(x, ACCESS_WRITE, topic) ||
		!topics_sender(x, r, p->sender, sizeof(p->sender), &sender))
		return;
	p->topic_len = (uint8_t)topic.len;
	p->sender_len = (uint8_t)sender.len;
	if (!publish_key(x, r))
		return;
	struct bytes type = http_fields_get(&r->fields, "Content-Type");
	p->many = media_is(type, "application/x-ndjson");
	x->patient = p->many;
	if (!p->many)
		exchange_limit(x, r, x->connection->server->options.max_message);
}

static void publish_body(struct exchange *x, struct bytes piece)
{
	struct posting *p = x->own;
	struct connection *c = x->connection;

	if (!p->many) {
		if (buffer_append(&p->body, piece.data, piece.len) < 0)
			exchange_refuse(x, 503, "the hub is out of memory; try again later");
		return;
	}
	if (!p->broken)
		posting_lines(p, piece, false);
	if (!x->answered && hub_is_full(c->server->hub))
		connection_await_store(c);
	else if (!x->answered)
		allowance_holds(c);
}

static void publish_complete(struct exchange *x)
{
	struct posting *p = x->own;

	if (!p->many)
		posting_publish(p, buffer_bytes(&p->body));
	else if (!p->broken)
		posting_lines(p, BYTES_NULL, true);
	if (x->answered)
		return;
	p->complete = true;
	if (!p->ticket.pending)
		posting_answer(p);
}

static void publish_close(struct exchange *x)
{
	struct posting *p = x->own;

	if (!p)
		return;
	struct server *s = x->connection->server;
	s->counters.unpublished += x->body.refusal.status == 413;
	if (p->ticket.pending)
		hub_forget(s->hub, &p->ticket);
	buffer_deinit(&p->body);
	plain_deinit(&p->lines);
	free(p);
}

const struct handler topics_publish = {
	.begin = publish_begin,
	.body = publish_body,
	.complete = publish_complete,
	.close = publish_close,
};
