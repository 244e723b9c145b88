/*
 * ferry.h: services
 */

#include "base/cleanup.h"
#include "client/serving.h"

#include <errno.h>
#include <stdlib.h>

enum { WORKERS_MAX = 1024, MAX_BODY = 16 * 1024 * 1024 };

/* ---- the hub ---- */

void service_on_hub(struct ferry_service *s, const struct fault *why)
{
	if (s->there == !why)
		return;
	s->there = !why;
	if (why)
		context_failed(s->ferry, why);
	if (s->options.hub)
		s->options.hub(s->options.data, why ? why->error : 0);
}

void service_on_refused(struct ferry_service *s, const struct fault *why)
{
	if (s->why.error)
		return;
	s->why = *why;
	context_failed(s->ferry, why);
	for (size_t i = 0; i < s->count; i++)
		if (s->servings[i].state == SERVING_IDLE)
			clerk_break(&s->servings[i].clerk);
	if (s->options.closed)
		s->options.closed(s->options.data, why->error);
}

/* ---- life ---- */

void ferry_serve_options_init(struct ferry_serve_options *options, size_t size)
{
	const struct ferry_serve_options presets = {
		.size = size,
		.type = "application/octet-stream",
		.workers = 1,
		.max_body = MAX_BODY,
	};

	memset(options, 0, size);
	memcpy(options, &presets, context_known(size, sizeof(presets)));
}

static void service_release(struct ending *e)
{
	struct ferry_service *s = container_of(e, struct ferry_service, release);

	for (size_t i = 0; i < s->count; i++) {
		buffer_deinit(&s->servings[i].body);
		buffer_deinit(&s->servings[i].texts);
	}
	address_deinit(&s->address);
	free(s->servings);
	free(s->name);
	free(s->type);
	free(s);
}

/* Its memory stays until the turn ends: it may be in use further down. */
struct ferry_service *ferry_service_free(struct ferry_service *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->count; i++)
		clerk_deinit(&s->servings[i].clerk);
	context_remove(&s->part);
	ending_ask(&s->ferry->loop, &s->release);
	context_touch(s->ferry);
	return NULL;
}

static int service_start(struct ferry_service *s, size_t count)
{
	s->servings = calloc(count, sizeof(*s->servings));
	if (!s->servings || !s->name || !s->type)
		return -ENOMEM;
	while (s->count < count) {
		struct serving *v = &s->servings[s->count++];
		v->service = s;
		list_init(&v->node);
		int r = clerk_init(&v->clerk, &s->ferry->loop, &s->address, s->ferry->trust,
			s->name, &serving_clerk);
		if (r < 0)
			return r;
		v->clerk.goes_on = s->options.request != NULL;
		clerk_next(&v->clerk);
	}
	return 0;
}

static int service_open(struct ferry_service *s, const char *address, const char *name)
{
	const struct ferry_serve_options *o = &s->options;
	struct fault *why = &s->ferry->why;

	if (o->workers < 1 || o->workers > WORKERS_MAX)
		return fault_set(why, -EINVAL, "workers are 1 to %d", WORKERS_MAX);
	if (o->piece && !o->request)
		return fault_set(why, -EINVAL, "`piece` needs `request`");
	int r = context_make_trust(s->ferry);
	if (r == 0)
		r = address_parse(&s->address, address, why);
	if (r < 0)
		return r;
	s->name = strdup(name);
	s->type = strdup(o->type ? o->type : "application/octet-stream");
	r = service_start(s, (size_t)o->workers);
	return r < 0 ? fault_errno(why, r, "cannot serve '%s'", name) : 0;
}

static void service_end(struct context_part *p)
{
	ferry_service_free(container_of(p, struct ferry_service, part));
}

struct ferry_service *ferry_serve(struct ferry *f, const char *address, const char *service,
	const struct ferry_serve_options *options)
{
	struct ferry_service *s = calloc(1, sizeof(*s));

	if (!s) {
		fault_errno(&f->why, -ENOMEM, "%s", address);
		return NULL;
	}
	s->ferry = f;
	s->address = ADDRESS_NULL;
	list_init(&s->ready);
	ending_init(&s->release, service_release);
	ferry_serve_options_init(&s->options, sizeof(s->options));
	memcpy(&s->options, options, context_known(options->size, sizeof(s->options)));
	context_add(f, &s->part, service_end);
	context_touch(f);
	return service_open(s, address, service) < 0 ? ferry_service_free(s) : s;
}

/* ---- requests ---- */

static bool service_has_ready(const void *arg)
{
	const struct ferry_service *s = arg;

	return !list_empty(&s->ready) || s->why.error;
}

int ferry_take(struct ferry_service *s, struct ferry_request **r, int timeout_ms)
{
	int e = context_wait(s->ferry, service_has_ready, s, timeout_ms);

	if (e < 0)
		return e;
	if (list_empty(&s->ready))
		return context_failed(s->ferry, &s->why);
	struct serving *v = container_of(s->ready.next, struct serving, node);
	list_unlink(&v->node);
	*r = &v->request;
	serving_hand_out(v);
	return 0;
}

/* ---- the end ---- */

static bool service_is_idle(const void *arg)
{
	const struct ferry_service *s = arg;

	for (size_t i = 0; i < s->count; i++)
		if (s->servings[i].state != SERVING_IDLE)
			return false;
	return true;
}

int ferry_service_finish(struct ferry_service *s, int timeout_ms)
{
	s->finishing = true;
	for (size_t i = 0; i < s->count; i++) {
		struct serving *v = &s->servings[i];
		if (v->state == SERVING_IDLE)
			serving_leave(v);
		else if (v->state == SERVING_READY)
			ferry_request_drop(&v->request);
	}
	return context_wait(s->ferry, service_is_idle, s, timeout_ms);
}
