/*
 * Chunks stand in a ring of pointers, oldest first; each knows the offset and the number it begins
 * with, so a chunk is found by halving, and inside it an entry by its number at once, by its offset
 * or id by halving the marks. Nothing is allocated for an entry: marks and runs are arrays of the
 * chunk that grow with it and are used again with it.
 */

#include "hub/journal.h"

#include <stdlib.h>

#include "base/cleanup.h"

struct mark {
	uint64_t id;
	uint32_t end; /* of the entry, in the chunk */
	uint32_t run; /* that it belongs to */
};

struct run {
	uint64_t origin;
	uint32_t end; /* of its last entry, in the chunk */
};

struct chunk {
	uint64_t start;
	uint64_t first_number;
	struct mark *marks;
	struct run *runs;
	uint32_t mark_count;
	uint32_t mark_cap;
	uint32_t run_count;
	uint32_t run_cap;
	uint32_t len;
	uint32_t cap;
	uint8_t data[];
};

enum { MARKS_MIN = 16, ROOM_MIN = 8 };

static struct chunk *chunk_nth(const struct journal *j, size_t i)
{
	return j->chunks[(j->first + i) & (j->cap - 1)];
}

static struct chunk *chunk_newest(const struct journal *j)
{
	return j->count ? chunk_nth(j, j->count - 1) : NULL;
}

static size_t chunk_memory(const struct chunk *c)
{
	return sizeof(*c) + c->cap + c->mark_cap * sizeof(*c->marks) +
	       c->run_cap * sizeof(*c->runs);
}

static struct chunk *chunk_new(size_t cap)
{
	struct chunk *c = malloc(sizeof(*c) + cap);

	if (!c)
		return NULL;
	*c = (struct chunk){.cap = (uint32_t)cap};
	return c;
}

static struct chunk *chunk_free(struct chunk *c)
{
	if (c) {
		free(c->marks);
		free(c->runs);
		free(c);
	}
	return NULL;
}

static void chunk_reset(struct chunk *c, const struct journal *j)
{
	c->start = j->end;
	c->first_number = j->next_number;
	c->mark_count = 0;
	c->run_count = 0;
	c->len = 0;
}

/* Room for one more mark and one more run. */
static bool chunk_prepare(struct chunk *c)
{
	if (c->mark_count == c->mark_cap) {
		uint32_t cap = c->mark_cap ? c->mark_cap * 2 : MARKS_MIN;
		struct mark *marks = realloc(c->marks, cap * sizeof(*marks));
		if (!marks)
			return false;
		c->marks = marks;
		c->mark_cap = cap;
	}
	if (c->run_count == c->run_cap) {
		uint32_t cap = c->run_cap ? c->run_cap * 2 : ROOM_MIN;
		struct run *runs = realloc(c->runs, cap * sizeof(*runs));
		if (!runs)
			return false;
		c->runs = runs;
		c->run_cap = cap;
	}
	return true;
}

/* The first mark that ends behind AT; mark_count when there is none. */
static uint32_t chunk_mark_at(const struct chunk *c, uint32_t at)
{
	uint32_t low = 0;
	uint32_t high = c->mark_count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (c->marks[mid].end > at)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static void chunk_entry(const struct chunk *c, uint32_t i, struct journal_entry *e)
{
	uint32_t start = i ? c->marks[i - 1].end : 0;
	uint32_t end = c->marks[i].end;

	*e = (struct journal_entry){
		.bytes = {c->data + start, end - start},
		.start = c->start + start,
		.end = c->start + end,
		.number = c->first_number + i,
		.id = c->marks[i].id,
		.origin = c->runs[c->marks[i].run].origin,
	};
}

void journal_init(struct journal *j, uint64_t number, uint64_t after_id)
{
	*j = (struct journal){
		.next_size = JOURNAL_CHUNK_MIN,
		.first_number = number,
		.next_number = number,
		.before_id = after_id,
		.last_id = after_id,
	};
}

void journal_deinit(struct journal *j)
{
	for (size_t i = 0; i < j->count; i++)
		chunk_free(chunk_nth(j, i));
	chunk_free(j->spare);
	free(j->chunks);
	journal_init(j, j->next_number, j->last_id);
}

/* Room for one more pointer in the ring. */
static bool journal_widen(struct journal *j)
{
	if (j->count < j->cap)
		return true;
	size_t cap = j->cap ? j->cap * 2 : 2;
	struct chunk **chunks = malloc(cap * sizeof(struct chunk *));
	if (!chunks)
		return false;
	for (size_t i = 0; i < j->count; i++)
		chunks[i] = chunk_nth(j, i);
	free(j->chunks);
	j->chunks = chunks;
	j->cap = cap;
	j->first = 0;
	return true;
}

static struct chunk *journal_add(struct journal *j, size_t size)
{
	if (!journal_widen(j))
		return NULL;
	size_t cap = size > j->next_size ? size : j->next_size;
	struct chunk *c = NULL;
	if (j->spare && j->spare->cap >= size) {
		c = j->spare;
		j->spare = NULL;
	} else {
		c = chunk_new(cap);
		if (!c)
			return NULL;
		j->memory += chunk_memory(c);
	}
	if (j->next_size < JOURNAL_CHUNK_MAX)
		j->next_size *= 2;
	chunk_reset(c, j);
	j->chunks[(j->first + j->count++) & (j->cap - 1)] = c;
	return c;
}

uint8_t *journal_reserve(struct journal *j, size_t size)
{
	struct chunk *c = chunk_newest(j);

	if (size > UINT32_MAX / 2)
		return NULL;
	if (!c || c->cap - c->len < size)
		c = journal_add(j, size);
	if (!c)
		return NULL;
	size_t before = chunk_memory(c);
	bool ready = chunk_prepare(c);
	j->memory += chunk_memory(c) - before;
	return ready ? c->data + c->len : NULL;
}

void journal_commit(struct journal *j, size_t len, uint64_t id, uint64_t origin)
{
	struct chunk *c = chunk_newest(j);

	c->len += (uint32_t)len;
	if (!c->run_count || c->runs[c->run_count - 1].origin != origin)
		c->runs[c->run_count++] = (struct run){.origin = origin};
	c->marks[c->mark_count++] = (struct mark){id, c->len, c->run_count - 1};
	c->runs[c->run_count - 1].end = c->len;
	j->end += len;
	j->next_number++;
	j->last_id = id;
}

static void journal_give_up(struct journal *j, struct chunk *c)
{
	j->memory -= chunk_memory(c);
	chunk_free(c);
}

/* Takes the oldest chunk out of the ring. */
static struct chunk *journal_shift(struct journal *j)
{
	struct chunk *c = chunk_nth(j, 0);

	j->first = (j->first + 1) & (j->cap - 1);
	j->count--;
	if (c->mark_count)
		j->before_id = c->marks[c->mark_count - 1].id;
	j->first_number = c->first_number + c->mark_count;
	j->start = c->start + c->len;
	return c;
}

void journal_drop(struct journal *j)
{
	if (!j->count)
		return;
	struct chunk *c = journal_shift(j);
	if (!j->spare && c->cap == j->next_size)
		j->spare = c;
	else
		journal_give_up(j, c);
}

uint64_t journal_drop_end(const struct journal *j)
{
	if (!j->count)
		return j->end;
	const struct chunk *c = chunk_nth(j, 0);
	return c->start + c->len;
}

void journal_clear(struct journal *j)
{
	if (j->spare)
		journal_give_up(j, take(j->spare));
	while (j->count > 1)
		journal_give_up(j, journal_shift(j));
	if (!j->count)
		return;
	struct chunk *c = journal_shift(j);
	if (c->cap > JOURNAL_CHUNK_MAX || (c->cap > JOURNAL_CHUNK_MIN && c->len < c->cap / 8)) {
		size_t half = c->cap / 2;
		journal_give_up(j, c);
		j->next_size = half < JOURNAL_CHUNK_MIN	  ? JOURNAL_CHUNK_MIN
			       : half > JOURNAL_CHUNK_MAX ? JOURNAL_CHUNK_MAX
							  : half;
		return;
	}
	chunk_reset(c, j);
	j->chunks[(j->first + j->count++) & (j->cap - 1)] = c;
}

void journal_restart(struct journal *j, uint64_t number, uint64_t after_id)
{
	uint64_t end = j->end;

	journal_deinit(j);
	journal_init(j, number, after_id);
	j->start = end;
	j->end = end;
}

/* The index of the last chunk whose FIELD is VALUE or less; the first one when there is none. */
static size_t journal_find(const struct journal *j, size_t field, uint64_t value)
{
	size_t low = 0;
	size_t high = j->count - 1;

	for (size_t mid = high; low < high; mid = low + (high - low + 1) / 2) {
		const struct chunk *c = chunk_nth(j, mid);
		if (*(const uint64_t *)(const void *)((const char *)c + field) <= value)
			low = mid;
		else
			high = mid - 1;
	}
	return low;
}

bool journal_entry(const struct journal *j, uint64_t number, struct journal_entry *e)
{
	if (number < j->first_number || number >= j->next_number)
		return false;
	size_t i = journal_find(j, offsetof(struct chunk, first_number), number);
	const struct chunk *c = chunk_nth(j, i);
	chunk_entry(c, (uint32_t)(number - c->first_number), e);
	return true;
}

bool journal_entry_at(const struct journal *j, uint64_t position, struct journal_entry *e)
{
	if (position < j->start || position >= j->end)
		return false;
	size_t i = journal_find(j, offsetof(struct chunk, start), position);
	const struct chunk *c = chunk_nth(j, i);
	chunk_entry(c, chunk_mark_at(c, (uint32_t)(position - c->start)), e);
	return true;
}

uint64_t journal_position_after(const struct journal *j, uint64_t id)
{
	if (id >= j->last_id || j->first_number == j->next_number)
		return j->end;
	uint64_t low = j->first_number;
	uint64_t high = j->next_number - 1;
	struct journal_entry e = {0};
	while (low < high) {
		uint64_t mid = low + (high - low) / 2;
		journal_entry(j, mid, &e);
		if (e.id > id)
			high = mid;
		else
			low = mid + 1;
	}
	journal_entry(j, low, &e);
	return e.start;
}

/* Spans of one chunk from AT on, those of ORIGIN left out; *at is moved over such at the front. */
static size_t chunk_spans(
	const struct chunk *c, uint32_t *at, uint64_t origin, struct iovec *spans, size_t max)
{
	size_t n = 0;
	uint32_t from = *at;
	uint32_t mark = chunk_mark_at(c, from);

	if (mark == c->mark_count)
		return 0;
	for (uint32_t r = c->marks[mark].run; r < c->run_count; from = c->runs[r++].end) {
		const struct run *run = &c->runs[r];
		struct iovec *last = n ? &spans[n - 1] : NULL;
		if (run->origin == origin) {
			if (!n)
				*at = run->end;
		} else if (last && (uint8_t *)last->iov_base + last->iov_len == c->data + from) {
			last->iov_len += run->end - from;
		} else if (n == max) {
			break;
		} else if (run->end > from) {
			spans[n++] = (struct iovec){(void *)(c->data + from), run->end - from};
		}
	}
	return n;
}

size_t journal_spans(const struct journal *j, uint64_t *position, uint64_t origin,
	struct iovec *spans, size_t max)
{
	size_t n = 0;

	if (*position >= j->end)
		return 0;
	size_t i = journal_find(j, offsetof(struct chunk, start), *position);
	uint32_t at = (uint32_t)(*position - chunk_nth(j, i)->start);
	for (; i < j->count && n < max; i++, at = 0) {
		struct chunk *c = chunk_nth(j, i);
		if (!origin) {
			if (c->len > at)
				spans[n++] = (struct iovec){c->data + at, c->len - at};
			continue;
		}
		size_t more = chunk_spans(c, &at, origin, spans + n, max - n);
		if (!n)
			*position = c->start + at;
		n += more;
	}
	return n;
}

/* The number of the first entry that ends behind POSITION. */
static uint64_t journal_number_at(const struct journal *j, uint64_t position)
{
	struct journal_entry e;

	return journal_entry_at(j, position, &e) ? e.number : j->next_number;
}

size_t journal_advance(const struct journal *j, uint64_t *position, uint64_t origin, size_t len)
{
	size_t entries = 0;
	uint64_t number = journal_number_at(j, *position);
	struct iovec span;

	if (!origin) {
		*position += len;
		return journal_number_at(j, *position) - number;
	}
	while (len && journal_spans(j, position, origin, &span, 1)) {
		size_t step = len < span.iov_len ? len : span.iov_len;
		number = journal_number_at(j, *position);
		*position += step;
		len -= step;
		entries += journal_number_at(j, *position) - number;
	}
	return entries;
}
