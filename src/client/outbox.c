#include "client/outbox.h"

#include <errno.h>

struct record {
	outbox_settled *settled;
	void *data;
	size_t len;
};

static size_t record_size(size_t len)
{
	size_t whole = sizeof(struct record) + len;

	return (whole + 7) & ~(size_t)7;
}

/* The record OFFSET bytes behind the front; copied out, as the buffer's bytes have no type. */
static struct record outbox_record(const struct outbox *o, size_t offset)
{
	struct record record;

	memcpy(&record, o->records.data + o->records.start + offset, sizeof(record));
	return record;
}

void outbox_deinit(struct outbox *o)
{
	buffer_deinit(&o->records);
	*o = OUTBOX_NULL;
}

int outbox_push(struct outbox *o, struct bytes body, outbox_settled *settled, void *data)
{
	struct record record = {.settled = settled, .data = data, .len = body.len};
	size_t size = record_size(body.len);
	uint8_t *to;

	if (outbox_is_full(o))
		return -EAGAIN;
	int r = buffer_reserve(&o->records, size, &to);
	if (r < 0)
		return r;
	memcpy(to, &record, sizeof(record));
	if (body.len)
		memcpy(to + sizeof(record), body.data, body.len);
	buffer_commit(&o->records, size);
	o->count++;
	return 0;
}

bool outbox_next(struct outbox *o, struct bytes *body)
{
	if (!outbox_has_unsent(o))
		return false;
	struct record record = outbox_record(o, o->sent);
	*body = bytes_of(o->records.data + o->records.start + o->sent + sizeof(record), record.len);
	o->sent += record_size(record.len);
	o->count_sent++;
	return true;
}

void outbox_unnext(struct outbox *o, struct bytes body)
{
	o->sent -= record_size(body.len);
	o->count_sent--;
}

void outbox_settle(struct outbox *o, int error, uint64_t id)
{
	struct record record = outbox_record(o, 0);
	size_t size = record_size(record.len);

	buffer_consume(&o->records, size);
	if (o->count_sent) {
		o->sent -= size;
		o->count_sent--;
	}
	o->count--;
	o->settled++;
	if (!o->count)
		buffer_deinit(&o->records);
	if (record.settled)
		record.settled(record.data, error, id);
}

void outbox_rewind(struct outbox *o)
{
	o->sent = 0;
	o->count_sent = 0;
}
