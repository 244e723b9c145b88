#include "server/route.h"

#include "server/desk.h"
#include "server/files.h"
#include "server/page.h"
#include "server/server.h"
#include "server/status.h"
#include "server/topics.h"

#include <stdio.h>

/* A path that ends with `*` takes what follows; the first row that fits counts. */
struct route {
	const char *path;
	const struct handler *handlers[HTTP_METHOD_OTHER]; /* by method; GET's takes HEAD too */
};

static const struct route routes[] = {
	{"/", {[HTTP_GET] = &page_root}},
	{"/assets/*", {[HTTP_GET] = &page_asset}},
	{"/topics/", {[HTTP_GET] = &topics_list}},
	{"/topics/*", {[HTTP_GET] = &topics_subscribe, [HTTP_POST] = &topics_publish}},
	{"/services/", {[HTTP_GET] = &desk_list}},
	{"/services/*", {[HTTP_POST] = &desk_post}},
	{"/status", {[HTTP_GET] = &status_json}},
	{"/metrics", {[HTTP_GET] = &status_metrics}},
};

/* Of a hub that keeps files. */
static const struct route file_routes[] = {
	{"/files/", {[HTTP_GET] = &files_list}},
	{"/files/*",
		{
			[HTTP_GET] = &files_get,
			[HTTP_PUT] = &files_put,
			[HTTP_POST] = &files_put,
			[HTTP_DELETE] = &files_delete,
		}},
	{"/uploads/*",
		{
			[HTTP_HEAD] = &uploads_head,
			[HTTP_PATCH] = &uploads_append,
			[HTTP_DELETE] = &uploads_cancel,
		}},
};

static const struct handler *route_handler(const struct route *route, enum http_method method)
{
	const struct handler *handler = route->handlers[method];

	return !handler && method == HTTP_HEAD ? route->handlers[HTTP_GET] : handler;
}

static bool route_fits(const struct route *route, struct bytes path)
{
	size_t len = strlen(route->path);

	if (route->path[len - 1] != '*')
		return bytes_equal(path, bytes_of(route->path, len));
	len--;
	return path.len > len && !memcmp(path.data, route->path, len);
}

static const struct route *route_among(const struct route *table, size_t count, struct bytes path)
{
	for (size_t i = 0; i < count; i++)
		if (route_fits(&table[i], path))
			return &table[i];
	return NULL;
}

static const struct route *route_by_path(const struct server *server, struct bytes path)
{
	const struct route *route = route_among(routes, sizeof(routes) / sizeof(*routes), path);

	if (!route && server->files)
		route = route_among(file_routes, sizeof(file_routes) / sizeof(*file_routes), path);
	return route;
}

/* The methods that ROUTE takes, as Allow has them. */
enum { ROUTE_ALLOW_SIZE = 64 };

static void route_allow(const struct route *route, char text[ROUTE_ALLOW_SIZE])
{
	char *to = text;

	for (enum http_method m = HTTP_GET; m < HTTP_OPTIONS; m++)
		if (route_handler(route, m))
			to += sprintf(to, "%s, ", http_method_name(m));
	sprintf(to, "OPTIONS");
}

/* No one reads a body that comes with such a request: the connection ends instead. */
static struct http_writer route_begin(struct exchange *x, int status, const char *allow)
{
	if (x->reading)
		x->keep_alive = false;
	struct http_writer w = exchange_begin(x, status);
	http_writer_text(&w, "Allow", allow);
	return w;
}

static void route_answer_options(struct exchange *x, const char *allow)
{
	struct http_writer w = route_begin(x, 204, allow);

	if (x->cors) {
		http_writer_text(&w, "Access-Control-Allow-Methods", allow);
		http_writer_text(&w, "Access-Control-Allow-Headers",
			"Authorization, Content-Digest, Content-Type, File-Mode, File-Time, "
			"Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, Range, "
			"Repr-Digest, Request-Timeout, Upload-Complete, "
			"Upload-Draft-Interop-Version, Upload-Length, Upload-Offset");
		http_writer_text(&w, "Access-Control-Max-Age", "600");
	}
	exchange_send_empty(x, &w);
}

static void route_answer_method(struct exchange *x, const char *allow)
{
	static const char detail[] = "{\"type\":\"about:blank\",\"title\":\"Method Not Allowed\","
				     "\"status\":405,\"detail\":\"see the field Allow\"}";
	struct http_writer w = route_begin(x, 405, allow);

	http_writer_text(&w, "Content-Type", "application/problem+json");
	exchange_send(x, &w, bytes_text(detail));
}

const struct handler *route_find(struct exchange *x, const struct http_request *r)
{
	char allow[ROUTE_ALLOW_SIZE];

	if (r->method == HTTP_METHOD_OTHER || r->method == HTTP_CONNECT ||
		r->method == HTTP_TRACE) {
		exchange_refuse(x, 501, "this hub does not know the method %.*s",
			(int)r->method_name.len, (const char *)r->method_name.data);
		return NULL;
	}
	if (r->method == HTTP_OPTIONS && bytes_equal(r->target, BYTES_LITERAL("*"))) {
		route_answer_options(x, "GET, HEAD, POST, OPTIONS");
		return NULL;
	}
	const struct route *route = route_by_path(x->connection->server, r->path);
	if (!route) {
		exchange_refuse(
			x, 404, "there is nothing at this path; try /, /topics/ or /status");
		return NULL;
	}
	const struct handler *handler = route_handler(route, r->method);
	if (handler)
		return handler;
	route_allow(route, allow);
	if (r->method == HTTP_OPTIONS)
		route_answer_options(x, allow);
	else
		route_answer_method(x, allow);
	return NULL;
}

struct bytes route_rest(const struct http_request *r, const char *prefix, void *to, size_t cap)
{
	size_t len = strlen(prefix);
	struct bytes rest;

	if (uri_path_decode(bytes_of(r->path.data + len, r->path.len - len), to, cap, &rest) < 0)
		return BYTES_NULL;
	return rest;
}
