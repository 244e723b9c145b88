#include "relay/probe.h"

#include "base/cleanup.h"
#include "net/dial.h"
#include "net/known.h"
#include "net/tls_stream.h"
#include "wire/http_answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	RETRY_MS = 50,
	SETTLE_MS = 20,	  /* an accepted connection that lives so long is one */
	REFUSAL_MS = 100, /* for an ICMP error to come back */
	ANSWER_MS = 5000, /* for a server to answer HTTP */
	DIALLING_MS = 5000,
	INPUT_MAX = 64 * 1024,
};

struct probe {
	struct loop *loop;
	struct address address;
	struct probe_options options;
	void (*done)(void *arg, struct probe *p);
	void *arg;
	struct dial *dial;
	struct stream stream;
	struct http_answer answer;
	struct buffer input;
	uv_timer_t timer;
	struct trust_check check;
	bool shaking; /* hands: TLS is not established */
	bool is_up;
	struct fault why;
};

/* ---- one attempt after the other ---- */

static void probe_try(uv_timer_t *timer);

static void probe_again(struct probe *p)
{
	stream_deinit(&p->stream);
	buffer_deinit(&p->input);
	p->shaking = false;
	uv_timer_start(&p->timer, probe_try, RETRY_MS, 0);
}

static void probe_succeed(struct probe *p)
{
	if (p->is_up)
		return;
	p->is_up = true;
	stream_deinit(&p->stream);
	uv_timer_stop(&p->timer);
	p->done(p->arg, p);
}

/* Whoever may not be trusted now will not be later. */
static void probe_give_up(struct probe *p)
{
	stream_deinit(&p->stream);
	uv_timer_stop(&p->timer);
	p->done(p->arg, p);
}

/* It was silent long enough. */
static void probe_on_settled(uv_timer_t *timer)
{
	probe_succeed(timer->data);
}

static void probe_on_no_answer(uv_timer_t *timer)
{
	struct probe *p = timer->data;

	fault_set(&p->why, -ETIMEDOUT, "it accepts, but does not answer");
	probe_again(p);
}

/* ---- what the server says ---- */

static void probe_read_lines(struct probe *p)
{
	struct bytes rest = buffer_bytes(&p->input);
	struct bytes line;
	size_t taken = 0;

	while (bytes_cut(&rest, '\n', &line)) {
		cleanup(cleanup_free) char *text = bytes_dup(line);
		taken += line.len + 1;
		if (text && line.len && text[line.len - 1] == '\r')
			text[line.len - 1] = '\0';
		if (text && regexec(p->options.line, text, 0, NULL, 0) == 0) {
			probe_succeed(p);
			return;
		}
		fault_set(&p->why, -ENOMSG, "no line that it said matches, the last was: %.100s",
			text ? text : "");
	}
	buffer_consume(&p->input, taken);
}

static void probe_read_answer(struct probe *p)
{
	struct bytes input = buffer_bytes(&p->input);
	struct http_response response;
	struct bytes piece;
	int event;

	do
		event = http_answer_next(&p->answer, &response, &input, &piece);
	while (event == HTTP_ANSWER_INTERIM);
	if (event == HTTP_MORE)
		return;
	if (event == HTTP_ANSWER_HEAD && response.status >= 200 && response.status < 400) {
		probe_succeed(p);
		return;
	}
	if (event == HTTP_ANSWER_HEAD)
		fault_set(&p->why, -EPROTO, "it answers with status %u", response.status);
	else
		fault_set(&p->why, -EPROTO, "it does not answer in HTTP");
	probe_again(p);
}

static void probe_on_received(struct stream *s, struct bytes data)
{
	struct probe *p = container_of(s, struct probe, stream);

	if (!p->options.line && !p->options.http) {
		probe_succeed(p);
		return;
	}
	if (buffer_len(&p->input) + data.len > INPUT_MAX ||
		buffer_append(&p->input, data.data, data.len) < 0) {
		fault_set(&p->why, -EPROTO, "what it says is too long");
		probe_again(p);
		return;
	}
	if (p->options.line)
		probe_read_lines(p);
	else
		probe_read_answer(p);
}

static void probe_on_ended(struct stream *s)
{
	struct probe *p = container_of(s, struct probe, stream);

	if (p->why.error != -ENOMSG)
		fault_set(&p->why, -EPIPE, "it accepts, but closes at once");
	probe_again(p);
}

static int probe_look(struct probe *p);

static void probe_on_failed(struct stream *s, int error)
{
	struct probe *p = container_of(s, struct probe, stream);

	fault_set(&p->why, error, "%s", strerror(-error));
	if (p->shaking)
		stream_fault(s, error, "no TLS", &p->why);
	else if (error == -EACCES && p->address.scheme->tls)
		trust_explain_refusal(p->options.trust, &p->why);
	if (error == -EACCES)
		probe_give_up(p);
	else
		probe_again(p);
}

static void probe_on_writable(struct stream *s)
{
	struct probe *p = container_of(s, struct probe, stream);

	if (!p->shaking)
		return;
	p->shaking = false;
	uv_timer_stop(&p->timer);
	int r = probe_look(p); /* a hub that does not let our key in says so now */
	if (r < 0)
		probe_on_failed(s, r);
}

static const struct stream_handler probe_handler = {
	.received = probe_on_received,
	.ended = probe_on_ended,
	.writable = probe_on_writable,
	.failed = probe_on_failed,
};

/* ---- connected ---- */

static int probe_ask(struct probe *p)
{
	struct buffer request = BUFFER_NULL;
	const char *host = p->address.host ? p->address.host : "localhost";
	bool literal = strchr(host, ':') != NULL;

	http_answer_init(&p->answer, HTTP_GET, UINT64_MAX);
	int r = buffer_print(&request,
		"GET %s HTTP/1.1\r\nHost: %s%s%s\r\nConnection: close\r\n\r\n", p->options.http,
		literal ? "[" : "", host, literal ? "]" : "");
	struct bytes text = buffer_bytes(&request);
	if (!r)
		r = stream_write(&p->stream, text.data, text.len);
	buffer_deinit(&request);
	return r;
}

/* What is to be seen of the connection, and for how long. 0 or a negative errno. */
static int probe_look(struct probe *p)
{
	if (p->address.type == SOCK_DGRAM) {
		uv_timer_start(&p->timer, probe_on_settled,
			p->address.scheme->kind == ADDRESS_UNIX ? 0 : REFUSAL_MS, 0);
		return p->address.scheme->kind == ADDRESS_UNIX ? 0
							       : stream_write(&p->stream, "", 0);
	}
	if (p->options.http) {
		uv_timer_start(&p->timer, probe_on_no_answer, ANSWER_MS, 0);
		return probe_ask(p);
	}
	if (!p->options.line)
		uv_timer_start(&p->timer, probe_on_settled, SETTLE_MS, 0);
	return 0;
}

static int probe_start_tls(struct probe *p)
{
	struct tls_context *context;
	struct tls_setup setup;

	int r = trust_context(p->options.trust, &context, &p->why);
	if (r < 0)
		return r;
	p->shaking = true;
	p->check = (struct trust_check){p->options.trust, &p->address};
	trust_setup(&p->check, &setup);
	setup.http = p->options.http;
	uv_timer_start(&p->timer, probe_on_no_answer, ANSWER_MS, 0);
	return tls_stream_start(&p->stream, context, &setup, BYTES_NULL);
}

static void probe_on_dialled(void *arg, struct channel *c, const struct fault *why)
{
	struct probe *p = arg;

	p->dial = NULL;
	if (!c) {
		p->why = *why;
		probe_again(p);
		return;
	}
	int r = stream_init(&p->stream, p->loop, c->in, &probe_handler);
	c->in = -1;
	c->out = -1;
	if (!r)
		r = p->address.scheme->tls ? probe_start_tls(p) : probe_look(p);
	if (r < 0) {
		fault_set(&p->why, r, "%s", strerror(-r));
		probe_again(p);
	}
}

static void probe_try(uv_timer_t *timer)
{
	struct probe *p = timer->data;

	int r = dial_start(&p->dial, p->loop, &p->address, DIALLING_MS, probe_on_dialled, p);
	if (r < 0)
		probe_again(p);
}

/* ---- life ---- */

static int probe_check(
	const struct address *a, const struct probe_options *options, struct fault *why)
{
	enum address_kind kind = a->scheme->kind;

	if (kind != ADDRESS_INET && kind != ADDRESS_UNIX && kind != ADDRESS_VSOCK &&
		kind != ADDRESS_VSOCK_UNIX)
		return fault_set(
			why, -EINVAL, "%s is no address that one waits for", a->scheme->form);
	if (a->type == SOCK_DGRAM && (options->http || options->line))
		return fault_set(
			why, -EINVAL, "%s: nobody answers datagrams by himself", a->scheme->name);
	/* Files that cannot be read are not waited for. */
	struct tls_context *context;
	return a->scheme->tls ? trust_context(options->trust, &context, why) : 0;
}

int probe_start(struct probe **out, struct loop *l, const struct address *a,
	const struct probe_options *options, void (*done)(void *arg, struct probe *p), void *arg,
	struct fault *why)
{
	int r = probe_check(a, options, why);
	if (r < 0)
		return r;
	cleanup(cleanup_free) char *text = address_format(a);
	cleanup(cleanup_free) struct probe *p = calloc(1, sizeof(*p));
	if (!text || !p || address_parse(&p->address, text, NULL) < 0)
		return fault_errno(why, -ENOMEM, "cannot wait");
	p->loop = l;
	p->options = *options;
	p->done = done;
	p->arg = arg;
	p->stream = STREAM_NULL;
	uv_timer_init(&l->uv, &p->timer);
	p->timer.data = p;
	uv_timer_start(&p->timer, probe_try, 0, 0);
	*out = take(p);
	return 0;
}

bool probe_is_up(const struct probe *p)
{
	return p->is_up;
}

const char *probe_why(const struct probe *p)
{
	return p->why.text[0] ? p->why.text : "it has not answered yet";
}

static void probe_on_closed(uv_handle_t *timer)
{
	struct probe *p = timer->data;

	address_deinit(&p->address);
	free(p);
}

struct probe *probe_free(struct probe *p)
{
	if (!p)
		return NULL;
	p->dial = dial_cancel(p->dial);
	stream_deinit(&p->stream);
	buffer_deinit(&p->input);
	uv_close((uv_handle_t *)&p->timer, probe_on_closed);
	return NULL;
}
