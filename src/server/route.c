#include "server/route.h"

#include "server/desk.h"
#include "server/page.h"
#include "server/status.h"
#include "server/topics.h"

#include <stdio.h>

/* A path that ends with `*` takes what follows; the first row that fits counts. */
static const struct route {
	const char *path;
	const struct handler *get; /* HEAD too */
	const struct handler *post;
} routes[] = {
	{"/", &page_root, NULL},
	{"/assets/*", &page_asset, NULL},
	{"/topics/", &topics_list, NULL},
	{"/topics/*", &topics_subscribe, &topics_publish},
	{"/services/", &desk_list, NULL},
	{"/services/*", NULL, &desk_post},
	{"/status", &status_json, NULL},
	{"/metrics", &status_metrics, NULL},
};

static bool route_fits(const struct route *route, struct bytes path)
{
	size_t len = strlen(route->path);

	if (route->path[len - 1] != '*')
		return bytes_equal(path, bytes_of(route->path, len));
	len--;
	return path.len > len && !memcmp(path.data, route->path, len);
}

static const struct route *route_by_path(struct bytes path)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++)
		if (route_fits(&routes[i], path))
			return &routes[i];
	return NULL;
}

static const char *route_allow(const struct route *route)
{
	if (!route->post)
		return "GET, HEAD, OPTIONS";
	return route->get ? "GET, HEAD, POST, OPTIONS" : "POST, OPTIONS";
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
			"Authorization, Content-Type, Idempotency-Key, Last-Event-ID, "
			"Request-Timeout");
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
	const struct handler *handler = NULL;

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
	const struct route *route = route_by_path(r->path);
	if (!route) {
		exchange_refuse(
			x, 404, "there is nothing at this path; try /, /topics/ or /status");
		return NULL;
	}
	if (r->method == HTTP_OPTIONS) {
		route_answer_options(x, route_allow(route));
		return NULL;
	}
	if (r->method == HTTP_GET || r->method == HTTP_HEAD)
		handler = route->get;
	else if (r->method == HTTP_POST)
		handler = route->post;
	if (!handler)
		route_answer_method(x, route_allow(route));
	return handler;
}

struct bytes route_rest(const struct http_request *r, const char *prefix, void *to, size_t cap)
{
	size_t len = strlen(prefix);
	struct bytes rest;

	if (uri_path_decode(bytes_of(r->path.data + len, r->path.len - len), to, cap, &rest) < 0)
		return BYTES_NULL;
	return rest;
}
