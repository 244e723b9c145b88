#include "hub/tape.h"

#include <stdlib.h>

#include "hub/hub_state.h"
#include "hub/replay.h"

struct tape *tape_new(struct topic *topic, const struct tape_format *format, uint64_t after_id)
{
	struct tape *tape = malloc(sizeof(*tape));

	if (!tape)
		return NULL;
	*tape = (struct tape){.hub = topic->hub, .topic = topic, .format = format};
	list_init(&tape->dirty);
	list_init(&tape->cursors);
	list_init(&tape->unserved);
	journal_init(&tape->journal, 0, after_id);
	list_push(&topic->tapes, &tape->of_topic);
	return tape;
}

/* Keeps the hub's count of the memory of all tapes. */
static void tape_charge(struct tape *tape)
{
	size_t *all = &tape->hub->counters.tape_bytes;

	*all = *all - tape->charged + tape->journal.memory;
	tape->charged = tape->journal.memory;
}

void tape_release(struct tape *tape)
{
	struct topic *topic = tape->topic;

	if (tape->subscribers || tape->flushing)
		return;
	journal_deinit(&tape->journal);
	tape_charge(tape);
	list_unlink(&tape->of_topic);
	list_unlink(&tape->dirty);
	free(tape);
	topic_release(topic);
}

/* Sends every live cursor that has not reached END to the store. */
static void tape_fall(struct tape *tape, uint64_t end)
{
	struct list *lists[] = {&tape->cursors, &tape->unserved};

	for (size_t i = 0; i < 2; i++) {
		list_each (node, lists[i]) {
			struct cursor *c = container_of(node, struct cursor, node);
			if (!c->replay && !c->error && c->position < end)
				replay_fall(c);
		}
	}
}

/* Begins anew behind AFTER_ID with NUMBER; whoever is live reads from the store up to there. */
static void tape_restart(struct tape *tape, uint64_t number, uint64_t after_id)
{
	tape_fall(tape, UINT64_MAX);
	journal_restart(&tape->journal, number, after_id);
}

/* Drops the oldest while the tape, or all tapes together, are over their bound. */
static void tape_bound(struct tape *tape)
{
	const struct hub *hub = tape->hub;
	struct journal *j = &tape->journal;

	tape_charge(tape);
	while (j->count > 1 && (j->memory > hub->options.tape_bytes ||
				       hub->counters.tape_bytes > hub->options.tapes_bytes)) {
		tape_fall(tape, journal_drop_end(j));
		journal_drop(j);
		tape_charge(tape);
	}
}

void tape_append(struct tape *tape, const struct message *m)
{
	struct hub *hub = tape->hub;
	struct journal *j = &tape->journal;

	if (j->next_number != m->seq) {
		if (j->first_number == j->next_number)
			j->first_number = j->next_number = m->seq;
		else
			tape_restart(tape, m->seq, j->last_id);
	}
	uint8_t *to = journal_reserve(j, tape->format->size(m));
	if (to)
		journal_commit(j, tape->format->encode(m, to), m->id, m->origin);
	else
		tape_restart(tape, m->seq + 1, m->id);
	if (list_empty(&tape->dirty)) {
		list_push(&hub->dirty, &tape->dirty);
		hub_want_flush(hub);
	}
	if (j->end - tape->flushed > hub->options.tape_bytes / 4)
		hub->brimming = true;
	if (j->memory != tape->charged)
		tape_bound(tape);
}

/* Drops what every live cursor has passed. Not while one waits for the store: what it will be given
 * reaches to where the tape begins now. */
static void tape_trim(struct tape *tape)
{
	struct journal *j = &tape->journal;
	uint64_t passed = j->end;

	if (tape->reading)
		return;
	list_each (node, &tape->cursors) {
		const struct cursor *c = container_of(node, struct cursor, node);
		if (!c->replay && !c->error && c->position < passed)
			passed = c->position;
	}
	if (passed == j->end)
		journal_clear(j);
	while (passed < j->end && journal_drop_end(j) <= passed)
		journal_drop(j);
	tape_charge(tape);
}

void tape_flush(struct tape *tape)
{
	list_splice(&tape->unserved, &tape->cursors);
	tape->flushing = true;
	while (!list_empty(&tape->unserved)) {
		struct cursor *c = container_of(tape->unserved.next, struct cursor, node);
		list_unlink(&c->node);
		list_push(&tape->cursors, &c->node);
		c->ready(c);
	}
	tape->flushing = false;
	tape->flushed = tape->journal.end;
	if (tape->subscribers)
		tape_trim(tape);
	else
		tape_release(tape);
}

void tape_tick(struct tape *tape)
{
	struct journal *j = &tape->journal;

	if (j->memory && j->start == j->end && j->end == tape->ticked) {
		journal_restart(j, j->next_number, j->last_id);
		tape_charge(tape);
	}
	tape->ticked = j->end;
}
