#include "cli/option.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void *option_place(const struct option_entry *o, void *settings)
{
	return (char *)settings + o->offset;
}

static int option_parse_number(const char *text, uint64_t *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return errno || *end ? -EINVAL : 0;
}

int option_parse_size(const char *text, uint64_t *bytes)
{
	static const char units[] = "kmgt";
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	uint64_t n = strtoull(text, &end, 10);
	if (errno)
		return -EINVAL;
	if (*end) {
		const char *unit = strchr(units, *end | 0x20);
		unsigned shift = unit && *unit ? (unsigned)(unit - units + 1) * 10 : 0;
		if (!shift || n > UINT64_MAX >> shift)
			return -EINVAL;
		if (end[1] && strcasecmp(end + 1, "b") && strcasecmp(end + 1, "ib"))
			return -EINVAL;
		n <<= shift;
	}
	*bytes = n;
	return 0;
}

static int option_append(struct option_list *list, const struct option_entry *o, const char *text)
{
	const char **texts = reallocarray(list->texts, list->count + 1, sizeof(*texts));
	if (!texts)
		return -ENOMEM;
	list->texts = texts;
	const struct option_entry **options =
		reallocarray(list->options, list->count + 1, sizeof(*options));
	if (!options)
		return -ENOMEM;
	list->options = options;
	texts[list->count] = text;
	options[list->count++] = o;
	return 0;
}

static void option_list_deinit(struct option_list *list)
{
	free(list->texts);
	free(list->options);
	*list = (struct option_list){0};
}

static int option_store_amount(
	const struct option_entry *o, const char *text, uint64_t *to, struct fault *why)
{
	static const char *const wants[] = {
		[OPTION_NUMBER] = "a number",
		[OPTION_SIZE] = "a size such as 64k or 1M",
		[OPTION_SPAN] = "a time such as 500ms, 30s or 10m",
	};
	int r;

	if (o->type == OPTION_NUMBER)
		r = option_parse_number(text, to);
	else if (o->type == OPTION_SIZE)
		r = option_parse_size(text, to);
	else
		r = clock_parse_span(text, to);
	if (r < 0)
		return fault_set(why, r, "--%s takes %s, not '%s'", o->name, wants[o->type], text);
	if (*to < o->min && !o->max)
		return fault_set(why, -EINVAL, "--%s takes %llu or more, not '%s'", o->name,
			(unsigned long long)o->min, text);
	if (*to < o->min || (o->max && *to > o->max))
		return fault_set(why, -EINVAL, "--%s takes %llu to %llu, not '%s'", o->name,
			(unsigned long long)o->min, (unsigned long long)o->max, text);
	return 0;
}

int option_store(const struct option_entry *o, const char *text, void *settings, struct fault *why)
{
	void *to = option_place(o, settings);

	switch (o->type) {
	case OPTION_FLAG:
		*(bool *)to = true;
		return 0;
	case OPTION_TEXT:
		*(const char **)to = text;
		return 0;
	case OPTION_LIST:
		return option_append(to, o, text);
	default:
		return option_store_amount(o, text, to, why);
	}
}

void options_preset(const struct option_entry *table, void *settings)
{
	for (const struct option_entry *o = table; o->name; o++)
		if (o->preset)
			option_store(o, o->preset, settings, NULL);
}

void options_release(const struct option_entry *table, void *settings)
{
	for (const struct option_entry *o = table; o->name; o++)
		if (o->type == OPTION_LIST)
			option_list_deinit(option_place(o, settings));
}
