#include "client/request.h"

#include "base/cleanup.h"
#include "base/secret.h"
#include "client/dialect.h"
#include "wire/uri.h"

#include <errno.h>

/* The name the hub is known by here. A socket that is no Internet socket has none: `localhost` is
 * what such a hub always goes by. */
static int request_host(struct buffer *to, const struct address *a)
{
	if (a->scheme->kind != ADDRESS_INET)
		return buffer_append(to, "localhost", 9);
	size_t len = strcspn(a->host, "%"); /* an IPv6 zone is our own affair */
	bool brackets = memchr(a->host, ':', len);
	return buffer_print(to, "%s%.*s%s:%u", brackets ? "[" : "", (int)len, a->host,
		brackets ? "]" : "", (unsigned)a->port);
}

int request_query(struct buffer *query, const char *name, const char *value)
{
	int r = buffer_print(query, "%c%s=", buffer_len(query) ? '&' : '?', name);

	return r < 0 ? r : uri_escape(query, bytes_text(value), "");
}

void request_begin_at(struct http_writer *w, struct buffer *out, const struct address *a,
	const struct link *l, enum http_method method, struct bytes target)
{
	cleanup(buffer_deinit) struct buffer host = BUFFER_NULL;
	cleanup(secret_forget) struct buffer credential = BUFFER_NULL;

	int r = request_host(&host, a);
	if (r == 0 && l->token)
		r = buffer_print(&credential, "Bearer %s", l->token);
	http_writer_request(w, out, method, target);
	http_writer_field(w, "Host", buffer_bytes(&host));
	http_writer_text(w, "User-Agent", "ferry/" FERRY_VERSION);
	if (buffer_len(&credential))
		http_writer_field(w, "Authorization", buffer_bytes(&credential));
	if (r < 0)
		w->error = r;
}

void request_begin(struct http_writer *w, struct buffer *out, const struct session *s,
	enum http_method method, struct bytes query)
{
	cleanup(buffer_deinit) struct buffer target = BUFFER_NULL;

	int r = buffer_append(&target, "/topics/", 8);
	if (r == 0)
		r = uri_escape(&target, bytes_text(s->topic), "");
	if (r == 0)
		r = buffer_append(&target, query.data, query.len);
	request_begin_at(w, out, &s->address, &s->link, method, buffer_bytes(&target));
	if (r < 0)
		w->error = r;
}
