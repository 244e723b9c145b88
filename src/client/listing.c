#include "client/listing.h"

#include "base/cleanup.h"
#include "client/file_target.h"

#include <errno.h>
#include <jansson.h>

void listing_deinit(struct listing *l)
{
	for (size_t i = 0; i < l->count; i++) {
		free(l->entries[i].name);
		free(l->entries[i].time);
	}
	free(l->entries);
	*l = LISTING_NULL;
}

static int listing_read_entry(struct listing_entry *e, const json_t *object)
{
	const json_t *name = json_object_get(object, "name"),
		     *size = json_object_get(object, "size");
	const char *time = json_string_value(json_object_get(object, "time"));
	const char *sha256 = json_string_value(json_object_get(object, "sha256"));
	uint8_t digest[SHA256_SIZE];

	if (!json_is_string(name) || !json_is_integer(size) || json_integer_value(size) < 0)
		return -EPROTO;
	*e = (struct listing_entry){.size = (uint64_t)json_integer_value(size)};
	if (sha256 && sha256_from_hex(bytes_text(sha256), digest) == 0)
		sha256_to_hex(digest, e->sha256);
	e->name = strdup(json_string_value(name));
	e->time = strdup(time ? time : "");
	return e->name && e->time ? 0 : -ENOMEM;
}

static int listing_compare(const void *a, const void *b)
{
	const struct listing_entry *one = a, *other = b;

	return strcmp(one->name, other->name);
}

static int listing_read(struct listing *l, const json_t *array)
{
	size_t count = json_array_size(array);

	if (!json_is_array(array))
		return -EPROTO;
	l->entries = calloc(count + 1, sizeof(*l->entries));
	if (!l->entries)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		l->count = i + 1;
		int r = listing_read_entry(&l->entries[i], json_array_get(array, i));
		if (r < 0)
			return r;
	}
	if (count)
		qsort(l->entries, count, sizeof(*l->entries), listing_compare);
	return 0;
}

int listing_parse(struct listing *l, struct bytes text)
{
	json_t *array = json_loadb((const char *)text.data, text.len, 0, NULL);

	*l = LISTING_NULL;
	int r = listing_read(l, array);
	json_decref(array);
	if (r < 0)
		listing_deinit(l);
	return r;
}

/* It ends with a `/`, which may be left out. */
static int listing_target(struct buffer *target, const char *directory)
{
	size_t len = strlen(directory);

	int r = file_target(target, strcmp(directory, "/") != 0 ? directory : "");
	if (r == 0 && len && directory[len - 1] != '/')
		r = buffer_append(target, "/", 1);
	return r;
}

int listing_fetch(struct listing *l, struct fetch *f, const char *directory, struct fault *why)
{
	cleanup(buffer_deinit) struct buffer target = BUFFER_NULL;
	cleanup(buffer_deinit) struct buffer body = BUFFER_NULL;

	*l = LISTING_NULL;
	int r = listing_target(&target, directory);
	if (r < 0)
		return fault_errno(why, r, "%s", directory);
	r = fetch_ask(f, HTTP_GET, buffer_bytes(&target), &body, why);
	if (r < 0)
		return r;
	r = listing_parse(l, buffer_bytes(&body));
	return r < 0 ? fault_errno(why, r, "cannot read the hub's list of files") : 0;
}
