#include "hub/nats_message.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

void nats_subject(const struct nats_place *p, struct bytes topic, char subject[NATS_SUBJECT_SIZE])
{
	size_t at = (size_t)snprintf(subject, NATS_STREAM_MAX + 2, "%s.", p->stream);

	for (size_t i = 0; i < topic.len; i++)
		subject[at++] = (char)(topic.data[i] == '.' ? '%' : topic.data[i]);
	subject[at] = '\0';
}

bool nats_topic(const char *stream, const char *subject, char topic[NAME_MAX_LEN + 1])
{
	size_t at = strlen(stream);
	size_t len = 0;

	if (strncmp(subject, stream, at) != 0 || subject[at] != '.')
		return false;
	for (const char *from = subject + at + 1; *from && len < NAME_MAX_LEN; from++)
		topic[len++] = (char)(*from == '%' ? '.' : *from);
	topic[len] = '\0';
	return strlen(subject) == at + 1 + len && name_valid(bytes_of(topic, len));
}

/* ---- text in headers ---- */

static bool is_plain(uint8_t c)
{
	return c > ' ' && c != '%' && c != 0x7f;
}

static int put_escaped(struct buffer *to, struct bytes text)
{
	int r = 0;

	for (size_t i = 0; i < text.len && !r; i++)
		r = is_plain(text.data[i]) ? buffer_append(to, &text.data[i], 1)
					   : buffer_print(to, "%%%02X", text.data[i]);
	return r;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Undoes put_escaped in place; what is no escape stays as it is. */
static size_t unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from;) {
		if (*from == '%' && hex(from[1]) >= 0 && hex(from[2]) >= 0) {
			*to++ = (char)(hex(from[1]) * 16 + hex(from[2]));
			from += 3;
		} else {
			*to++ = *from++;
		}
	}
	return (size_t)(to - text);
}

static int set_header(natsMsg *msg, const char *name, struct buffer *value)
{
	int r = buffer_append(value, "", 1);

	if (!r && natsMsgHeader_Set(msg, name, (const char *)buffer_bytes(value).data) != NATS_OK)
		r = -ENOMEM;
	buffer_consume(value, buffer_len(value));
	return r;
}

static int set_headers(
	natsMsg *msg, const struct nats_place *p, const struct batch *b, size_t number)
{
	cleanup(buffer_deinit) struct buffer value = BUFFER_NULL;
	struct message m = batch_message(b, &b->records[number]);
	struct bytes key = batch_key(b, &b->records[number]);

	int r = put_escaped(&value, m.from);
	if (!r)
		r = set_header(msg, "Ferry-From", &value);
	if (!r && m.origin)
		r = buffer_print(&value, "%" PRIx64 "-%" PRIx64, p->run, m.origin);
	if (!r && m.origin)
		r = set_header(msg, "Ferry-Origin", &value);
	if (!r && key.len) {
		r = buffer_append(&value, m.topic.data, m.topic.len);
		if (!r)
			r = buffer_append(&value, " ", 1);
		if (!r)
			r = put_escaped(&value, key);
	} else if (!r) {
		r = buffer_print(&value, "%" PRIx64 "-%" PRIx64, p->run, b->number + number);
	}
	return r ? r : set_header(msg, "Nats-Msg-Id", &value);
}

natsMsg *nats_message_new(
	const struct nats_place *p, const struct batch *b, size_t i, const char *reply)
{
	struct message m = batch_message(b, &b->records[i]);
	char subject[NATS_SUBJECT_SIZE];
	natsMsg *msg;

	nats_subject(p, m.topic, subject);
	if (natsMsg_Create(&msg, subject, reply, (const char *)m.body.data, (int)m.body.len) !=
		NATS_OK)
		return NULL;
	if (set_headers(msg, p, b, i) < 0) {
		natsMsg_Destroy(msg);
		return NULL;
	}
	return msg;
}

/* Another hub's connections are not ours, but a client's origin is the same at each of them. */
static uint64_t read_origin(const struct nats_place *p, natsMsg *msg)
{
	const char *text;
	char *end;

	if (natsMsgHeader_Get(msg, "Ferry-Origin", &text) != NATS_OK)
		return 0;
	uint64_t run = strtoull(text, &end, 16);
	uint64_t origin = *end == '-' ? strtoull(end + 1, NULL, 16) : 0;
	return run == p->run || origin & MESSAGE_ORIGIN_LASTING ? origin : 0;
}

/* Copies the sender's name to TO: who can publish to the stream can write anything there. */
static int read_sender(natsMsg *msg, struct buffer *to)
{
	cleanup(cleanup_free) char *from = NULL;
	struct bytes sender = BYTES_LITERAL("nats");
	const char *text;

	if (natsMsgHeader_Get(msg, "Ferry-From", &text) == NATS_OK) {
		from = strdup(text);
		if (!from)
			return -ENOMEM;
		struct bytes said = bytes_of(from, unescape(from));
		if (sender_valid(said))
			sender = said;
	}
	return buffer_append(to, sender.data, sender.len);
}

int nats_message_take(
	const struct nats_place *p, natsMsg *msg, const jsMsgMetaData *meta, struct batch *b)
{
	cleanup(buffer_deinit) struct buffer sender = BUFFER_NULL;
	char topic[NAME_MAX_LEN + 1];

	if (!nats_topic(p->stream, natsMsg_GetSubject(msg), topic))
		return -ENOENT;
	int r = read_sender(msg, &sender);
	if (r < 0)
		return r;
	struct publish publish = {
		.message =
			{
				.topic = bytes_text(topic),
				.from = buffer_bytes(&sender),
				.body = bytes_of(
					natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg)),
				.time_ms = (uint64_t)meta->Timestamp / 1000000,
				.origin = read_origin(p, msg),
			},
	};
	r = batch_add(b, &publish);
	if (!r)
		b->records[b->count - 1].id = meta->Sequence.Stream;
	return r;
}

static uint64_t answer_number(const char *text, const char *name)
{
	const char *found = strstr(text, name);

	return found ? strtoull(found + strlen(name), NULL, 10) : 0;
}

void nats_answer(struct batch_record *r, struct bytes json)
{
	char text[1024];

	size_t len = json.len < sizeof(text) - 1 ? json.len : sizeof(text) - 1;
	memcpy(text, json.data, len);
	text[len] = '\0';
	r->id = answer_number(text, "\"seq\":");
	r->repeat = strstr(text, "\"duplicate\"") != NULL;
	if (r->id)
		return;
	switch (answer_number(text, "\"err_code\":")) {
	case 10023: /* insufficient resources */
	case 10047: /* insufficient storage */
	case 10077: /* the stream is full */
		r->result = -ENOSPC;
		break;
	case 10054: /* the message is larger than the stream takes */
		r->result = -EMSGSIZE;
		break;
	default:
		r->result = -EIO;
	}
}
