/*
 * The handshakes of a crossing: with whoever came, before a target is dialled, so that who does not
 * speak TLS costs no target anything; and with the target, before a byte goes there.
 */

#include "relay/crossing.h"

#include <errno.h>

static void crossing_await_tls(struct crossing *c)
{
	c->shaking = true;
	deadline_set(&c->relay->start, &c->wait);
}

int crossing_start_tls_from(struct crossing *c)
{
	static const struct tls_setup anyone = {0};

	struct tls_context *context = tls_slot_get(c->route->slot);

	crossing_await_tls(c);
	int r = leg_start_tls(&c->from, context, &anyone);
	tls_context_unref(context);
	return r;
}

int crossing_start_tls_to(struct crossing *c)
{
	struct tls_context *context;
	struct tls_setup setup;

	int r = trust_context(c->relay->options.trust, &context, &c->why);
	if (r < 0)
		return r;
	c->check = (struct trust_check){c->relay->options.trust, crossing_target(c)};
	trust_setup(&c->check, &setup);
	crossing_await_tls(c);
	return leg_start_tls(&c->to, context, &setup);
}

int crossing_shake_hands(struct crossing *c, struct leg *leg)
{
	struct fault why = FAULT_NULL;

	int r = leg_shake_hands(leg, &why);
	if (r == 0) {
		c->shaking = false;
		deadline_clear(&c->wait);
	} else if (r != -EAGAIN) {
		fault_set(&c->why, r, "%s: no TLS: %s", leg->name, why.text);
	}
	return r;
}
