#include "hub/table.h"

#include "hub/name.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

enum { NODES = 5000 };

struct thing {
	struct table_node node;
	char text[16];
};

static void count(void *data, struct table_node *node)
{
	(*(size_t *)data)++;
}

static void finds_what_was_put_in(void **state)
{
	struct table t;
	struct thing *things = calloc(NODES, sizeof(*things));
	size_t visited = 0;

	assert_non_null(things);
	table_init(&t);
	assert_null(table_find(&t, bytes_text("0")));
	assert_null(table_any(&t));
	for (int i = 0; i < NODES; i++) {
		snprintf(things[i].text, sizeof(things[i].text), "%d", i);
		things[i].node.key = bytes_text(things[i].text);
		assert_int_equal(table_insert(&t, &things[i].node), 0);
	}
	for (int i = 0; i < NODES; i += 2)
		table_remove(&t, &things[i].node);
	for (int i = 0; i < NODES; i++)
		assert_ptr_equal(
			table_find(&t, things[i].node.key), i % 2 ? &things[i].node : NULL);
	table_each(&t, count, &visited);
	assert_int_equal(visited, NODES / 2);
	for (struct table_node *node; (node = table_any(&t));)
		table_remove(&t, node);
	assert_int_equal(t.count, 0);
	table_deinit(&t);
	free(things);
}

static void keys_are_bytes(void **state)
{
	struct table t;
	struct table_node empty = {.key = BYTES_NULL};
	struct table_node nul = {.key = bytes_of("a\0b", 3)};

	table_init(&t);
	assert_int_equal(table_insert(&t, &empty), 0);
	assert_int_equal(table_insert(&t, &nul), 0);
	assert_ptr_equal(table_find(&t, BYTES_NULL), &empty);
	assert_ptr_equal(table_find(&t, bytes_of("a\0b", 3)), &nul);
	assert_null(table_find(&t, bytes_of("a\0c", 3)));
	assert_null(table_find(&t, bytes_text("a")));
	table_deinit(&t);
}

static void names_keep_the_rule(void **state)
{
	char longest[NAME_MAX_LEN + 2];

	memset(longest, 'x', sizeof(longest));
	assert_true(name_valid(bytes_text("azAZ09._-")));
	assert_true(name_valid(bytes_of(longest, NAME_MAX_LEN)));
	assert_false(name_valid(bytes_of(longest, NAME_MAX_LEN + 1)));
	assert_false(name_valid(BYTES_NULL));
	assert_false(name_valid(bytes_text("a/b")));
	assert_false(name_valid(bytes_text("a b")));
	assert_false(name_valid(bytes_text("\xc3\xa9")));
	assert_false(name_valid(bytes_of("a\0", 2)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_put_in),
		cmocka_unit_test(keys_are_bytes),
		cmocka_unit_test(names_keep_the_rule),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
