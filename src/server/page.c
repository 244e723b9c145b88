#include "server/page.h"

static const struct asset {
	const char *path;
	const char *type;
	const uint8_t *data;
	const size_t *size;
} assets[] = {
	{"/", "text/html; charset=utf-8", page_index_html, &page_index_html_size},
	{"/assets/ferry.css", "text/css; charset=utf-8", page_ferry_css, &page_ferry_css_size},
	{"/assets/ferry.js", "text/javascript; charset=utf-8", page_ferry_js, &page_ferry_js_size},
};

/* The page loads what the hub serves and nothing else, and stands in nobody's frame. */
static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; "
			     "connect-src 'self'; img-src data:; base-uri 'none'; "
			     "form-action 'none'; frame-ancestors 'none'";

static void page_begin(struct exchange *x, const struct http_request *r)
{
	for (size_t i = 0; i < sizeof(assets) / sizeof(*assets); i++) {
		const struct asset *a = &assets[i];
		if (!bytes_equal(r->path, bytes_text(a->path)))
			continue;
		struct http_writer w = exchange_begin(x, 200);
		http_writer_text(&w, "Content-Type", a->type);
		http_writer_text(&w, "Content-Security-Policy", policy);
		http_writer_text(&w, "X-Content-Type-Options", "nosniff");
		http_writer_text(&w, "Referrer-Policy", "no-referrer");
		http_writer_text(&w, "Cache-Control", "no-cache");
		exchange_send(x, &w, bytes_of(a->data, *a->size));
		return;
	}
	exchange_refuse(x, 404, "there is no such asset");
}

const struct handler page_root = {.begin = page_begin};
const struct handler page_asset = {.begin = page_begin};
