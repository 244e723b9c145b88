#pragma once

/*
 * libferry: processes that talk over sockets
 *
 *	struct ferry *f = ferry_new();
 *	struct ferry_options options = ferry_options();
 *	struct ferry_session *s = ferry_open(f, "localhost:12345", &options);
 *	if (!s || ferry_publish_wait(s, "hi", 2, NULL, 5000) < 0)
 *		fprintf(stderr, "%s\n", ferry_why(f));
 *	ferry_close(s);
 *	ferry_free(f);
 *
 * Addresses are written as for the ferry command: `tcp:HOST:PORT`, `unix:PATH`, `vsock:CID:PORT`,
 * `12345` and so on; see ferry(1).
 *
 * Results. A function that returns an int returns 0 or more when it did what it was asked, and a
 * negative errno(3) when not; one that returns a pointer returns NULL then. ferry_why() has a line
 * for people about the last failure.
 *
 * Blocking. Each thing can be done in two ways. Functions with a TIMEOUT_MS wait for their outcome,
 * at most so many milliseconds (-1: for ever; then -ETIMEDOUT), and meanwhile callbacks are called
 *as well. All others return at once, and what happens later is told by callbacks, which come only
 *from within ferry_dispatch() or from within one of the functions that wait. A callback may call
 * anything but ferry_free() and functions that wait, which give -EDEADLK there.
 *
 * Threads. A context and all that was made with it belong to one thread at a time. Contexts have
 * nothing in common: one for each thread is fine.
 *
 * Ownership. Texts and bytes that are passed in are copied; those that are handed out belong to the
 * library and live as long as their description says.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FERRY_API __attribute__((visibility("default")))

/* ---- the context ---- */

struct ferry;

/* NULL when memory or descriptors are out. */
FERRY_API struct ferry *ferry_new(void);

/* Ends all that was made with it; no callback comes any more. Takes NULL; returns NULL. */
FERRY_API struct ferry *ferry_free(struct ferry *f);

/* What was wrong with the last call that failed, or with what the current callback is told of: one
 * line, without a line end. Lives until the next failure. */
FERRY_API const char *ferry_why(const struct ferry *f);

/* Handles what has happened, waiting for something to happen first if nothing has, and calls the
 * callbacks. 0; -ETIMEDOUT when nothing came; -EDEADLK from within a callback. */
FERRY_API int ferry_dispatch(struct ferry *f, int timeout_ms);

/* A descriptor that is readable (poll(2), epoll(7), another event loop) when there is something to
 * do: then call ferry_dispatch(f, 0). It is the same for the life of the context, and only to be
 * watched. Or a negative errno. */
FERRY_API int ferry_fd(struct ferry *f);

/* ---- addresses ---- */

/* ADDRESS in its canonical form, with every part spelt out, in *canonical, which is the caller's to
 * free(3). -EINVAL for a bad one: ferry_why() says which part is wrong, and how it is written. */
FERRY_API int ferry_address(struct ferry *f, const char *address, char **canonical);

/* ---- sockets ---- */

/* A descriptor connected to ADDRESS, of whatever family that is: blocking, close-on-exec, the
 * caller's. */
FERRY_API int ferry_dial(struct ferry *f, const char *address, int timeout_ms);

struct ferry_dial;

/* The same in the background. DIALED is called once, with the descriptor or a negative errno. It
 * tries for TIMEOUT_MS, 0 for 10 s; does not wait. */
FERRY_API struct ferry_dial *ferry_dial_start(struct ferry *f, const char *address, int timeout_ms,
	void (*dialed)(void *data, int fd), void *data);

/* Gives up: DIALED is not called. Not to be called after it was. Takes NULL; returns NULL. */
FERRY_API struct ferry_dial *ferry_dial_cancel(struct ferry_dial *d);

struct ferry_listener;

/* Listens. ACCEPTED is called for each connection with a descriptor, which is blocking,
 * close-on-exec and the callee's, and the name of who is at the other end, for the call. With NULL
 * for ACCEPTED connections wait for ferry_accept(). */
FERRY_API struct ferry_listener *ferry_listen(struct ferry *f, const char *address,
	void (*accepted)(void *data, int fd, const char *peer), void *data);

/* Waits for the next connection: a descriptor as above. */
FERRY_API int ferry_accept(struct ferry_listener *l, int timeout_ms);

/* Where it listens, with the port that was picked for port 0. Lives as long as the listener. */
FERRY_API const char *ferry_listener_address(const struct ferry_listener *l);

/* Who made the connection that ferry_accept() gave last. Lives until the next one. */
FERRY_API const char *ferry_listener_peer(const struct ferry_listener *l);

/* Listens no more, and removes the file of a Unix socket. Takes NULL; returns NULL. */
FERRY_API struct ferry_listener *ferry_listener_free(struct ferry_listener *l);

/* ---- trust: which hub is the right one, and what is shown to it ---- */

/* For addresses with TLS (tls:…): the hub's key is taken for the right one when it has the pin that
 * stands in the address (?pin=); else when an authority vouches for it; else when the hub had the
 * same key before. What is not set is as for the ferry command. */
struct ferry_trust_options {
	size_t size; /* of this structure, as the program was built with it */

	const char *key_dir; /* where keys are kept: our own, which is shown, and those of hubs */
	const char *ca;	     /* a file of authorities (PEM) to trust alone; NULL: the system's */
	/* Shown to hubs that ask who comes, on any address. It is never shown through a network
	 * where others could read it: the session ends with -EACCES there. On the plain wire it is
	 * not shown. */
	const char *token;
	/* The hub at ADDRESS was not met before: not 0 to trust the key with that PIN from now on.
	 * The handshake waits for the answer. NULL: it is refused, with -EACCES. */
	int (*met)(void *data, const char *address, const char *pin);
	void *data; /* passed to it */
};

FERRY_API void ferry_trust_options_init(struct ferry_trust_options *options, size_t size);

static inline struct ferry_trust_options ferry_trust_options(void)
{
	struct ferry_trust_options options;

	ferry_trust_options_init(&options, sizeof(options));
	return options;
}

/* To be called before anything is opened, asked or served; without it no option is set. The options
 * are copied. -EBUSY: too late. */
FERRY_API int ferry_trust(struct ferry *f, const struct ferry_trust_options *options);

/* ---- sessions: messages, by way of a hub ---- */

struct ferry_message {
	uint64_t id;	   /* grows by hub; 0 when the wire does not tell */
	uint64_t time_ms;  /* when the hub took it, since 1970-01-01T00:00:00Z */
	const char *topic; /* its topic and sender end with a NUL; */
	const char *from;  /* "" when the wire does not tell */
	const void *body;  /* any bytes, with a NUL behind them that does not count */
	size_t body_len;
};

struct ferry_session;

/* What a session is to do. Begin with ferry_options(), then set what is to be otherwise. */
struct ferry_options {
	size_t size; /* of this structure, as the program was built with it */

	const char *topic; /* NULL: lobby */
	const char *name;  /* what others see as the sender; NULL: what the hub calls us */
	const char *wire;  /* "http", or "plain" for what is no hub; NULL: http */
	const char
		*since; /* messages behind this id, "all", or so long ago ("10m"); NULL: new ones */

	int follow;	/* messages are wanted (0): with `message`, or by ferry_next() */
	int reconnect;	/* a connection that was lost is made again (1) and goes on where it was */
	int timeout_ms; /* to connect and to be let in (10,000) */

	/* The connection is up, or up again. */
	void (*opened)(void *data);
	/* A message of someone else. M lives for the call. */
	void (*message)(void *data, const struct ferry_message *m);
	/* The hub has no longer COUNT messages that should have come; 0: an unknown number. */
	void (*skipped)(void *data, uint64_t count);
	/* The connection is lost, and is made again; ferry_why() says why. */
	void (*lost)(void *data);
	/* It is over: 0 when the other side ended it, or after ferry_finish(); else a negative
	 * errno. ferry_close() is still to be called. */
	void (*closed)(void *data, int error);
	void *data; /* passed to all of these */
};

FERRY_API void ferry_options_init(struct ferry_options *options, size_t size);

static inline struct ferry_options ferry_options(void)
{
	struct ferry_options options;

	ferry_options_init(&options, sizeof(options));
	return options;
}

/* Begins to connect. NULL for a bad address or option; that nobody is there is told later, by
 * `closed` and by whatever waits. The options are copied. */
FERRY_API struct ferry_session *ferry_open(
	struct ferry *f, const char *address, const struct ferry_options *options);

/* Ends at once: what is not stored is not sent, and no callback of it comes any more. Takes NULL;
 * returns NULL. */
FERRY_API struct ferry_session *ferry_close(struct ferry_session *s);

/* Publishes LEN bytes. STORED (may be NULL) is called once, in the order of the calls: with 0 and
 * the message's id when the hub has it (id 0 when the wire, or a batch, does not tell), or with a
 * negative errno when it did not take it or is not known to have. -EAGAIN: too much is on its way,
 * dispatch first; -EPIPE: the session is over. */
FERRY_API int ferry_publish(struct ferry_session *s, const void *body, size_t len,
	void (*stored)(void *data, int error, uint64_t id), void *data);

/* The same, and waits until the hub has it. ID may be NULL. -ETIMEDOUT: it may still be stored. */
FERRY_API int ferry_publish_wait(
	struct ferry_session *s, const void *body, size_t len, uint64_t *id, int timeout_ms);

/* Waits until everything that was published is stored. Fails if any of it was not, since the last
 * call. */
FERRY_API int ferry_flush(struct ferry_session *s, int timeout_ms);

/* Waits for the next message, for sessions that follow without a `message` callback. 1: M is one,
 * and lives until the next call; 0: it is over, no more will come. */
FERRY_API int ferry_next(struct ferry_session *s, struct ferry_message *m, int timeout_ms);

/* Nothing more is published: once all is stored, the session says goodbye and ends, which `closed`
 * tells. */
FERRY_API void ferry_finish(struct ferry_session *s);

/* ---- asking: a request to a service, by way of a hub ---- */

struct ferry_reply {
	int exit_status;  /* of the command that replied; 0 when it gave none */
	const char *type; /* the media type; "" when it gave none */
	const void *body; /* any bytes, with a NUL behind them that does not count */
	size_t body_len;
};

/* Asks SERVICE and waits for the whole reply, which lives until the next call of this function with
 * the same context. Negative, when there is none or not all of it:
 *	-ECONNREFUSED	no one serves this, or the hub cannot be reached
 *	-EAGAIN		too many ask, and wait already; later it may be different
 *	-ETIMEDOUT	no reply in time
 *	-EPROTO		the server broke off; the request may have had its effect
 * Connections are kept for the next call. */
FERRY_API int ferry_ask(struct ferry *f, const char *address, const char *service, const void *body,
	size_t len, struct ferry_reply *reply, int timeout_ms);

struct ferry_asking;

/* How to ask in the background. Begin with ferry_ask_options(). */
struct ferry_ask_options {
	size_t size; /* of this structure, as the program was built with it */

	const char *type;	    /* of the body (NULL: none) */
	const char *const *headers; /* further fields, "Name: value"; NULL is behind the last */
	int streamed;	/* the body is written by ferry_ask_write(), of any length (0) */
	int retry_lost; /* a server that is lost before its reply may be followed by another, three
			   in all (0) */
	int timeout_ms; /* until the reply begins (30,000); -1: for ever */

	/* The reply begins; R, which has no body yet, lives for the call. */
	void (*begun)(void *data, const struct ferry_reply *r);
	/* A piece of the reply. NULL: it is gathered. */
	void (*piece)(void *data, const void *bytes, size_t len);
	/* The connection is there, and what was written of the request is out. */
	void (*writable)(void *data);
	/* It is over, and the last that is told: 0 and R, which lives for the call and has the body
	 * unless that came in pieces; or a negative errno as above, and NULL. */
	void (*done)(void *data, int error, const struct ferry_reply *r);
	void *data; /* passed to all of these */
};

FERRY_API void ferry_ask_options_init(struct ferry_ask_options *options, size_t size);

static inline struct ferry_ask_options ferry_ask_options(void)
{
	struct ferry_ask_options options;

	ferry_ask_options_init(&options, sizeof(options));
	return options;
}

/* Asks SERVICE in the background, with LEN bytes unless the body is streamed. NULL for a bad
 * address or field; all else is told by `done`. The options are copied. */
FERRY_API struct ferry_asking *ferry_ask_start(struct ferry *f, const char *address,
	const char *service, const void *body, size_t len, const struct ferry_ask_options *options);

/* Writes a piece of a streamed body. 1: so much waits that no more should be written before
 * `writable`; 0: it may; -ENOMEM. */
FERRY_API int ferry_ask_write(struct ferry_asking *a, const void *bytes, size_t len);

/* Ends a streamed body. 0 or -ENOMEM. */
FERRY_API int ferry_ask_end(struct ferry_asking *a);

/* Holds the reply back, and lets it come again. */
FERRY_API void ferry_ask_pause(struct ferry_asking *a);
FERRY_API void ferry_ask_resume(struct ferry_asking *a);

/* Gives up; the server is told. Not to be called after `done`. Takes NULL; returns NULL. */
FERRY_API struct ferry_asking *ferry_ask_cancel(struct ferry_asking *a);

/* ---- serving: replies to the requests that a hub has for a service ---- */

struct ferry_service;

/* A request; it lives until it is replied to, or dropped. */
struct ferry_request {
	const char *id;	   /* names it among all */
	const char *peer;  /* who asks, as the hub sees it, */
	const char *user;  /* and by what name it knows whom; "" when by none */
	const char *type;  /* the media type; "" when there is none */
	const char *query; /* what stood behind the `?`; "" when there is none */
	int timeout_ms;	   /* within what time a reply was to begin, when the request came */
	const void *body;  /* any bytes, with a NUL behind them that does not count; */
	size_t body_len;   /* NULL when it comes in pieces */
};

/* How to serve. Begin with ferry_serve_options(). */
struct ferry_serve_options {
	size_t size; /* of this structure, as the program was built with it */

	const char *type; /* of the replies (application/octet-stream) */
	int workers;	  /* how many requests are at hand at a time (1) */
	size_t max_body;  /* of a request that comes whole (16 MiB); larger ones are refused */

	/* A request, whole unless there is `piece`. It is replied to now or later. NULL:
	 * ferry_take() is used. */
	void (*request)(void *data, struct ferry_request *r);
	/* A piece of a request's body; LEN 0: it is whole. */
	void (*piece)(void *data, struct ferry_request *r, const void *bytes, size_t len);
	/* What was written of the reply is out. */
	void (*writable)(void *data, struct ferry_request *r);
	/* Nobody waits for the reply any more. It is to be ended or dropped all the same. */
	void (*gone)(void *data, struct ferry_request *r);
	/* 0: the hub is there, at first or once more. Else it is away, which ferry_why() explains,
	 * and is asked for again and again. */
	void (*hub)(void *data, int error);
	/* It cannot be served: the hub was never there, or does not take the name. */
	void (*closed)(void *data, int error);
	void *data; /* passed to all of these */
};

FERRY_API void ferry_serve_options_init(struct ferry_serve_options *options, size_t size);

static inline struct ferry_serve_options ferry_serve_options(void)
{
	struct ferry_serve_options options;

	ferry_serve_options_init(&options, sizeof(options));
	return options;
}

/* Serves SERVICE from the next turn on. NULL for a bad address; all else is told by `closed`, or by
 * ferry_take(). The options are copied. */
FERRY_API struct ferry_service *ferry_serve(struct ferry *f, const char *address,
	const char *service, const struct ferry_serve_options *options);

/* Waits for the next request, for services without a `request` callback: 0 and *R. */
FERRY_API int ferry_take(struct ferry_service *s, struct ferry_request **r, int timeout_ms);

/* The field NAME of the request's own, or NULL. Lives as long as the request. */
FERRY_API const char *ferry_request_header(const struct ferry_request *r, const char *name);

/* Holds a request that comes in pieces back, and lets it come again. */
FERRY_API void ferry_request_pause(struct ferry_request *r);
FERRY_API void ferry_request_resume(struct ferry_request *r);

/* Replies with LEN bytes. R is gone then, whatever comes out: 0; -EPIPE: nobody waits for it;
 * -ENOMEM. The reply leaves with the next turn: when functions wait, or dispatch. */
FERRY_API int ferry_reply(struct ferry_request *r, const void *body, size_t len, int exit_status);

/* Replies piece by piece. 1: so much waits that no more should be written before `writable`; 0: it
 * may; -EPIPE: nobody waits for it; -ENOMEM. */
FERRY_API int ferry_reply_write(struct ferry_request *r, const void *bytes, size_t len);

/* Ends such a reply; R is gone then. As ferry_reply(). */
FERRY_API int ferry_reply_end(struct ferry_request *r, int exit_status);

/* Gives no reply, or no more of it: the asker is told that the server broke off. R is gone then. */
FERRY_API void ferry_request_drop(struct ferry_request *r);

/* Takes no more requests, and waits until the hub has the replies to those at hand. What the hub
 * has given meanwhile is still handed to `request`. */
FERRY_API int ferry_service_finish(struct ferry_service *s, int timeout_ms);

/* Ends at once; requests at hand are dropped, and gone. Takes NULL; returns NULL. */
FERRY_API struct ferry_service *ferry_service_free(struct ferry_service *s);

/* ---- files, by way of a hub ---- */

/* How a file goes. Begin with ferry_file_options(). */
struct ferry_file_options {
	size_t size; /* of this structure, as the program was built with it */

	const char *topic; /* where a file that was put is announced; NULL: nowhere */
	const char *name;  /* in whose name; NULL: what the hub calls us */
	int idle_ms;	   /* how long nothing may move (60,000); -1: for ever */

	/* So many bytes of TOTAL (UINT64_MAX: not known yet) are there: at the beginning, ten times
	 * a second, and when all are. Not 0: the transfer is given up, with -ECANCELED. */
	int (*progress)(void *data, uint64_t bytes, uint64_t total);
	void *data; /* passed to it */
};

FERRY_API void ferry_file_options_init(struct ferry_file_options *options, size_t size);

static inline struct ferry_file_options ferry_file_options(void)
{
	struct ferry_file_options options;

	ferry_file_options_init(&options, sizeof(options));
	return options;
}

/*
 * Both wait until the file is there, whole, checked as the ferry command does it, and on the disk;
 * after a break they go on where it stopped, also when called again. They read and write files, so
 * no other callbacks come meanwhile: a program with sessions in this context gives files one of
 * their own, and a thread. OPTIONS may be NULL. Negative when it is not there:
 *	-ECONNREFUSED	nobody is there, or other errors of connecting
 *	-EACCES		not let in
 *	-ENOENT		no such file
 *	-EBADMSG	its SHA-256 is wrong, or it changed meanwhile
 *	-ENOSPC		the hub, or the disk here, is full; -EMSGSIZE: too large for the hub
 *	-ETIMEDOUT	nothing has moved for `idle_ms`
 */

/* Sends what FD is open on, a regular file, from its first byte whatever its position, with its
 * permissions and time, as the file NAME. */
FERRY_API int ferry_put(struct ferry *f, const char *address, const char *name, int fd,
	const struct ferry_file_options *options);

/* Fetches the file NAME to PATH, whose directory must be there. What stands there is replaced, at
 * once, when all has come; until then it is in `.NAME.part` beside it. */
FERRY_API int ferry_get(struct ferry *f, const char *address, const char *name, const char *path,
	const struct ferry_file_options *options);

#ifdef __cplusplus
}
#endif
