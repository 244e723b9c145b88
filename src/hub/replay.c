#include "hub/replay.h"

#include <errno.h>
#include <stdlib.h>

#include "hub/hub_state.h"

static struct hub *replay_hub(const struct replay *r)
{
	return r->cursor->tape->hub;
}

/* Keeps the hub's count of the memory of all replays. */
static void replay_charge(struct replay *r)
{
	size_t *all = &replay_hub(r)->counters.replay_bytes;

	*all = *all - r->charged + r->journal.memory;
	r->charged = r->journal.memory;
}

/* Room in the journal, or the cursor has failed. */
static uint8_t *replay_room(struct replay *r, size_t size)
{
	uint8_t *to = r->cursor->error ? NULL : journal_reserve(&r->journal, size);

	if (!to && !r->cursor->error)
		r->cursor->error = -ENOMEM;
	return to;
}

void replay_skip(struct replay *r, uint64_t n)
{
	uint8_t *to = replay_room(r, TAPE_SKIPPED_MAX);

	if (!to)
		return;
	size_t len = r->cursor->tape->format->skipped(n, to);
	journal_commit(&r->journal, len, r->after_id, 0);
	replay_hub(r)->counters.skipped += n;
}

/* The store gives one message of the batch. */
static void replay_message(struct store_read *read, const struct message *m)
{
	struct replay *r = container_of(read, struct replay, read);
	const struct tape_format *format = r->cursor->tape->format;

	bool counted = r->counted && m->seq;
	if (counted && m->seq > r->after_seq + 1)
		replay_skip(r, m->seq - r->after_seq - 1);
	else if (!counted && r->told && read->lost)
		replay_skip(r, 0);
	read->lost = read->lost && counted;
	r->after_id = m->id;
	r->after_seq = m->seq;
	r->counted = m->seq != 0;
	if (r->cursor->origin && m->origin == r->cursor->origin)
		return;
	uint8_t *to = replay_room(r, format->size(m));
	if (to)
		journal_commit(&r->journal, format->encode(m, to), m->id, 0);
}

/* The whole batch was given: what is missing behind its last message is told, too. */
static void replay_reach(struct replay *r)
{
	const struct store_read *read = &r->read;

	if (r->counted && read->upto_seq > r->after_seq)
		replay_skip(r, read->upto_seq - r->after_seq);
	else if ((!r->counted || read->upto_seq < r->after_seq) && r->told && read->lost)
		replay_skip(r, 0);
	if (r->after_id < read->upto)
		r->after_id = read->upto;
	r->after_seq = read->upto_seq;
	r->counted = true;
	r->told = true;
	r->since_ms = 0;
}

static void replay_done(struct store_read *read, int result)
{
	struct replay *r = container_of(read, struct replay, read);
	struct cursor *c = r->cursor;

	c->tape->reading--;
	if (result < 0)
		c->error = result;
	else
		replay_reach(r);
	replay_charge(r);
	if (!r->inside)
		c->ready(c);
}

int replay_begin(struct cursor *c, uint64_t after_id)
{
	struct replay *r = malloc(sizeof(*r));

	if (!r)
		return -ENOMEM;
	*r = (struct replay){.cursor = c, .after_id = after_id, .told = true};
	r->read.message = replay_message;
	r->read.done = replay_done;
	journal_init(&r->journal, 0, 0);
	c->replay = r;
	c->position = 0;
	c->tape->hub->counters.replays++;
	c->tape->hub->counters.replaying++;
	return 0;
}

void replay_fall(struct cursor *c)
{
	const struct journal *tape = &c->tape->journal;
	uint64_t position = c->position;
	uint64_t id = tape->last_id;
	uint64_t seq = tape->next_number - 1;
	struct journal_entry e = {0};
	struct bytes rest = BYTES_NULL;

	if (journal_entry_at(tape, position, &e)) {
		struct journal_entry before;
		if (position > e.start) {
			rest = bytes_of(e.bytes.data + (position - e.start), e.end - position);
			id = e.id;
			seq = e.number;
		} else {
			id = journal_entry(tape, e.number - 1, &before) ? before.id
									: tape->before_id;
			seq = e.number - 1;
		}
	}
	c->error = replay_begin(c, id);
	if (c->error)
		return;
	c->replay->after_seq = seq;
	c->replay->counted = true;
	uint8_t *to = rest.len ? replay_room(c->replay, rest.len) : NULL;
	if (to) {
		memcpy(to, rest.data, rest.len);
		journal_commit(&c->replay->journal, rest.len, id, 0);
	}
	replay_charge(c->replay);
}

bool replay_over(const struct replay *r)
{
	return !r->read.pending && !r->since_ms &&
	       r->after_id >= r->cursor->tape->journal.before_id;
}

bool replay_read(struct replay *r)
{
	struct hub *hub = replay_hub(r);

	if (r->read.pending)
		return false;
	journal_clear(&r->journal);
	r->cursor->position = r->journal.end;
	r->read.topic = r->cursor->tape->topic->node.key;
	r->read.after_id = r->after_id;
	r->read.since_ms = r->since_ms;
	r->read.max_bytes = hub->options.replay_bytes;
	r->cursor->tape->reading++;
	r->inside = true;
	store_read(hub->store, &r->read);
	r->inside = false;
	return !r->read.pending;
}

void replay_end(struct replay *r)
{
	struct hub *hub = replay_hub(r);

	if (r->read.pending)
		r->cursor->tape->reading--;
	store_cancel(hub->store, &r->read);
	journal_deinit(&r->journal);
	replay_charge(r);
	hub->counters.replaying--;
	r->cursor->replay = NULL;
	free(r);
}
