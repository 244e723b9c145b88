#include "server/access.h"

#include "test.h"

#include <errno.h>
#include <stdio.h>

#define TOKEN "q3Jm0gBfQ2b7Ew1sKx8yZ4vN"

static struct identity *add(struct access *a, const char *name, const char *token)
{
	struct proof proof = access_token_proof(bytes_text(token));
	struct identity *who = access_add(a, &proof, name);

	assert_non_null(who);
	return who;
}

static void grant(struct identity *who, const char *text)
{
	struct fault why = FAULT_NULL;

	assert_int_equal(access_grant(who, bytes_text(text), &why), 0);
}

static bool may(const struct access *a, const struct identity *who, enum access_right right,
	const char *name)
{
	return access_may(a, who, right, name ? bytes_text(name) : BYTES_NULL);
}

static void test_open_table_lets_anyone_do_anything(void **state)
{
	struct access a;

	access_init(&a);
	for (int i = 0; i < ACCESS_RIGHTS; i++) {
		assert_true(may(&a, &a.anyone, i, "lobby"));
		assert_true(may(&a, &a.anyone, i, NULL));
	}
	access_deinit(&a);
}

static void test_closed_table_lets_nobody_in(void **state)
{
	struct access a;

	access_init(&a);
	access_close(&a);
	for (int i = 0; i < ACCESS_RIGHTS; i++) {
		assert_false(may(&a, &a.anyone, i, "lobby"));
		assert_false(may(&a, &a.anyone, i, NULL));
	}
	access_deinit(&a);
}

static void test_first_identity_closes_the_table(void **state)
{
	struct access a;

	access_init(&a);
	struct identity *anna = add(&a, "anna", TOKEN);
	assert_false(may(&a, &a.anyone, ACCESS_READ, "lobby"));
	assert_false(may(&a, anna, ACCESS_READ, "lobby"));
	grant(&a.anyone, "read:news");
	assert_true(may(&a, &a.anyone, ACCESS_READ, "news"));
	assert_false(may(&a, &a.anyone, ACCESS_WRITE, "news"));
	access_deinit(&a);
}

static void test_grants(void **state)
{
	struct access a;

	access_init(&a);
	struct identity *anna = add(&a, "anna", TOKEN);
	grant(anna, "read,write:lobby");
	grant(anna, "ask:math.*");
	grant(anna, "files:in/*.txt");
	grant(anna, "status");
	assert_true(may(&a, anna, ACCESS_READ, "lobby"));
	assert_true(may(&a, anna, ACCESS_WRITE, "lobby"));
	assert_true(may(&a, anna, ACCESS_READ, NULL));
	assert_false(may(&a, anna, ACCESS_READ, "lobby2"));
	assert_false(may(&a, anna, ACCESS_READ, "lobb"));
	assert_false(may(&a, anna, ACCESS_READ, ""));
	assert_true(may(&a, anna, ACCESS_ASK, "math.add"));
	assert_true(may(&a, anna, ACCESS_ASK, "math."));
	assert_false(may(&a, anna, ACCESS_ASK, "math"));
	assert_false(may(&a, anna, ACCESS_SERVE, "math.add"));
	assert_false(may(&a, anna, ACCESS_SERVE, NULL));
	assert_true(may(&a, anna, ACCESS_GET, "in/a.txt"));
	assert_true(may(&a, anna, ACCESS_PUT, "in/deep/a.txt"));
	assert_false(may(&a, anna, ACCESS_PUT, "in/a.txt.exe"));
	assert_true(may(&a, anna, ACCESS_STATUS, NULL));
	access_deinit(&a);
}

static void test_patterns(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool fits;
	} cases[] = {
		{"*", "", true},
		{"*", "anything/at.all", true},
		{"a*", "a", true},
		{"*a", "banana", true},
		{"*an*an*", "banana", true},
		{"*an*an*an*", "banana", false},
		{"b*a", "banana", true},
		{"b**a", "ba", true},
		{"b*b", "b", false},
		{"a?c", "abc", false},
		{"[a]", "a", false},
		{"*abab", "ababab", true},
		{"lobby", "LOBBY", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct access a;
		char text[64];
		access_init(&a);
		access_close(&a);
		snprintf(text, sizeof(text), "read:%s", cases[i].pattern);
		grant(&a.anyone, text);
		assert_int_equal(may(&a, &a.anyone, ACCESS_READ, cases[i].name), cases[i].fits);
		access_deinit(&a);
	}
}

static void test_wrong_grants(void **state)
{
	static const char *const wrong[] = {"", ":", "read:", "reed", "read,", ",read", "Read",
		"read,,write", "read:a\nb", "read write"};
	struct access a;

	access_init(&a);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct fault why = FAULT_NULL;
		assert_int_equal(access_grant(&a.anyone, bytes_text(wrong[i]), &why), -EINVAL);
		assert_true(why.text[0]);
	}
	assert_int_equal(a.anyone.grant_count, 0);
	access_deinit(&a);
}

static void test_proofs(void **state)
{
	struct proof user = {.kind = IDENTITY_USER, .id = 1000};
	struct proof other = {.kind = IDENTITY_GROUP, .id = 1000};
	struct proof token = access_token_proof(BYTES_LITERAL(TOKEN));
	struct proof short_token = access_token_proof(bytes_of(TOKEN, strlen(TOKEN) - 1));
	struct access a;

	access_init(&a);
	struct identity *anna = add(&a, "anna", TOKEN);
	struct identity *bob = access_add(&a, &user, "bob");
	assert_ptr_equal(access_find(&a, &token), anna);
	assert_ptr_equal(access_find(&a, &user), bob);
	assert_null(access_find(&a, &short_token));
	assert_null(access_find(&a, &other));
	assert_true(access_knows(&a, IDENTITY_TOKEN));
	assert_false(access_knows(&a, IDENTITY_KEY));
	access_remove(anna);
	assert_null(access_find(&a, &token));
	assert_false(may(&a, &a.anyone, ACCESS_READ, "lobby"));
	access_deinit(&a);
}

static void test_equal(void **state)
{
	struct access a;

	access_init(&a);
	struct identity *one = add(&a, "anna", TOKEN), *two = add(&a, "anna", TOKEN);
	grant(one, "read:lobby");
	assert_false(identity_equal(one, two));
	grant(two, "read:lobby");
	assert_true(identity_equal(one, two));
	assert_false(identity_equal(one, add(&a, "bob", TOKEN)));
	assert_false(identity_equal(one, add(&a, NULL, TOKEN)));
	access_deinit(&a);
}

static void test_names(void **state)
{
	struct proof user = {.kind = IDENTITY_USER, .id = 1000};
	struct access a;

	access_init(&a);
	add(&a, "anna", TOKEN);
	assert_non_null(access_add(&a, &user, NULL));
	assert_true(access_has_name(&a, BYTES_LITERAL("anna")));
	assert_false(access_has_name(&a, BYTES_LITERAL("ann")));
	assert_false(access_has_name(&a, BYTES_LITERAL("")));
	access_deinit(&a);
}

static void test_phrases(void **state)
{
	char text[ACCESS_PHRASE_SIZE], name[1000];

	access_phrase(ACCESS_WRITE, BYTES_LITERAL("lobby"), text);
	assert_string_equal(text, "write to topic lobby");
	access_phrase(ACCESS_SERVE, BYTES_LITERAL("math"), text);
	assert_string_equal(text, "answer for service math");
	access_phrase(ACCESS_GET, BYTES_NULL, text);
	assert_string_equal(text, "get any file");
	access_phrase(ACCESS_STATUS, BYTES_NULL, text);
	assert_string_equal(text, "see the status");
	memset(name, 'x', sizeof(name));
	access_phrase(ACCESS_PUT, bytes_of(name, sizeof(name)), text);
	assert_int_equal(strlen(text), ACCESS_PHRASE_SIZE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_table_lets_anyone_do_anything),
		cmocka_unit_test(test_closed_table_lets_nobody_in),
		cmocka_unit_test(test_first_identity_closes_the_table),
		cmocka_unit_test(test_grants),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_wrong_grants),
		cmocka_unit_test(test_proofs),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_phrases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
