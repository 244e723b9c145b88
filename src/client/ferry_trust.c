/*
 * ferry.h: trust.
 */

#include "client/context.h"
#include "net/trust.h"

#include <errno.h>
#include <string.h>

void ferry_trust_options_init(struct ferry_trust_options *options, size_t size)
{
	const struct ferry_trust_options presets = {.size = size};

	memset(options, 0, size);
	memcpy(options, &presets, context_known(size, sizeof(presets)));
}

static bool on_met(void *data, const struct contact *c)
{
	const struct ferry *f = data;

	return f->met(f->met_data, c->address, c->pin);
}

int ferry_trust(struct ferry *f, const struct ferry_trust_options *options)
{
	struct ferry_trust_options own = {0};

	if (f->trust)
		return fault_set(&f->why, -EBUSY, "hubs are trusted in some way already");
	memcpy(&own, options, context_known(options->size, sizeof(own)));
	f->met = own.met;
	f->met_data = own.data;
	const struct trust_options trust = {
		.directory = own.key_dir,
		.ca_file = own.ca,
		.token = own.token,
		.ask = f->met ? on_met : NULL,
		.data = f,
	};
	f->trust = trust_new(&trust, &f->why);
	return f->trust ? 0 : f->why.error;
}

int context_make_trust(struct ferry *f)
{
	const struct ferry_trust_options options = ferry_trust_options();

	return f->trust ? 0 : ferry_trust(f, &options);
}
