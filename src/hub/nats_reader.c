#include "hub/nats_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"

enum {
	FETCH_FIRST = 16, /* messages, when it is not known how large they are */
	FETCH_MAX = 512,
	FETCH_MS = 2000,
	TRIES = 20, /* when the server is not there */
	AGAIN_MS = 200,
	INACTIVE_S = 10,
};

enum { READ_OVER = 1 };

struct nats_read *nats_read_new(struct store_read *r, uint64_t upto)
{
	cleanup(cleanup_free) struct nats_read *read = calloc(1, sizeof(*read));

	if (!read)
		return NULL;
	read->rows = batch_new();
	if (!read->rows)
		return NULL;
	read->read = r;
	read->topic_len = r->topic.len;
	memcpy(read->topic, r->topic.data, r->topic.len);
	read->after_id = r->after_id;
	read->since_ms = r->since_ms;
	read->max_bytes = r->max_bytes;
	read->upto = upto;
	return take(read);
}

struct nats_read *nats_read_free(struct nats_read *read)
{
	if (read)
		batch_free(read->rows);
	free(read);
	return NULL;
}

static int reader_subscribe(
	const struct nats_reader *r, const struct nats_read *read, natsSubscription **s)
{
	char subject[NATS_SUBJECT_SIZE];
	jsSubOptions o;

	nats_subject(r->place, bytes_of(read->topic, read->topic_len), subject);
	jsSubOptions_Init(&o);
	o.Stream = r->place->stream;
	o.Config.AckPolicy = js_AckNone;
	o.Config.InactiveThreshold = INACTIVE_S * (int64_t)1000000000;
	o.Config.MemoryStorage = true;
	if (read->since_ms) {
		o.Config.DeliverPolicy = js_DeliverByStartTime;
		o.Config.OptStartTime = (int64_t)read->since_ms * 1000000;
	} else {
		o.Config.DeliverPolicy = js_DeliverByStartSequence;
		o.Config.OptStartSeq = read->after_id + 1;
	}
	return js_PullSubscribe(s, r->js, subject, NULL, NULL, &o, NULL) ? -EIO : 0;
}

/* READ_OVER: it was the last one. */
static int reader_take(const struct nats_reader *r, struct nats_read *read, natsMsg *msg)
{
	jsMsgMetaData *meta = NULL;
	int e = 0;

	if (natsMsg_GetMetaData(&meta, msg))
		return -EIO;
	uint64_t id = meta->Sequence.Stream;
	bool last = !meta->NumPending || id >= read->upto;
	if (id > read->after_id && id <= read->upto)
		e = nats_message_take(r->place, msg, meta, read->rows);
	jsMsgMetaData_Destroy(meta);
	return e < 0 ? e : last ? READ_OVER : 0;
}

/* How many more messages may be wanted. */
static int reader_count(const struct nats_read *read)
{
	const struct batch *rows = read->rows;

	if (!rows->count)
		return FETCH_FIRST;
	size_t each = buffer_len(&rows->bytes) / rows->count + 1;
	size_t n = (read->max_bytes - buffer_len(&rows->bytes)) / each + 1;
	return n < FETCH_MAX ? (int)n : FETCH_MAX;
}

/* One batch of the server's. READ_OVER: there is no more. */
static int reader_fetch(const struct nats_reader *r, struct nats_read *read, natsSubscription *s)
{
	natsMsgList list = {0};
	jsFetchRequest request;
	int e = 0;

	jsFetchRequest_Init(&request);
	request.Batch = reader_count(read);
	request.NoWait = true;
	request.Expires = FETCH_MS * (int64_t)1000000;
	natsStatus status = natsSubscription_FetchRequest(&list, s, &request);
	if (status == NATS_NOT_FOUND || (status == NATS_TIMEOUT && !list.Count))
		e = READ_OVER;
	else if (status)
		e = -EIO;
	for (int i = 0; !e && i < list.Count; i++)
		e = reader_take(r, read, list.Msgs[i]);
	natsMsgList_Destroy(&list);
	return e;
}

static int reader_find_loss(const struct nats_reader *r, struct nats_read *read)
{
	jsStreamInfo *info = NULL;

	if (!read->after_id || read->since_ms)
		return 0;
	if (js_GetStreamInfo(&info, r->js, r->place->stream, NULL, NULL))
		return -EIO;
	read->lost = read->after_id + 1 < info->State.FirstSeq;
	jsStreamInfo_Destroy(info);
	return 0;
}

static int reader_answer(const struct nats_reader *r, struct nats_read *read)
{
	natsSubscription *s = NULL;

	if (read->after_id >= read->upto)
		return 0;
	int e = reader_find_loss(r, read);
	if (!e)
		e = reader_subscribe(r, read, &s);
	while (!e && buffer_len(&read->rows->bytes) < read->max_bytes)
		e = reader_fetch(r, read, s);
	natsSubscription_Unsubscribe(s);
	natsSubscription_Destroy(s);
	if (!e && read->rows->count)
		read->upto = read->rows->records[read->rows->count - 1].id;
	return e < 0 ? e : 0;
}

static void reader_work(struct worker *worker, struct list *jobs)
{
	const struct nats_reader *r = container_of(worker, struct nats_reader, worker);
	struct nats_read *read = container_of(jobs->next, struct nats_read, node);
	const struct timespec pause = {.tv_nsec = AGAIN_MS * 1000000L};

	for (int i = 0; i < TRIES; i++) {
		read->result = reader_answer(r, read);
		if (!read->result || worker_is_stopping(worker))
			return;
		batch_reset(read->rows);
		nanosleep(&pause, NULL);
	}
}

int nats_reader_start(struct nats_reader *r)
{
	r->worker.work = reader_work;
	return worker_start(&r->worker);
}
