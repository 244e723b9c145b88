#include "hub/cursor.h"

#include "hub/hub_state.h"
#include "hub/replay.h"

void cursor_init(struct cursor *c, void (*ready)(struct cursor *c))
{
	*c = (struct cursor){.ready = ready};
	list_init(&c->node);
}

void cursor_deinit(struct cursor *c)
{
	struct tape *tape = c->tape;

	if (!tape)
		return;
	if (c->replay)
		replay_end(c->replay);
	list_unlink(&c->node);
	c->tape = NULL;
	c->error = 0;
	tape->subscribers--;
	tape->hub->counters.subscribers--;
	tape_release(tape);
}

static const struct journal *cursor_journal(const struct cursor *c)
{
	return c->replay ? &c->replay->journal : &c->tape->journal;
}

/* What the cursor is given, it leaves out of the tape only: a replay's journal was made for it. */
static uint64_t cursor_left_out(const struct cursor *c)
{
	return c->replay ? 0 : c->origin;
}

/* A replay that has nothing more to write goes live if the tape has all that follows; else it reads
 * on. */
static void cursor_settle(struct cursor *c)
{
	const struct journal *tape = &c->tape->journal;

	while (c->replay && !c->error && c->position == c->replay->journal.end) {
		uint64_t after_id = c->replay->after_id;
		if (replay_over(c->replay)) {
			replay_end(c->replay);
			c->position = journal_position_after(tape, after_id);
		} else if (!replay_read(c->replay)) {
			break;
		}
	}
}

size_t cursor_next(struct cursor *c, struct iovec *iov, size_t max)
{
	if (!c->tape)
		return 0;
	cursor_settle(c);
	if (c->error)
		return 0;
	return journal_spans(cursor_journal(c), &c->position, cursor_left_out(c), iov, max);
}

size_t cursor_next_message(struct cursor *c, struct iovec *iov)
{
	struct journal_entry e;

	if (!cursor_next(c, iov, 1))
		return 0;
	if (journal_entry_at(cursor_journal(c), c->position, &e))
		iov->iov_len = e.end - c->position;
	return 1;
}

void cursor_advance(struct cursor *c, size_t len)
{
	struct hub_counters *counters = &c->tape->hub->counters;

	counters->bytes_out += len;
	counters->messages_out +=
		journal_advance(cursor_journal(c), &c->position, cursor_left_out(c), len);
}

bool cursor_up_to_date(struct cursor *c)
{
	struct iovec iov;

	return c->tape && !cursor_next(c, &iov, 1) && !c->replay && !c->error;
}
