#include "hub/nats_stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

enum {
	CONNECT_MS = 5000,
	RECONNECT_MS = 100,
	REPLY_MS = 2000,
	TRIES = 8, /* to open the stream */
	AGAIN_MS = 200,
	DUPLICATES_S = 120, /* JetStream's own default */
};

static const int64_t second_ns = 1000000000;

int nats_fault(struct fault *why, natsStatus status, const char *what)
{
	switch (status) {
	case NATS_CONNECTION_AUTH_FAILED:
	case NATS_NOT_PERMITTED:
		return fault_set(why, -EACCES, "%s: the server does not let us in", what);
	case NATS_NO_RESPONDERS:
		return fault_set(why, -ECONNREFUSED, "%s: the server has no JetStream (-js)", what);
	case NATS_NO_SERVER:
		return fault_set(why, -ECONNREFUSED, "%s: no NATS server answers there", what);
	case NATS_NO_MEMORY:
		return fault_errno(why, -ENOMEM, "%s", what);
	case NATS_TIMEOUT:
		return fault_errno(why, -ETIMEDOUT, "%s", what);
	case NATS_SECURE_CONNECTION_REQUIRED:
		return fault_set(why, -EPROTO, "%s: the server wants TLS (tls://HOST)", what);
	case NATS_SECURE_CONNECTION_WANTED:
		return fault_set(why, -EPROTO, "%s: the server has no TLS (nats://HOST)", what);
	case NATS_SSL_ERROR:
		return fault_set(why, -EPROTO,
			"%s: no authority of this system vouches for the server's certificate, "
			"or it has another name",
			what);
	case NATS_INVALID_ARG:
	case NATS_ADDRESS_MISSING:
		return fault_set(why, -EINVAL, "%s: not nats://HOST[:PORT][/STREAM]", what);
	default:
		return fault_set(why, -EIO, "%s: %s", what, natsStatus_GetText(status));
	}
}

int nats_url_parse(struct nats_url *url, const char *text, struct fault *why)
{
	const char *host = strstr(text, "://") + 3;
	const char *slash = strchr(host, '/');
	struct bytes name = bytes_text(slash && slash[1] ? slash + 1 : "ferry");

	url->server = slash ? strndup(text, (size_t)(slash - text)) : strdup(text);
	if (!url->server)
		return fault_errno(why, -ENOMEM, "cannot keep the store's address");
	const char *at = strrchr(url->server, '@');
	url->shown = at ? at + 1 : url->server + (host - text);
	url->secure = !strncmp(text, "tls:", 4);
	if (!name_valid(name) || name.len > NATS_STREAM_MAX || memchr(name.data, '.', name.len))
		return fault_set(why, -EINVAL,
			"%s: a stream's name has up to %d of A-Z a-z 0-9 _ -", url->shown,
			NATS_STREAM_MAX);
	memcpy(url->stream, name.data, name.len + 1);
	return 0;
}

void nats_url_deinit(struct nats_url *url)
{
	free(take(url->server));
}

static natsStatus set_handlers(natsOptions *o, const struct nats_handlers *h)
{
	natsStatus s = natsOptions_SetAllowReconnect(o, !h);

	if (!s && !h)
		s = natsOptions_SetMaxReconnect(o, -1);
	if (!s && !h)
		s = natsOptions_SetReconnectWait(o, RECONNECT_MS);
	if (!s && !h)
		s = natsOptions_SetReconnectJitter(o, RECONNECT_MS, RECONNECT_MS);
	if (!s && h)
		s = natsOptions_SetErrorHandler(o, h->failed, h->data);
	if (!s && h)
		s = natsOptions_SetClosedCB(o, h->closed, h->data);
	return s;
}

static natsStatus connect_to(const struct nats_url *url, const struct nats_handlers *handlers,
	natsConnection **connection)
{
	natsOptions *options = NULL;
	natsStatus s = natsOptions_Create(&options);

	if (!s)
		s = natsOptions_SetURL(options, url->server);
	if (!s && url->secure)
		s = natsOptions_SetSecure(options, true);
	if (!s)
		s = natsOptions_SetName(options, "ferry");
	if (!s)
		s = natsOptions_SetTimeout(options, CONNECT_MS);
	if (!s)
		s = set_handlers(options, handlers);
	if (!s)
		s = natsConnection_Connect(connection, options);
	natsOptions_Destroy(options);
	return s;
}

int nats_connect(const struct nats_url *url, const struct nats_handlers *handlers,
	natsConnection **connection, jsCtx **js, struct fault *why)
{
	natsConnection *made = NULL;
	jsOptions o;

	natsStatus s = connect_to(url, handlers, &made);
	if (s == NATS_SSL_ERROR && !url->secure)
		s = NATS_SECURE_CONNECTION_REQUIRED; /* libnats tries it unasked */
	if (s)
		return nats_fault(why, s, url->shown);
	jsOptions_Init(&o);
	o.Wait = REPLY_MS;
	s = natsConnection_JetStream(js, made, &o);
	if (s) {
		natsConnection_Destroy(made);
		return nats_fault(why, s, url->shown);
	}
	*connection = made;
	return 0;
}

/* Puts the limits that are asked for into C: whether there are any. */
static bool set_limits(jsStreamConfig *c, const struct store_nats_options *o)
{
	if (o->max_bytes)
		c->MaxBytes = (int64_t)o->max_bytes;
	if (o->max_messages)
		c->MaxMsgs = (int64_t)o->max_messages;
	if (o->max_age_ms)
		c->MaxAge = (int64_t)o->max_age_ms * 1000000;
	if (c->MaxAge && c->MaxAge < c->Duplicates)
		c->Duplicates = c->MaxAge;
	return o->max_bytes || o->max_messages || o->max_age_ms;
}

static natsStatus add_stream(
	jsCtx *js, const char *stream, const struct store_nats_options *o, jsStreamInfo **info)
{
	char subjects[NATS_STREAM_MAX + 3];
	const char *list[] = {subjects};
	jsStreamConfig c;

	snprintf(subjects, sizeof(subjects), "%s.*", stream);
	jsStreamConfig_Init(&c);
	c.Name = stream;
	c.Subjects = list;
	c.SubjectsLen = 1;
	c.Duplicates = DUPLICATES_S * second_ns;
	set_limits(&c, o);
	return js_AddStream(info, js, &c, NULL, NULL);
}

static natsStatus open_stream(
	jsCtx *js, const char *stream, const struct store_nats_options *o, jsStreamInfo **info)
{
	natsStatus s = js_GetStreamInfo(info, js, stream, NULL, NULL);

	if (s == NATS_NOT_FOUND)
		s = add_stream(js, stream, o, info);
	else if (!s && set_limits((*info)->Config, o))
		s = js_UpdateStream(NULL, js, (*info)->Config, NULL, NULL);
	jsStreamInfo_Destroy(take(*info));
	if (s)
		return s;
	return nats_stream_ask(js, stream, info) ? NATS_TIMEOUT : NATS_OK;
}

int nats_stream_ask(jsCtx *js, const char *stream, jsStreamInfo **info)
{
	jsOptions o;

	jsOptions_Init(&o);
	o.Stream.Info.SubjectsFilter = ">";
	return js_GetStreamInfo(info, js, stream, &o, NULL) ? -EIO : 0;
}

int nats_stream_open(jsCtx *js, const struct nats_url *url,
	const struct store_nats_options *options, jsStreamInfo **info, struct fault *why)
{
	natsStatus s = open_stream(js, url->stream, options, info);

	/* A server that has just started listens before its JetStream does. */
	for (int i = 0; i < TRIES && (s == NATS_TIMEOUT || s == NATS_NO_RESPONDERS); i++) {
		nats_Sleep(AGAIN_MS);
		s = open_stream(js, url->stream, options, info);
	}
	return s ? nats_fault(why, s, url->shown) : 0;
}
