#include "wire/http_answer.h"

enum { HEAD, BODY, WHOLE };

void http_answer_init(struct http_answer *answer, enum http_method method, uint64_t limit)
{
	*answer = (struct http_answer){.method = method, .limit = limit};
}

static int refuse(struct http_answer *answer, const char *detail)
{
	answer->detail = detail;
	return HTTP_REFUSED;
}

static int head_next(
	struct http_answer *answer, struct http_response *response, struct bytes *input)
{
	int r = http_response_parse(response, &answer->scan, *input, answer->method);
	if (r == HTTP_REFUSED)
		return refuse(answer, response->detail);
	if (r)
		return r;
	*input = bytes_skip(*input, response->len);
	if (http_response_is_interim(response)) {
		if (++answer->interim > HTTP_ANSWER_INTERIM_MAX)
			return refuse(answer, "nothing but interim answers");
		return HTTP_ANSWER_INTERIM;
	}
	answer->keep_alive = response->keep_alive;
	answer->state = BODY;
	r = http_body_init(
		&answer->body, response->framing, response->content_length, answer->limit);
	return r ? refuse(answer, answer->body.refusal.detail) : HTTP_ANSWER_HEAD;
}

int http_answer_next(struct http_answer *answer, struct http_response *response,
	struct bytes *input, struct bytes *piece)
{
	if (answer->detail)
		return HTTP_REFUSED;
	if (answer->state == HEAD)
		return head_next(answer, response, input);
	if (answer->state == WHOLE)
		return 0;
	int r = http_body_next(&answer->body, input, piece);
	if (r == HTTP_REFUSED)
		return refuse(answer, answer->body.refusal.detail);
	if (r == 0)
		answer->state = WHOLE;
	return r;
}

int http_answer_end(struct http_answer *answer)
{
	if (answer->detail)
		return HTTP_REFUSED;
	if (answer->state == HEAD)
		return refuse(answer, "the connection ended before the answer");
	if (answer->state == BODY && http_body_end(&answer->body))
		return refuse(answer, answer->body.refusal.detail);
	answer->state = WHOLE;
	return 0;
}
