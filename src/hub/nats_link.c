#include "hub/nats_link.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"

enum {
	INCOMING_MAX = 8 << 20,
	FLUSH_MS = 1000,
	AGAIN_MS = 200,	 /* between two tries to begin anew */
	NEWS_MS = 2000,	 /* how often the stream is asked for its state */
	CLOSE_MS = 5000, /* for the last calls of libnats' threads */
	HEARTBEAT_S = 5,
};

/* What a feed's callbacks know: a newer one has another generation. */
struct feed {
	struct nats_link *link;
	unsigned generation;
	uint64_t count;
};

static void link_wait(struct nats_link *l, uint64_t ms)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&l->changed, &l->lock, &until);
}

/* There has to be a new connection; locked. */
static void link_lose(struct nats_link *l)
{
	l->lost = true;
	pthread_cond_broadcast(&l->changed);
}

/* ---- libnats calls, on threads of its own ---- */

/* A slow consumer, missing heartbeats: messages may have been left out. */
static void on_failed(natsConnection *connection, natsSubscription *s, natsStatus error, void *data)
{
	struct nats_link *l = data;

	pthread_mutex_lock(&l->lock);
	if (connection == l->connection)
		link_lose(l);
	pthread_mutex_unlock(&l->lock);
}

static void link_heard_last(struct nats_link *l)
{
	pthread_mutex_lock(&l->lock);
	l->listening--;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
}

static void on_closed(natsConnection *connection, void *data)
{
	on_failed(connection, NULL, NATS_CONNECTION_CLOSED, data);
	link_heard_last(data);
}

static void on_answers_over(void *data)
{
	link_heard_last(data);
}

static void on_feed_over(void *data)
{
	struct feed *feed = data;
	struct nats_link *l = feed->link;

	free(feed);
	link_heard_last(l);
}

/* Locked; where the link stops, the hub may be gone. */
static void link_wake(const struct nats_link *l)
{
	if (!l->stopping)
		l->options.wake(l->options.data);
}

static void link_listens(struct nats_link *l)
{
	pthread_mutex_lock(&l->lock);
	l->listening++;
	pthread_mutex_unlock(&l->lock);
}

static void on_answer(natsConnection *connection, natsSubscription *s, natsMsg *msg, void *data)
{
	struct nats_link *l = data;
	uint64_t number = strtoull(natsMsg_GetSubject(msg) + strlen(l->inbox) + 1, NULL, 10);

	pthread_mutex_lock(&l->lock);
	struct batch_record *record = l->stopping ? NULL : batches_find(&l->sent, number);
	if (natsMsg_IsNoResponders(msg))
		link_lose(l); /* JetStream is not there yet */
	else if (record && !batch_has_outcome(record))
		nats_answer(
			record, bytes_of(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg)));
	link_wake(l);
	pthread_mutex_unlock(&l->lock);
	natsMsg_Destroy(msg);
}

/* Takes MSG in, when the hub has room for it: true when the hub is to be woken. Locked. */
static bool link_take(
	struct nats_link *l, struct feed *feed, natsMsg *msg, const jsMsgMetaData *meta)
{
	while (feed->generation == l->generation && !l->stopping &&
		buffer_len(&l->incoming->bytes) > INCOMING_MAX)
		pthread_cond_wait(&l->changed, &l->lock);
	if (feed->generation != l->generation || l->stopping || l->lost)
		return false;
	bool first = !l->incoming->count;
	int r = meta->Sequence.Consumer == ++feed->count
			? nats_message_take(&l->place, msg, meta, l->incoming)
			: -EPROTO;
	if (r < 0 && r != -ENOENT) {
		link_lose(l);
		return false;
	}
	l->fed_id = meta->Sequence.Stream;
	return first && !r;
}

static void on_fed(natsConnection *connection, natsSubscription *s, natsMsg *msg, void *data)
{
	struct feed *feed = data;
	struct nats_link *l = feed->link;
	jsMsgMetaData *meta = NULL;

	if (natsMsg_GetMetaData(&meta, msg) == NATS_OK) {
		pthread_mutex_lock(&l->lock);
		if (link_take(l, feed, msg, meta))
			link_wake(l);
		pthread_mutex_unlock(&l->lock);
	}
	jsMsgMetaData_Destroy(meta);
	natsMsg_Destroy(msg);
}

/* ---- the thread ---- */

static int link_begin_feed(struct nats_link *l, uint64_t after_id, unsigned generation)
{
	char subjects[NATS_STREAM_MAX + 3];
	struct feed *feed = malloc(sizeof(*feed));
	jsSubOptions o;

	if (!feed)
		return -ENOMEM;
	*feed = (struct feed){l, generation, 0};
	snprintf(subjects, sizeof(subjects), "%s.*", l->place.stream);
	jsSubOptions_Init(&o);
	o.Stream = l->place.stream;
	o.ManualAck = true;
	o.Config.AckPolicy = js_AckNone;
	o.Config.DeliverPolicy = js_DeliverByStartSequence;
	o.Config.OptStartSeq = after_id + 1;
	o.Config.FlowControl = true;
	o.Config.Heartbeat = HEARTBEAT_S * (int64_t)1000000000;
	o.Config.MemoryStorage = true;
	if (js_Subscribe(&l->feed, l->js, subjects, on_fed, feed, NULL, &o, NULL)) {
		free(feed);
		return -EIO;
	}
	link_listens(l);
	natsSubscription_SetOnCompleteCB(l->feed, on_feed_over, feed);
	natsSubscription_SetPendingLimits(l->feed, -1, -1);
	return 0;
}

static int link_begin_answers(struct nats_link *l)
{
	char subjects[128];

	snprintf(subjects, sizeof(subjects), "%s.*", l->inbox);
	if (natsConnection_Subscribe(&l->answers, l->connection, subjects, on_answer, l))
		return -EIO;
	link_listens(l);
	natsSubscription_SetOnCompleteCB(l->answers, on_answers_over, l);
	natsSubscription_SetPendingLimits(l->answers, -1, -1);
	return 0;
}

/* May leave a part of a connection behind, which link_disconnect ends. */
static int link_connect(
	struct nats_link *l, uint64_t after_id, unsigned generation, struct fault *why)
{
	const struct nats_handlers handlers = {on_closed, on_failed, l};
	natsConnection *connection;

	int r = nats_connect(l->url, &handlers, &connection, &l->js, why);
	if (r < 0)
		return r;
	link_listens(l);
	pthread_mutex_lock(&l->lock);
	l->connection = connection;
	pthread_mutex_unlock(&l->lock);
	r = link_begin_answers(l);
	if (!r)
		r = link_begin_feed(l, after_id, generation);
	return r < 0 ? fault_errno(why, r, "%s", l->url->shown) : 0;
}

static void link_disconnect(struct nats_link *l)
{
	pthread_mutex_lock(&l->lock);
	natsConnection *connection = take(l->connection);
	pthread_mutex_unlock(&l->lock);
	natsConnection_Close(connection);
	natsSubscription_Destroy(take(l->feed));
	natsSubscription_Destroy(take(l->answers));
	jsCtx_Destroy(take(l->js));
	natsConnection_Destroy(connection);
}

static void link_publish_record(struct nats_link *l, const struct batch *b, size_t i)
{
	char reply[128];

	snprintf(reply, sizeof(reply), "%s.%llu", l->inbox, (unsigned long long)(b->number + i));
	natsMsg *msg = nats_message_new(&l->place, b, i, reply);
	/* What is not published now is when the connection is there again, or expires. */
	if (msg)
		(void)natsConnection_PublishMsg(l->connection, msg);
	natsMsg_Destroy(msg);
}

/* Publishes what has no answer of B, which is on the list `sent`; locked, but not meanwhile. */
static void link_publish(struct nats_link *l, struct batch *b)
{
	l->busy = b;
	for (size_t i = 0; i < b->count; i++) {
		bool answered = batch_has_outcome(&b->records[i]);
		pthread_mutex_unlock(&l->lock);
		if (!answered)
			link_publish_record(l, b, i);
		pthread_mutex_lock(&l->lock);
	}
	pthread_mutex_unlock(&l->lock);
	(void)natsConnection_FlushTimeout(l->connection, FLUSH_MS);
	pthread_mutex_lock(&l->lock);
	l->busy = NULL;
}

static void link_publish_next(struct nats_link *l)
{
	struct batch *b = container_of(l->todo.next, struct batch, node);

	list_unlink(&b->node);
	list_push(&l->sent, &b->node);
	link_publish(l, b);
}

/* Locked, but not while it waits for the server. */
static void link_begin_anew(struct nats_link *l)
{
	uint64_t after_id = l->fed_id;
	unsigned generation = ++l->generation;

	l->lost = false;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	link_disconnect(l);
	int r = link_connect(l, after_id, generation, NULL);
	pthread_mutex_lock(&l->lock);
	if (r < 0) {
		l->lost = true;
		link_wait(l, AGAIN_MS);
		return;
	}
	for (struct list *node = l->sent.next; node != &l->sent && !l->lost; node = node->next)
		link_publish(l, container_of(node, struct batch, node));
}

static void link_ask(struct nats_link *l)
{
	jsStreamInfo *info = NULL;

	pthread_mutex_unlock(&l->lock);
	int r = nats_stream_ask(l->asking, l->place.stream, &info);
	pthread_mutex_lock(&l->lock);
	if (r < 0)
		return;
	jsStreamInfo_Destroy(l->info);
	l->info = info;
}

static void *link_main(void *data)
{
	struct nats_link *l = data;
	uint64_t asked_ms = clock_monotonic_ms();

	pthread_mutex_lock(&l->lock);
	while (!l->stopping) {
		if (l->lost) {
			link_begin_anew(l);
		} else if (!list_empty(&l->todo)) {
			link_publish_next(l);
		} else if (clock_monotonic_ms() - asked_ms >= NEWS_MS) {
			link_ask(l);
			asked_ms = clock_monotonic_ms();
		} else {
			link_wait(l, NEWS_MS);
		}
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

/* ---- for the hub's thread ---- */

void nats_link_give(struct nats_link *l, struct batch *b)
{
	pthread_mutex_lock(&l->lock);
	b->number = l->next_number;
	l->next_number += b->count;
	list_push(&l->todo, &b->node);
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
}

struct batch *nats_link_receive(struct nats_link *l, struct batch *empty)
{
	struct batch *received = NULL;

	pthread_mutex_lock(&l->lock);
	if (l->incoming->count) {
		received = l->incoming;
		l->incoming = empty;
		pthread_cond_broadcast(&l->changed);
	}
	pthread_mutex_unlock(&l->lock);
	return received;
}

int nats_link_outcome(struct nats_link *l, size_t i, struct batch **b, struct batch_record *outcome)
{
	int r = -1;

	*b = NULL;
	pthread_mutex_lock(&l->lock);
	struct list *oldest = !list_empty(&l->sent) ? l->sent.next : l->todo.next;
	if (oldest != &l->todo) {
		*b = container_of(oldest, struct batch, node);
		if (i < (*b)->count) {
			*outcome = (*b)->records[i];
			r = batch_has_outcome(outcome);
		}
	}
	pthread_mutex_unlock(&l->lock);
	return r;
}

bool nats_link_take_off(struct nats_link *l, struct batch *b)
{
	pthread_mutex_lock(&l->lock);
	bool free = l->busy != b;
	if (free)
		list_unlink(&b->node);
	pthread_mutex_unlock(&l->lock);
	return free;
}

void nats_link_expire(struct nats_link *l, uint64_t before_ms)
{
	pthread_mutex_lock(&l->lock);
	batches_expire(&l->sent, before_ms);
	batches_expire(&l->todo, before_ms);
	pthread_mutex_unlock(&l->lock);
}

jsStreamInfo *nats_link_news(struct nats_link *l)
{
	pthread_mutex_lock(&l->lock);
	jsStreamInfo *info = take(l->info);
	pthread_mutex_unlock(&l->lock);
	return info;
}

/* ---- life ---- */

static int link_start(struct nats_link *l)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&l->thread, NULL, link_main, l);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

/* Its own thread has ended, or never began. Waits for the last call of libnats' threads; when it
 * has not come in time it may still come, so the link stays for it. Returns NULL. */
static struct nats_link *link_end(struct nats_link *l)
{
	uint64_t until = clock_monotonic_ms() + CLOSE_MS;

	pthread_mutex_lock(&l->lock);
	l->stopping = true;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	link_disconnect(l);
	pthread_mutex_lock(&l->lock);
	while (l->listening && clock_monotonic_ms() < until)
		link_wait(l, AGAIN_MS);
	bool over = !l->listening;
	pthread_mutex_unlock(&l->lock);
	if (!over)
		return NULL;
	natsInbox_Destroy(l->inbox);
	jsStreamInfo_Destroy(l->info);
	batch_free(l->incoming);
	pthread_cond_destroy(&l->changed);
	pthread_mutex_destroy(&l->lock);
	free(l);
	return NULL;
}

static void link_init(struct nats_link *l)
{
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->changed, NULL);
	list_init(&l->todo);
	list_init(&l->sent);
}

int nats_link_new(struct nats_link **out, const struct nats_url *url, jsCtx *asking,
	uint64_t after_id, const struct store_nats_options *options, struct fault *why)
{
	struct nats_link *l = malloc(sizeof(*l));

	if (!l)
		return fault_errno(why, -ENOMEM, "%s", url->shown);
	*l = (struct nats_link){
		.options = *options,
		.url = url,
		.asking = asking,
		.fed_id = after_id,
	};
	link_init(l);
	memcpy(l->place.stream, url->stream, sizeof(l->place.stream));
	l->incoming = batch_new();
	int r = !l->incoming || natsInbox_Create(&l->inbox) ? -ENOMEM : 0;
	if (!r && getrandom(&l->place.run, sizeof(l->place.run), 0) < 0)
		r = -errno;
	if (r < 0)
		fault_errno(why, r, "%s", url->shown);
	if (!r)
		r = link_connect(l, after_id, l->generation, why);
	if (!r) {
		r = link_start(l);
		if (r < 0)
			fault_errno(why, r, "%s: no thread for it", url->shown);
	}
	*out = r < 0 ? link_end(l) : l;
	return r;
}

struct nats_link *nats_link_free(struct nats_link *l)
{
	if (!l)
		return NULL;
	pthread_mutex_lock(&l->lock);
	l->stopping = true;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
	return link_end(l);
}
