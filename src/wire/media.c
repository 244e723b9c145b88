#include "wire/media.h"

/* The part before the parameters. */
static struct bytes essence(struct bytes value)
{
	struct bytes type = value;

	bytes_cut(&value, ';', &type);
	return http_trim(type);
}

bool media_is(struct bytes content_type, const char *type)
{
	return bytes_equal_nocase(essence(content_type), bytes_text(type));
}

/* "0", "1", and at most three digits behind a dot, as thousandths (RFC 9110 section 12.4.2). */
static unsigned parse_weight(struct bytes text)
{
	unsigned weight = 0;
	unsigned place = 1000;

	if (!text.len || text.len > 5 || (text.len > 1 && text.data[1] != '.'))
		return 0;
	for (size_t i = 0; i < text.len; i++) {
		if (i == 1)
			continue;
		if (text.data[i] < '0' || text.data[i] > '9')
			return 0;
		weight += (unsigned)(text.data[i] - '0') * place;
		place /= 10;
	}
	return weight <= 1000 ? weight : 0;
}

static unsigned weight_of(struct bytes range)
{
	struct bytes part, name;

	http_split_next(&range, ';', &part);
	while (http_split_next(&range, ';', &part)) {
		part = http_trim(part);
		if (bytes_cut(&part, '=', &name) && bytes_equal_nocase(name, bytes_text("q")))
			return parse_weight(part);
	}
	return 1000;
}

/* How closely RANGE describes TYPE: 0 not at all, 1 as one of all, 2 as one of its kind, 3 by name.
 */
static int closeness(struct bytes range, struct bytes type)
{
	struct bytes kind;

	range = essence(range);
	type = essence(type);
	if (bytes_equal_nocase(range, type))
		return 3;
	if (bytes_equal(range, bytes_text("*/*")))
		return 1;
	if (!bytes_cut(&range, '/', &kind) || !bytes_equal(range, bytes_text("*")))
		return 0;
	return type.len > kind.len && type.data[kind.len] == '/' &&
			       bytes_equal_nocase(kind, bytes_of(type.data, kind.len))
		       ? 2
		       : 0;
}

/* The weight that the closest range gives TYPE. */
static unsigned weight_for(const struct http_fields *fields, struct bytes type, int *closest)
{
	struct bytes value, range;
	unsigned weight = 0;

	*closest = 0;
	for (size_t at = 0; http_fields_next(fields, "accept", &at, &value);) {
		while (http_list_next(&value, &range)) {
			int close = closeness(range, type);
			if (close > *closest) {
				*closest = close;
				weight = weight_of(range);
			}
		}
	}
	return weight;
}

size_t media_pick(const struct http_fields *fields, const char *const *offered, size_t count)
{
	size_t best = count;
	unsigned best_weight = 0;
	int closest;

	if (!http_fields_get(fields, "accept").data)
		return 0;
	for (size_t i = 0; i < count; i++) {
		unsigned weight = weight_for(fields, bytes_text(offered[i]), &closest);
		if (weight > best_weight) {
			best_weight = weight;
			best = i;
		}
	}
	return best;
}

bool media_names(const struct http_fields *fields, const char *type)
{
	int closest;

	return weight_for(fields, bytes_text(type), &closest) && closest == 3;
}
