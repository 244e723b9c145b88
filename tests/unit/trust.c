/* Whose key is taken for the hub's: the decision as a table, and what a refusal says and leaves. */

#include "test.h"

#include "base/cleanup.h"
#include "net/known.h"
#include "net/tls.h"
#include "net/trust.h"
#include "test_file.h"

#include <errno.h>

#define PIN_A "sha256:abc-_fghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPI"
#define PIN_B "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static struct pin pin_of(const char *text)
{
	struct pin p;

	assert_int_equal(pin_parse(&p, text), 0);
	return p;
}

/* The hub always shows A. */
static const struct {
	const char *pinned;
	bool doubted;
	bool own_authority;
	const char *known;
	enum trust_verdict verdict;
} table[] = {
	/* A pin decides alone, whatever else is known. */
	{PIN_A, false, false, NULL, TRUST_PINNED},
	{PIN_A, true, false, NULL, TRUST_PINNED},
	{PIN_A, true, true, NULL, TRUST_PINNED},
	{PIN_A, true, false, PIN_B, TRUST_PINNED},
	{PIN_B, false, false, NULL, TRUST_WRONG_PIN},
	{PIN_B, false, true, PIN_A, TRUST_WRONG_PIN},
	{PIN_B, true, false, PIN_A, TRUST_WRONG_PIN},
	/* Then an authority, also of a hub that had another key before. */
	{NULL, false, false, NULL, TRUST_AUTHORITY},
	{NULL, false, true, NULL, TRUST_AUTHORITY},
	{NULL, false, false, PIN_B, TRUST_AUTHORITY},
	/* One of our own has the last word. */
	{NULL, true, true, NULL, TRUST_NO_AUTHORITY},
	{NULL, true, true, PIN_A, TRUST_NO_AUTHORITY},
	/* Then what the hub had before. */
	{NULL, true, false, PIN_A, TRUST_KNOWN},
	{NULL, true, false, PIN_B, TRUST_CHANGED},
	{NULL, true, false, NULL, TRUST_NEW},
};

static void test_decision(void **state)
{
	struct pin shown = pin_of(PIN_A);

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct pin pinned = pin_of(table[i].pinned ? table[i].pinned : PIN_A);
		struct pin known = pin_of(table[i].known ? table[i].known : PIN_A);
		const struct trust_facts facts = {
			.shown = &shown,
			.pinned = table[i].pinned ? &pinned : NULL,
			.known = table[i].known ? &known : NULL,
			.doubted = table[i].doubted,
			.own_authority = table[i].own_authority,
		};
		if (trust_judge(&facts) != table[i].verdict)
			fail_msg("row %zu: %d", i, trust_judge(&facts));
	}
}

/* ---- with files ---- */

struct world {
	struct test_file file;
	struct trust *trust;
	struct trust_options options;
	struct fault why;
	int asked;
	bool answer;
	char question[512];
};

static bool on_asked(void *data, const struct contact *c)
{
	struct world *w = data;

	w->asked++;
	snprintf(w->question, sizeof(w->question), "%s|%s|%s", c->address, c->pin, c->doubt);
	return w->answer;
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	test_file_init(&w->file);
	w->options.directory = w->file.folder;
	w->options.data = w;
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	trust_free(w->trust);
	test_file_deinit(&w->file);
	free(w);
	return 0;
}

/* A trust that has read nothing yet. */
static void world_begin(struct world *w)
{
	trust_free(w->trust);
	w->trust = trust_new(&w->options, &w->why);
	if (!w->trust)
		fail_msg("%s", w->why.text);
}

/* What becomes of a hub at ADDRESS that shows PIN, signed by itself. */
static int world_meet(struct world *w, const char *address, const char *pin)
{
	struct tls_peer peer = {.has_certificate = true, .pin = pin_of(pin), .doubt = "by itself"};
	struct tls_setup setup;
	struct address a;

	w->why = FAULT_NULL;
	assert_int_equal(address_parse(&a, address, NULL), 0);
	struct trust_check check = {.trust = w->trust, .address = &a};
	trust_setup(&check, &setup);
	int r = setup.check(setup.check_arg, &peer, &w->why);
	address_deinit(&a);
	return r;
}

static void assert_why(const struct world *w, const char *part)
{
	if (!strstr(w->why.text, part))
		fail_msg("not in the line: %s\n%s", part, w->why.text);
}

static void test_unknown_with_nobody_to_ask(void **state)
{
	struct world *w = *state;

	world_begin(w);
	assert_null(trust_unmet(w->trust));
	assert_int_equal(world_meet(w, "tls:h:1?name=anna", PIN_A), -EACCES);
	assert_why(w, "its key is not known here (by itself): it shows " PIN_A);
	assert_why(w, "tls:h:1?name=anna&pin=" PIN_A);
	assert_why(w, "--trust-first");
	assert_string_equal(trust_unmet(w->trust), "tls:h:1?name=anna&pin=" PIN_A);
	assert_int_equal(world_meet(w, trust_unmet(w->trust), PIN_A), 0);
}

static void test_answered_no_then_yes(void **state)
{
	struct world *w = *state;

	w->options.ask = on_asked;
	world_begin(w);
	assert_int_equal(world_meet(w, "tls:h:1", PIN_A), -EACCES);
	assert_string_equal(w->question, "tls:h:1|" PIN_A "|by itself");
	assert_int_equal(w->asked, 1);
	w->answer = true;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(world_meet(w, "tls:h:1", PIN_A), 0);
		assert_int_equal(w->asked, 2);
		if (i)
			world_begin(w);
	}
	assert_int_equal(world_meet(w, "tls:h:2", PIN_A), 0); /* another hub */
	assert_int_equal(w->asked, 3);
}

static void test_first_taken_unseen_and_only_that(void **state)
{
	struct world *w = *state;
	char line[128];

	w->options.first = true;
	world_begin(w);
	assert_int_equal(world_meet(w, "tls:h:1", PIN_A), 0);
	world_begin(w);
	assert_int_equal(world_meet(w, "tls:h:1", PIN_A), 0);
	assert_int_equal(world_meet(w, "tls:h:1", PIN_B), -EACCES);
	snprintf(line, sizeof(line), "remove line 1 of %s/known", w->file.folder);
	assert_why(w, "it was " PIN_A ", now it is " PIN_B);
	assert_why(w, line);
	assert_null(trust_unmet(w->trust));
}

static void test_pins(void **state)
{
	struct world *w = *state;

	w->options.pin = PIN_A;
	world_begin(w);
	assert_int_equal(world_meet(w, "tls:h:1", PIN_A), 0);
	assert_int_equal(world_meet(w, "tls:h:1", PIN_B), -EACCES);
	assert_why(w, "it shows " PIN_B ", and the pin is " PIN_A);
	/* That of the address comes first. */
	assert_int_equal(world_meet(w, "tls:h:1?pin=" PIN_B, PIN_B), 0);
	assert_int_equal(world_meet(w, "tls:h:1?pin=" PIN_B, PIN_A), -EACCES);
	w->options.pin = "sha256:abc";
	trust_free(w->trust);
	w->trust = trust_new(&w->options, &w->why);
	assert_null(w->trust);
	assert_int_equal(w->why.error, -EINVAL);
}

static void test_own_authority_asks_nobody(void **state)
{
	struct world *w = *state;

	w->options.ask = on_asked;
	w->options.ca_file = "ca.pem";
	world_begin(w);
	assert_int_equal(world_meet(w, "tls:h:1", PIN_A), -EACCES);
	assert_why(w, "does not prove who it is: by itself");
	assert_int_equal(w->asked, 0);
}

static void test_who_has_been_met(void **state)
{
	struct world *w = *state;
	struct address a, pinned;

	assert_int_equal(address_parse(&a, "tls:h:1", NULL), 0);
	assert_int_equal(address_parse(&pinned, "tls:h:1?pin=" PIN_A, NULL), 0);
	world_begin(w);
	assert_false(trust_has_met(w->trust, &a));
	assert_true(trust_has_met(w->trust, &pinned));
	w->options.first = true;
	world_begin(w);
	assert_true(trust_has_met(w->trust, &a));
	assert_int_equal(world_meet(w, "tls:h:1", PIN_A), 0);
	w->options.first = false;
	world_begin(w);
	assert_true(trust_has_met(w->trust, &a));
	address_deinit(&a);
	address_deinit(&pinned);
}

/* What cannot be remembered is not trusted: the next time there would be nothing to compare. */
static void test_a_place_that_cannot_be_written(void **state)
{
	struct world *w = *state;

	w->options.directory = "/proc/nowhere";
	w->options.first = true;
	world_begin(w);
	assert_true(world_meet(w, "tls:h:1", PIN_A) < 0);
	assert_why(w, "/proc/nowhere");
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decision),
		IN_WORLD(test_unknown_with_nobody_to_ask),
		IN_WORLD(test_answered_no_then_yes),
		IN_WORLD(test_first_taken_unseen_and_only_that),
		IN_WORLD(test_pins),
		IN_WORLD(test_own_authority_asks_nobody),
		IN_WORLD(test_who_has_been_met),
		IN_WORLD(test_a_place_that_cannot_be_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
