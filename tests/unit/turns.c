/*
 * The order in which those who wait have their turn.
 */

#include "server/turns.h"

#include "test.h"

struct guest {
	struct list node;
	char name;
};

static struct guest *guests(const char *names)
{
	static struct guest all[8];

	for (size_t i = 0; names[i]; i++) {
		list_init(&all[i].node);
		all[i].name = names[i];
	}
	return all;
}

static char next(struct turns *t)
{
	struct list *node = turns_next(t);

	return (char)(node ? container_of(node, struct guest, node)->name : '-');
}

static void each_line_has_one_in_turn(void **state)
{
	struct guest *g = guests("ABCab1");
	struct turns t;
	struct turns_line lines[3];

	turns_init(&t);
	for (int i = 0; i < 3; i++)
		turns_line_init(&lines[i]);
	for (int i = 0; i < 6; i++)
		turns_join(&t, &lines[i < 3 ? 0 : i < 5 ? 1 : 2], &g[i].node);
	for (const char *c = "Aa1BbC-"; *c; c++)
		assert_int_equal(next(&t), *c);
}

static void who_comes_again_stands_behind(void **state)
{
	struct guest *g = guests("ABab");
	struct turns t;
	struct turns_line one, other;

	turns_init(&t);
	turns_line_init(&one);
	turns_line_init(&other);
	turns_join(&t, &one, &g[0].node);
	turns_join(&t, &one, &g[1].node);
	turns_join(&t, &other, &g[2].node);
	assert_int_equal(next(&t), 'A');
	turns_join(&t, &one, &g[0].node);
	for (const char *c = "aBA-"; *c; c++)
		assert_int_equal(next(&t), *c);
}

static void who_leaves_is_passed_over(void **state)
{
	struct guest *g = guests("ABa");
	struct turns t;
	struct turns_line one, other;

	turns_init(&t);
	turns_line_init(&one);
	turns_line_init(&other);
	turns_join(&t, &one, &g[0].node);
	turns_join(&t, &one, &g[1].node);
	turns_join(&t, &other, &g[2].node);
	list_unlink(&g[0].node);
	list_unlink(&g[2].node);
	assert_int_equal(next(&t), 'B');
	turns_line_deinit(&other);
	assert_int_equal(next(&t), '-');
	turns_join(&t, &one, &g[0].node);
	assert_int_equal(next(&t), 'A');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_has_one_in_turn),
		cmocka_unit_test(who_comes_again_stands_behind),
		cmocka_unit_test(who_leaves_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
