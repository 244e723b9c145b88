#pragma once

/*
 * Topic: a name and its tapes, one for each format in use. Exists while it has a subscriber; its
 * history is the store's.
 */

#include "base/message.h"
#include "hub/table.h"
#include "hub/tape.h"

struct topic {
	struct hub *hub;
	struct table_node node; /* in the hub's table, by name */
	struct list tapes;
	bool listed; /* in the hub_topics under way */
	char name[];
};

/* The topic of that (valid) name, made if need be; 0, -EDQUOT or -ENOMEM. */
int topic_open(struct hub *hub, struct bytes name, struct topic **topic);

/* Frees the topic if it has no tape left. */
void topic_release(struct topic *topic);

/* The topic's tape in FORMAT, made if need be, whose first entry comes after all that the store has
 * now; 0 or -ENOMEM. */
int topic_tape(struct topic *topic, const struct tape_format *format, struct tape **tape);

/* Puts M on every tape. */
void topic_append(struct topic *topic, const struct message *m);

size_t topic_subscribers(const struct topic *topic);
