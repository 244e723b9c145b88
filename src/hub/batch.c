#include "hub/batch.h"

#include <errno.h>
#include <stdlib.h>

enum {
	RECORDS_MIN = 64,
	RECORDS_KEPT = 16 << 10,
	BYTES_KEPT = 2 << 20,
};

struct batch *batch_new(void)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (b) {
		list_init(&b->node);
		list_init(&b->held);
	}
	return b;
}

struct batch *batch_free(struct batch *b)
{
	if (b) {
		buffer_deinit(&b->bytes);
		free(b->records);
		free(b);
	}
	return NULL;
}

void batch_reset(struct batch *b)
{
	buffer_consume(&b->bytes, buffer_len(&b->bytes));
	if (b->bytes.cap > BYTES_KEPT)
		buffer_deinit(&b->bytes);
	if (b->cap > RECORDS_KEPT) {
		free(b->records);
		b->records = NULL;
		b->cap = 0;
	}
	b->count = 0;
	b->now_ms = 0;
}

static int batch_widen(struct batch *b)
{
	if (b->count < b->cap)
		return 0;
	size_t cap = b->cap ? b->cap * 2 : RECORDS_MIN;
	struct batch_record *records = realloc(b->records, cap * sizeof(*records));
	if (!records)
		return -ENOMEM;
	b->records = records;
	b->cap = cap;
	return 0;
}

static void put(uint8_t **to, struct bytes bytes)
{
	if (bytes.len)
		memcpy(*to, bytes.data, bytes.len);
	*to += bytes.len;
}

static size_t publish_len(const struct publish *p)
{
	const struct message *m = &p->message;

	return m->topic.len + m->from.len + m->body.len + p->key.len;
}

int batch_add(struct batch *b, const struct publish *p)
{
	const struct message *m = &p->message;
	size_t len = publish_len(p);
	uint8_t *to;

	if (len > UINT32_MAX)
		return -EMSGSIZE;
	int r = batch_widen(b);
	if (!r)
		r = buffer_reserve(&b->bytes, len, &to);
	if (r < 0)
		return r;
	b->records[b->count++] = (struct batch_record){
		.ticket = p->ticket,
		.at = buffer_len(&b->bytes),
		.topic_len = (uint32_t)m->topic.len,
		.from_len = (uint32_t)m->from.len,
		.body_len = (uint32_t)m->body.len,
		.key_len = (uint32_t)p->key.len,
		.time_ms = m->time_ms,
		.origin = m->origin,
	};
	put(&to, m->topic);
	put(&to, m->from);
	put(&to, m->body);
	put(&to, p->key);
	buffer_commit(&b->bytes, len);
	return 0;
}

struct message batch_message(const struct batch *b, const struct batch_record *r)
{
	const uint8_t *topic = buffer_bytes(&b->bytes).data + r->at;
	const uint8_t *from = topic + r->topic_len;

	return (struct message){
		.id = r->id,
		.seq = r->seq,
		.time_ms = r->time_ms,
		.origin = r->origin,
		.topic = bytes_of(topic, r->topic_len),
		.from = bytes_of(from, r->from_len),
		.body = bytes_of(from + r->from_len, r->body_len),
	};
}

struct bytes batch_key(const struct batch *b, const struct batch_record *r)
{
	size_t at = r->at + r->topic_len + r->from_len + r->body_len;

	return bytes_of(buffer_bytes(&b->bytes).data + at, r->key_len);
}

size_t batch_cost(const struct publish *p)
{
	return publish_len(p) + sizeof(struct batch_record);
}

size_t batch_record_size(const struct batch_record *r)
{
	return (size_t)r->topic_len + r->from_len + r->body_len + r->key_len + sizeof(*r);
}

struct batch_record *batches_find(const struct list *batches, uint64_t number)
{
	list_each (node, batches) {
		const struct batch *b = container_of(node, struct batch, node);
		if (number >= b->number && number - b->number < b->count)
			return &b->records[number - b->number];
	}
	return NULL;
}

void batches_expire(const struct list *batches, uint64_t before_ms)
{
	list_each (node, batches) {
		const struct batch *b = container_of(node, struct batch, node);
		for (size_t i = 0; i < b->count; i++)
			if (b->records[i].time_ms < before_ms && !batch_has_outcome(&b->records[i]))
				b->records[i].result = -ETIMEDOUT;
	}
}

void batches_forget(const struct list *held, const struct ticket *ticket)
{
	list_each (node, held) {
		const struct batch *b = container_of(node, struct batch, held);
		for (size_t i = 0; i < b->count; i++)
			if (!ticket || b->records[i].ticket == ticket)
				b->records[i].ticket = NULL;
	}
}
