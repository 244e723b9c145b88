#include "hub/topic.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "hub/hub_state.h"

static int topic_new(struct hub *hub, struct bytes name, struct topic **out)
{
	cleanup(cleanup_free) struct topic *topic = malloc(sizeof(*topic) + name.len);

	if (!topic)
		return -ENOMEM;
	*topic = (struct topic){.hub = hub};
	list_init(&topic->tapes);
	memcpy(topic->name, name.data, name.len);
	topic->node.key = bytes_of(topic->name, name.len);
	int r = table_insert(&hub->topics, &topic->node);
	if (r < 0)
		return r;
	hub->counters.topics++;
	*out = take(topic);
	return 0;
}

int topic_open(struct hub *hub, struct bytes name, struct topic **topic)
{
	*topic = hub_topic(hub, name);
	if (*topic)
		return 0;
	if (hub->counters.topics >= hub->options.max_topics)
		return -EDQUOT;
	return topic_new(hub, name, topic);
}

void topic_release(struct topic *topic)
{
	struct hub *hub = topic->hub;

	if (!list_empty(&topic->tapes))
		return;
	if (hub->recent == topic)
		hub->recent = NULL;
	table_remove(&hub->topics, &topic->node);
	hub->counters.topics--;
	free(topic);
}

int topic_tape(struct topic *topic, const struct tape_format *format, struct tape **tape)
{
	list_each (node, &topic->tapes) {
		*tape = container_of(node, struct tape, of_topic);
		if ((*tape)->format == format)
			return 0;
	}
	*tape = tape_new(topic, format, topic->hub->store->state.last_id);
	return *tape ? 0 : -ENOMEM;
}

void topic_append(struct topic *topic, const struct message *m)
{
	list_each (node, &topic->tapes)
		tape_append(container_of(node, struct tape, of_topic), m);
}

size_t topic_subscribers(const struct topic *topic)
{
	size_t n = 0;

	list_each (node, &topic->tapes)
		n += container_of(node, struct tape, of_topic)->subscribers;
	return n;
}
