#include "client/reply.h"

#include "base/cleanup.h"
#include "wire/media.h"

#include <errno.h>
#include <jansson.h>

void reply_init(struct reply *r, enum http_method method)
{
	reply_deinit(r);
	*r = (struct reply){0};
	http_answer_init(&r->answer, method, REPLY_BODY_MAX);
}

void reply_begin(struct reply *r, const struct http_response *head)
{
	struct bytes type = http_fields_get(&head->fields, "Content-Type");

	buffer_consume(&r->body, buffer_len(&r->body));
	r->status = head->status;
	r->is_json =
		media_is(type, "application/json") || media_is(type, "application/problem+json");
}

void reply_add(struct reply *r, struct bytes piece)
{
	size_t room = REPLY_BODY_MAX - buffer_len(&r->body);

	/* It is for people: what memory has no room for is left out. */
	buffer_append(&r->body, piece.data, piece.len < room ? piece.len : room);
}

void reply_deinit(struct reply *r)
{
	buffer_deinit(&r->body);
}

int reply_next(struct reply *r, struct bytes *in, struct http_response *head)
{
	struct bytes piece;
	int e;

	for (;;) {
		e = http_answer_next(&r->answer, head, in, &piece);
		if (e == HTTP_ANSWER_INTERIM)
			continue;
		if (e != HTTP_DATA)
			break;
		if (buffer_append(&r->body, piece.data, piece.len) < 0)
			return -ENOMEM;
	}
	if (e == HTTP_ANSWER_HEAD)
		reply_begin(r, head);
	return e;
}

static json_t *reply_object(const struct reply *r)
{
	struct bytes body = buffer_bytes(&r->body);

	return r->is_json ? json_loadb((const char *)body.data, body.len, 0, NULL) : NULL;
}

uint64_t reply_number(const struct reply *r, const char *name)
{
	json_t *object = reply_object(r);
	json_int_t number = json_integer_value(json_object_get(object, name));

	json_decref(object);
	return number > 0 ? (uint64_t)number : 0;
}

int reply_error(int status)
{
	switch (status) {
	case 401:
	case 403:
	case 421:
		return -EACCES;
	case 408:
	case 429:
	case 502:
	case 503:
	case 504:
		return -EAGAIN;
	case 413:
		return -EMSGSIZE;
	case 507:
		return -ENOSPC;
	default:
		return status < 500 ? -EINVAL : -EIO;
	}
}

int reply_explain(const struct reply *r, struct fault *why)
{
	json_t *object = reply_object(r);
	const char *detail = json_string_value(json_object_get(object, "detail"));
	int error = reply_error(r->status);

	if (detail)
		fault_set(why, error, "the hub says: %s", detail);
	else
		reply_doubt(why, -EPROTO, "its answer is not a hub's");
	json_decref(object);
	return detail ? error : -EPROTO;
}

int reply_doubt(struct fault *why, int error, const char *what)
{
	return fault_set(why, error,
		"%s; is it a hub? (chat, send and follow reach others with --wire plain)", what);
}
