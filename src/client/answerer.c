#include "client/answerer_kind.h"

static struct answerer *answerer_of(struct clerk *c)
{
	return container_of(c, struct answerer, clerk);
}

void answerer_note(struct answerer *a, const char *line)
{
	a->options.noted(a->options.data, line);
}

/* ---- from one request to the next ---- */

static void answerer_on_next(struct ending *e)
{
	struct answerer *a = container_of(e, struct answerer, next);

	if (a->busy)
		a->kind->clear(a);
	a->busy = a->over = a->made = false;
	if (a->stopping)
		a->options.done(a->options.data, &a->why);
	else
		clerk_next(&a->clerk);
}

static void answerer_settle(struct answerer *a)
{
	if (a->over && a->made)
		ending_ask(a->loop, &a->next);
}

void answerer_made(struct answerer *a)
{
	a->made = true;
	answerer_settle(a);
}

void answerer_give_up(struct answerer *a)
{
	clerk_break(&a->clerk);
	a->over = true;
	answerer_settle(a);
}

/* ---- the clerk ---- */

static void answerer_on_request(struct clerk *c, const struct http_response *r)
{
	struct answerer *a = answerer_of(c);

	a->busy = true;
	a->kind->start(a, r);
}

static void answerer_on_body(struct clerk *c, struct bytes piece)
{
	struct answerer *a = answerer_of(c);

	a->kind->body(a, piece);
}

static void answerer_on_whole(struct clerk *c)
{
	struct answerer *a = answerer_of(c);

	a->kind->whole(a);
}

static void answerer_on_writable(struct clerk *c)
{
	struct answerer *a = answerer_of(c);

	a->kind->writable(a);
}

static void answerer_on_over(struct clerk *c, const struct fault *why)
{
	struct answerer *a = answerer_of(c);

	a->over = true;
	if (!a->made)
		a->kind->dismiss(a);
	answerer_settle(a);
}

static void answerer_on_hub(struct clerk *c, const struct fault *why)
{
	struct answerer *a = answerer_of(c);

	if (why && a->options.with_hub) {
		clerk_break(c);
		answerer_stop(a);
	} else {
		a->options.hub(a->options.data, why);
	}
}

static void answerer_on_refused(struct clerk *c, const struct fault *why)
{
	struct answerer *a = answerer_of(c);

	a->why = *why;
	a->stopping = true;
	ending_ask(a->loop, &a->next);
}

static const struct clerk_handler answerer_clerk = {
	.request = answerer_on_request,
	.body = answerer_on_body,
	.whole = answerer_on_whole,
	.writable = answerer_on_writable,
	.over = answerer_on_over,
	.hub = answerer_on_hub,
	.refused = answerer_on_refused,
};

/* ---- life ---- */

struct answerer *answerer_new(struct loop *l, const struct answerer_options *options)
{
	const struct answerer_kind *kind = options->to ? &answerer_forward : &answerer_command;
	struct answerer *a = kind->new ();

	if (!a)
		return NULL;
	a->kind = kind;
	a->loop = l;
	a->options = *options;
	a->clerk = CLERK_NULL;
	ending_init(&a->next, answerer_on_next);
	int r = clerk_init(
		&a->clerk, l, options->address, options->trust, options->service, &answerer_clerk);
	if (r == 0)
		r = kind->init(a);
	if (r < 0)
		return answerer_free(a);
	ending_ask(l, &a->next);
	return a;
}

void answerer_stop(struct answerer *a)
{
	a->stopping = true;
	if (!a->busy)
		ending_ask(a->loop, &a->next);
}

struct answerer *answerer_free(struct answerer *a)
{
	if (!a)
		return NULL;
	clerk_deinit(&a->clerk);
	ending_cancel(&a->next);
	a->kind->free(a);
	return NULL;
}
