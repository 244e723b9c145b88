/* Messages to JetStream and back; no server takes part. */

#include "hub/nats_message.h"

#include <errno.h>

#include "test.h"

static const struct nats_place here = {"ferry", 0xabc};
static const struct nats_place there = {"ferry", 0xdef};

struct trip {
	struct batch *out;
	struct batch *back;
	natsMsg *msg;
};

/* A message of MESSAGE as READER sees it. */
static struct message travel(struct trip *t, const struct nats_place *reader, struct publish p)
{
	const jsMsgMetaData meta = {.Sequence.Stream = 42, .Timestamp = 1795424400250999999};

	t->out = batch_new();
	t->back = batch_new();
	t->out->number = 7;
	assert_int_equal(batch_add(t->out, &p), 0);
	t->msg = nats_message_new(&here, t->out, 0, "inbox.7");
	assert_non_null(t->msg);
	assert_int_equal(nats_message_take(reader, t->msg, &meta, t->back), 0);
	assert_int_equal(t->back->count, 1);
	return batch_message(t->back, &t->back->records[0]);
}

static void trip_end(struct trip *t)
{
	natsMsg_Destroy(t->msg);
	batch_free(t->out);
	batch_free(t->back);
}

static const char *header(const struct trip *t, const char *name)
{
	const char *value = NULL;

	natsMsgHeader_Get(t->msg, name, &value);
	return value ? value : "";
}

static void arrives_as_it_was(void **state)
{
	static const char *const topics[] = {"lobby", "a.b", ".", "..a-b_c.", "A"};
	static const char *const names[] = {"anna", "", "grüß dich", "100%", "%41", "a b: c"};

	for (size_t i = 0; i < 5; i++) {
		for (size_t k = 0; k < 6; k++) {
			struct trip t;
			struct publish p = {.message = {.topic = bytes_text(topics[i]),
						    .from = bytes_text(names[k]),
						    .body = BYTES_LITERAL("a\0b\n\xff")}};
			struct message m = travel(&t, &here, p);
			assert_true(bytes_equal(m.topic, p.message.topic));
			assert_true(bytes_equal(m.from, p.message.from));
			assert_true(bytes_equal(m.body, p.message.body));
			assert_int_equal(m.id, 42);
			assert_int_equal(m.time_ms, 1795424400250);
			trip_end(&t);
		}
	}
}

static void origins_are_a_runs_but_a_clients_own(void **state)
{
	static const uint64_t own = 77, lasting = MESSAGE_ORIGIN_LASTING | 5;
	struct publish p = {.message = {.topic = BYTES_LITERAL("t"), .origin = own}};
	struct trip t;

	assert_int_equal(travel(&t, &here, p).origin, own);
	trip_end(&t);
	assert_int_equal(travel(&t, &there, p).origin, 0);
	trip_end(&t);
	p.message.origin = lasting;
	assert_int_equal(travel(&t, &there, p).origin, lasting);
	trip_end(&t);
}

static void keys_are_a_topics(void **state)
{
	struct publish p = {
		.message = {.topic = BYTES_LITERAL("a.b")}, .key = BYTES_LITERAL("k 1\r\n")};
	struct trip t;

	travel(&t, &here, p);
	assert_string_equal(header(&t, "Nats-Msg-Id"), "a.b k%201%0D%0A");
	trip_end(&t);
	p.key = BYTES_NULL;
	travel(&t, &here, p);
	assert_string_equal(header(&t, "Nats-Msg-Id"), "abc-7");
	trip_end(&t);
}

static void others_messages_are_taken_as_they_come(void **state)
{
	const jsMsgMetaData meta = {.Sequence.Stream = 1};
	struct batch *b = batch_new();
	natsMsg *msg;

	assert_int_equal(natsMsg_Create(&msg, "ferry.lobby", NULL, "hi", 2), NATS_OK);
	assert_int_equal(nats_message_take(&here, msg, &meta, b), 0);
	struct message m = batch_message(b, &b->records[0]);
	assert_true(bytes_equal(m.from, bytes_text("nats")));
	assert_true(bytes_equal(m.body, bytes_text("hi")));
	natsMsg_Destroy(msg);
	assert_int_equal(natsMsg_Create(&msg, "ferry.no$name", NULL, "hi", 2), NATS_OK);
	assert_int_equal(nats_message_take(&here, msg, &meta, b), -ENOENT);
	natsMsg_Destroy(msg);
	batch_free(b);
}

static void expect_sender(const char *header, const char *sender)
{
	const jsMsgMetaData meta = {.Sequence.Stream = 1};
	struct batch *b = batch_new();
	natsMsg *msg;

	assert_int_equal(natsMsg_Create(&msg, "ferry.lobby", NULL, "hi", 2), NATS_OK);
	assert_int_equal(natsMsgHeader_Set(msg, "Ferry-From", header), NATS_OK);
	assert_int_equal(nats_message_take(&here, msg, &meta, b), 0);
	assert_true(bytes_equal(batch_message(b, &b->records[0]).from, bytes_text(sender)));
	natsMsg_Destroy(msg);
	batch_free(b);
}

static void what_is_no_senders_name_is_not_taken(void **state)
{
	char longest[SENDER_MAX_LEN + 1], longer[SENDER_MAX_LEN + 2];

	memset(longest, 'a', sizeof(longest));
	longest[SENDER_MAX_LEN] = '\0';
	memset(longer, 'a', sizeof(longer));
	longer[SENDER_MAX_LEN + 1] = '\0';
	expect_sender("anna%20b", "anna b");
	expect_sender(longest, longest);
	expect_sender(longer, "nats");
	expect_sender("anna: hi%0Abob", "nats");
	expect_sender("anna%1B[2J", "nats");
	expect_sender("%00", "nats");
	expect_sender("%7F", "nats");
	expect_sender("%FF", "nats");
}

static void expect_answer(const char *json, int result, uint64_t id, bool repeat)
{
	struct batch_record r = {0};

	nats_answer(&r, bytes_text(json));
	assert_int_equal(r.result, result);
	assert_int_equal(r.id, id);
	assert_int_equal(r.repeat, repeat);
}

static void answers(void **state)
{
	expect_answer("{\"stream\":\"ferry\", \"seq\":12}", 0, 12, false);
	expect_answer("{\"stream\":\"ferry\", \"seq\":3,\"duplicate\": true}", 0, 3, true);
	expect_answer("{\"error\":{\"code\":503,\"err_code\":10077,\"description\":\"maximum "
		      "messages exceeded\"},\"stream\":\"ferry\",\"seq\":0}",
		-ENOSPC, 0, false);
	expect_answer("{\"error\":{\"code\":400,\"err_code\":10054}}", -EMSGSIZE, 0, false);
	expect_answer("{\"error\":{\"code\":500}}", -EIO, 0, false);
	expect_answer("", -EIO, 0, false);
}

static int open_library(void **state)
{
	return nats_Open(-1);
}

static int close_library(void **state)
{
	nats_Close();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arrives_as_it_was),
		cmocka_unit_test(origins_are_a_runs_but_a_clients_own),
		cmocka_unit_test(keys_are_a_topics),
		cmocka_unit_test(others_messages_are_taken_as_they_come),
		cmocka_unit_test(what_is_no_senders_name_is_not_taken),
		cmocka_unit_test(answers),
	};
	return cmocka_run_group_tests(tests, open_library, close_library);
}
