#include "hub/journal.h"

#include <stdlib.h>

#include "base/list.h"
#include "test.h"

/* What the journal should hold, kept the simple way. */
enum { ENTRIES = 4000 };

struct model {
	size_t count; /* entries ever */
	uint64_t start[ENTRIES];
	size_t len[ENTRIES];
	uint64_t origin[ENTRIES];
	uint64_t end;
};

static uint8_t byte_of(size_t entry, size_t at)
{
	return (uint8_t)(entry * 31 + at);
}

static void append(struct journal *j, struct model *m, size_t len, uint64_t origin)
{
	uint8_t *to = journal_reserve(j, len + (size_t)(rand() % 20));

	assert_non_null(to);
	for (size_t i = 0; i < len; i++)
		to[i] = byte_of(m->count, i);
	journal_commit(j, len, m->count * 3 + 1, origin);
	m->start[m->count] = m->end;
	m->len[m->count] = len;
	m->origin[m->count++] = origin;
	m->end += len;
}

/* All entries of other origins, from POSITION on, byte by byte. */
static void check_read(
	const struct journal *j, const struct model *m, uint64_t position, uint64_t origin)
{
	size_t entry = 0;
	size_t entries = 0;
	struct iovec spans[3];

	while (entry < m->count && m->start[entry] + m->len[entry] <= position)
		entry++;
	size_t at = entry < m->count ? position - m->start[entry] : 0;
	size_t passed = 0;
	for (size_t n; (n = journal_spans(j, &position, origin, spans, 1 + rand() % 3)) > 0;) {
		size_t total = 0;
		for (size_t i = 0; i < n; i++)
			total += spans[i].iov_len;
		assert_true(total > 0);
		size_t take = 1 + (size_t)rand() % total;
		size_t left = take;
		for (size_t i = 0; i < n && left; i++) {
			const uint8_t *data = spans[i].iov_base;
			for (size_t k = 0; k < spans[i].iov_len && left; k++, left--) {
				while (at == m->len[entry] ||
					(origin && m->origin[entry] == origin)) {
					entry++;
					at = 0;
				}
				assert_int_equal(data[k], byte_of(entry, at));
				if (++at == m->len[entry])
					entries++;
			}
		}
		passed += journal_advance(j, &position, origin, take);
	}
	for (entry += at > 0; entry < m->count; entry++)
		assert_true(origin && m->origin[entry] == origin);
	assert_int_equal(position, m->end);
	assert_int_equal(passed, entries);
}

static void check_entry(const struct journal *j, const struct model *m, size_t i)
{
	struct journal_entry e;

	assert_true(journal_entry(j, i, &e));
	assert_int_equal(e.number, i);
	assert_int_equal(e.id, i * 3 + 1);
	assert_int_equal(e.start, m->start[i]);
	assert_int_equal(e.end, m->start[i] + m->len[i]);
	assert_int_equal(e.origin, m->origin[i]);
	assert_int_equal(e.bytes.len, m->len[i]);
	assert_int_equal(journal_position_after(j, i * 3), m->start[i]);
	assert_int_equal(journal_position_after(j, i * 3 + 1), m->start[i] + m->len[i]);
	assert_true(journal_entry_at(j, m->start[i] + (size_t)rand() % m->len[i], &e));
	assert_int_equal(e.number, i);
}

static void check(const struct journal *j, const struct model *m)
{
	struct journal_entry e;

	assert_int_equal(j->next_number, m->count);
	assert_int_equal(j->end, m->end);
	assert_int_equal(j->last_id, m->count * 3 - 2);
	assert_true(j->start <= j->end);
	assert_false(journal_entry(j, j->first_number - 1, &e));
	assert_false(journal_entry(j, j->next_number, &e));
	assert_false(journal_entry_at(j, j->start - 1, &e));
	assert_false(journal_entry_at(j, j->end, &e));
	assert_int_equal(j->before_id, j->first_number ? j->first_number * 3 - 2 : 0);
	if (j->first_number == j->next_number)
		return;
	assert_int_equal(j->start, m->start[j->first_number]);
	for (int i = 0; i < 20; i++)
		check_entry(j, m,
			j->first_number + (size_t)rand() % (j->next_number - j->first_number));
	uint64_t position = j->start;
	if (j->end > j->start)
		position += (uint64_t)rand() % (j->end - j->start);
	check_read(j, m, position, 0);
	check_read(j, m, j->start, 1 + (uint64_t)rand() % 3);
}

static void follows_the_model(void **state)
{
	struct model *m = calloc(1, sizeof(*m));
	struct journal j;

	assert_non_null(m);
	srand(7);
	journal_init(&j, 0, 0);
	while (m->count < ENTRIES) {
		size_t len = (size_t)rand() % (rand() % 50 ? 200 : 400000);
		append(&j, m, len + 1, 1 + (uint64_t)rand() % 3);
		if (rand() % 100 == 0)
			check(&j, m);
		while (j.end - j.start > 2 << 20)
			journal_drop(&j);
		if (rand() % 500 == 0) {
			journal_clear(&j);
			assert_true(j.memory < 2 * JOURNAL_CHUNK_MAX);
			check(&j, m);
		}
		if (rand() % 1000 == 0) {
			journal_restart(&j, j.next_number, j.last_id);
			assert_int_equal(j.memory, 0);
			check(&j, m);
		}
	}
	journal_deinit(&j);
	free(m);
}

static void takes_entries_without_bytes(void **state)
{
	struct journal j;
	uint64_t position = 0;
	struct iovec spans[4];
	struct journal_entry e;

	journal_init(&j, 1, 0);
	for (uint64_t i = 1; i <= 6; i++) {
		uint8_t *to = journal_reserve(&j, 1);
		assert_non_null(to);
		*to = (uint8_t)('0' + i);
		journal_commit(&j, i % 2, i, i % 2);
	}
	assert_int_equal(journal_spans(&j, &position, 0, spans, 4), 1);
	assert_memory_equal(spans[0].iov_base, "135", 3);
	assert_int_equal(journal_spans(&j, &position, 1, spans, 4), 0);
	assert_int_equal(position, j.end);
	position = 0;
	assert_int_equal(journal_spans(&j, &position, 9, spans, 4), 1);
	assert_int_equal(spans[0].iov_len, 3);
	assert_true(journal_entry_at(&j, 1, &e));
	assert_int_equal(e.number, 3);
	journal_deinit(&j);
}

static void keeps_to_one_chunk_when_drained(void **state)
{
	struct journal j;
	struct model *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	journal_init(&j, 0, 0);
	for (int i = 0; i < 1000; i++) {
		append(&j, m, 100, 0);
		append(&j, m, 100, 0);
		journal_clear(&j);
	}
	assert_true(j.memory < JOURNAL_CHUNK_MIN + 1024);
	check(&j, m);
	journal_deinit(&j);
	free(m);
}

static void gives_memory_back_after_a_burst(void **state)
{
	struct journal j;
	struct model *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	journal_init(&j, 0, 0);
	for (int i = 0; i < 1000; i++)
		append(&j, m, 2000, 0);
	assert_true(j.memory > 2000000);
	for (int i = 0; i < 20; i++) {
		journal_clear(&j);
		append(&j, m, 10, 0);
	}
	assert_true(j.memory < 2 * JOURNAL_CHUNK_MIN);
	journal_deinit(&j);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_the_model),
		cmocka_unit_test(takes_entries_without_bytes),
		cmocka_unit_test(keeps_to_one_chunk_when_drained),
		cmocka_unit_test(gives_memory_back_after_a_burst),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
