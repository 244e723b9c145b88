#include "wire/structured.h"

#include <errno.h>
#include <stdio.h>

#include "test.h"

/* "TYPE number text", or "no". */
static void show(int r, const struct structured_item *item, char *shown, size_t size)
{
	static const char *const types[] = {
		"integer", "decimal", "string", "token", "bytes", "boolean", "date", "list"};

	if (r < 0)
		snprintf(shown, size, "%s", r == -ENOENT ? "none" : "no");
	else if (item->text.data)
		snprintf(shown, size, "%s %.*s", types[item->type], (int)item->text.len,
			item->text.data);
	else
		snprintf(shown, size, "%s %lld", types[item->type], (long long)item->number);
}

struct row {
	const char *field;
	const char *shown;
};

static const struct row items[] = {
	{"0", "integer 0"},
	{"42", "integer 42"},
	{"-42", "integer -42"},
	{"007", "integer 7"},
	{"999999999999999", "integer 999999999999999"},
	{"-999999999999999", "integer -999999999999999"},
	{"1.5", "decimal 1.5"},
	{"-0.125", "decimal -0.125"},
	{"123456789012.1", "decimal 123456789012.1"},
	{"\"\"", "string "},
	{"\"a \\\"b\\\\\"", "string a \\\"b\\\\"},
	{"a", "token a"},
	{"*a/b:c", "token *a/b:c"},
	{":aGk=:", "bytes aGk="},
	{"::", "bytes "},
	{"?0", "boolean 0"},
	{"?1", "boolean 1"},
	{"@1659578233", "date 1659578233"},
	{"@-1", "date -1"},
	{"  5  ", "integer 5"},
	{"5;a;b=c; d=\"e\"", "integer 5"},
	{"", "no"},
	{" ", "no"},
	{"-", "no"},
	{"--1", "no"},
	{"+1", "no"},
	{"1000000000000000", "no"},
	{"1.", "no"},
	{"1.1234", "no"},
	{"1.-1", "no"},
	{"1234567890123.1", "no"},
	{"5 6", "no"},
	{"5,6", "no"},
	{"\"a", "no"},
	{"\"a\\", "no"},
	{"\"\\n\"", "no"},
	{"\"\x7f\"", "no"},
	{"\"\xc3\xa4\"", "no"},
	{":a", "no"},
	{":a b:", "no"},
	{"?", "no"},
	{"?2", "no"},
	{"?true", "no"},
	{"@1.5", "no"},
	{"@", "no"},
	{"(a)", "no"},
	{"5;", "no"},
	{"5;A", "no"},
	{"5;a=", "no"},
	{"\t5", "no"},
};

static void reads_items(void **state)
{
	struct structured_item item;
	char shown[100];

	for (size_t i = 0; i < sizeof(items) / sizeof(*items); i++) {
		int r = structured_item(bytes_text(items[i].field), &item);
		show(r, &item, shown, sizeof(shown));
		if (strcmp(shown, items[i].shown))
			fail_msg("%s: %s", items[i].field, shown);
	}
}

static void finds_members(void **state)
{
	static const struct row rows[] = {
		{"k=1", "integer 1"},
		{"k", "boolean 1"},
		{"k;a=1", "boolean 1"},
		{"k=?0", "boolean 0"},
		{"a=1, k=:aGk=:", "bytes aGk="},
		{"a=1,\tk=2 , b", "integer 2"},
		{"k=1, k=2", "integer 2"},
		{"a=(1 \"b\";c  d), k=1", "integer 1"},
		{"k=( a  b );c", "list  a  b "},
		{"k=()", "list "},
		{"*a=1, b_-.*=2, k=3", "integer 3"},
		{"", "none"},
		{"a=1", "none"},
		{"kk=1", "none"},
		{"k=1,", "no"},
		{",k=1", "no"},
		{"k=1, K=2", "no"},
		{"k=1 a=2", "no"},
		{"k= 1", "no"},
		{"k =1", "no"},
		{"k=", "no"},
		{"k=(1", "no"},
		{"k=(1)2", "no"},
		{"k=(1\"a\")", "no"},
		{"1=k", "no"},
		{"k=1, a=\"", "no"},
	};
	struct structured_item item;
	char shown[100];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int r = structured_dictionary_get(bytes_text(rows[i].field), "k", &item);
		show(r, &item, shown, sizeof(shown));
		if (strcmp(shown, rows[i].shown))
			fail_msg("%s: %s", rows[i].field, shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_items),
		cmocka_unit_test(finds_members),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
