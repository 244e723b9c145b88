#pragma once

/*
 * Server: the hub's process without its command line
 *
 * It joins the floors below: listeners bring connections, the door finds out which wire each one
 * speaks, that wire's protocol turns bytes into publishes and subscriptions, the hub passes on.
 *
 * Everything runs on the loop's thread. Nothing a client does ends the server.
 */

#include "base/fault.h"
#include "hub/catalogue.h"
#include "hub/hub.h"
#include "net/address.h"
#include "net/deadline.h"
#include "net/listener.h"
#include "server/access.h"
#include "server/admission.h"
#include "server/allowance.h"
#include "server/client_keys.h"
#include "server/guard.h"
#include "server/proxies.h"
#include "server/throttle.h"
#include "server/tls_door.h"
#include "server/trouble.h"
#include "wire/http_date.h"

struct connection;
struct desk;
struct files;
struct server;

struct server_options {
	uint64_t max_message;	  /* bytes of a body */
	uint64_t max_clients;	  /* at once */
	uint64_t max_from_one;	  /* of these from one address; 0: a quarter of them, from afar */
	struct rate_options rate; /* of each visitor */
	uint64_t patience_ms;	  /* see server/pace.h */
	uint64_t idle_timeout_ms; /* without a byte in either direction; 0: never */
	uint64_t heartbeat_ms;	  /* between two signs of life to who listens and hears nothing */
	uint64_t keep_age_ms;	  /* the store's bound by age; 0: none */
	bool open;	     /* may be reached from other machines without a proof of who comes */
	const char *sandbox; /* what the process is confined by, for the status */
	struct guard_options guard;
	struct admission_options admission; /* what these point to outlives the server */
	struct client_keys_options client_keys;
};

/* What the server's owner is told as it happens, for a person or a program to read; NULL members
 * are not called. Texts and messages are valid for the call. */
struct server_watcher {
	void (*opened)(void *data, const char *peer);
	void (*message)(void *data, const struct message *m);
	void (*closed)(void *data, const char *peer);
	void *data;
};

struct server_counters {
	uint64_t accepted;    /* connections */
	uint64_t refused;     /* for max_clients */
	uint64_t crowded;     /* refused for max_from_one */
	uint64_t too_slow;    /* told or closed for patience_ms */
	uint64_t throttled;   /* times that a client was made to wait for its rate */
	uint64_t idle;	      /* closed for idle_timeout_ms */
	uint64_t datagrams;   /* packets without a connection */
	uint64_t unpublished; /* messages that the store did not take */
	uint64_t requests;    /* over HTTP */
	uint64_t files_in;    /* that were given their name */
	uint64_t files_out;   /* or parts of them */
	uint64_t files_bytes_in;
	uint64_t files_bytes_out;
	uint64_t files_refused; /* for their size, or for want of room */
	uint64_t denied;	/* things that a client may not do */
	uint64_t wrong_tokens;
	size_t clients;	 /* now */
	size_t refusing; /* and those that are being told that they are too many */
};

/* One address the server listens on, and what it says of those who come by it. */
struct entrance {
	struct list node;
	struct server *server;
	struct listener listener;
	struct bytes topic;  /* of its plain clients; borrows from the listener's address */
	struct buffer names; /* of its sockets, canonical texts, each with its NUL */
	bool servants; /* is for processes of one user alone, which serve for the hub itself */
	uid_t uid;     /* who that is */
};

struct server {
	struct loop *loop;
	struct hub *hub;
	struct desk *desk;    /* of services */
	struct files *files;  /* NULL: it keeps none */
	struct access access; /* who may do what, */
	struct identity
		*servants;	  /* one of them: who serves for the hub itself; NULL: anyone may */
	struct networks networks; /* and come from where */
	struct throttle throttle;
	struct allowance allowance;
	struct proxies proxies;
	struct tls_door tls;
	const struct store *store; /* the hub's */
	uint64_t started_ms;	   /* of the loop */
	char date[HTTP_DATE_SIZE]; /* of this second, for answers */
	uint64_t date_s;
	struct server_options options;
	struct server_watcher watcher;
	struct server_counters counters;
	struct trouble trouble;
	struct list entrances;
	struct list connections;
	struct list closed;	   /* to be freed when the turn ends */
	struct list held;	   /* waiting for the store to take more */
	struct buffer out;	   /* answers being written, */
	struct connection *writer; /* to this client */
	struct ending turn_end;
	struct deadlines idle;
	struct deadlines rest;	/* 20 ms: a plain line's end may be left out */
	struct deadlines doubt; /* 2 s: what could go on as a request, or as a line, but does not */
	struct deadlines beat;	/* of server_options.heartbeat_ms */
	struct deadlines pace;	/* of server_options.patience_ms */
	struct deadlines farewell; /* 5 s: to read what was written before the close */
	struct deadlines stop;	   /* 1 s: for all of them, when the server stops */
	struct deadline stopping;
	struct deadlines tick; /* 1 s after traffic: memory is tidied, old messages go */
	struct deadline ticking;
	uint64_t next_origin;
	bool is_stopping;
	void (*stopped)(void *data);
	void *stopped_data;
};

/*
 * A server begins in three steps, so that its owner may give up rights between them: what needs
 * them is binding, and what should be made without them is the store with its files and threads.
 * server_new(), server_listen() for each address, server_start(); then the loop may turn.
 */

/* NULL with a line in WHY. */
struct server *server_new(struct loop *l, const struct server_options *options,
	const struct server_watcher *watcher, struct fault *why);

/* Closes everything at once. Takes NULL, returns NULL; or S as files_free() does F. */
struct server *server_free(struct server *s);

/* Listens on ADDRESS (copied). Negative errno with a line in WHY. */
int server_listen(struct server *s, const struct address *address, struct fault *why);

/* Listens on ADDRESS, a Unix socket, for processes of the user UID that serve for the hub itself;
 * server_let_serve() says what. Nobody is told of the address. Negative errno with a line in WHY.
 */
int server_listen_for_servants(
	struct server *s, const struct address *address, uid_t uid, struct fault *why);
int server_let_serve(struct server *s, struct bytes service, struct fault *why);

/* Gives out and takes in the files of a directory; before server_start(). Negative errno with a
 * line in WHY. */
int server_keep_files(struct server *s, const struct catalogue_options *options, struct fault *why);

/* Makes the hub over STORE, which stays the caller's and must outlive the server. Negative errno
 * with a line in WHY. */
int server_start(struct server *s, struct store *store, struct fault *why);

/* Calls BOUND with each address that is listened on, in its canonical form. */
void server_tell_names(
	const struct server *s, void (*bound)(void *data, const char *text), void *data);

/* Who has come at E becomes a client, or is told why not. What is taken out of CHANNEL is the
 * server's. */
void server_let_in(struct entrance *e, struct channel *channel);

/* Reads again the files that say who may come in. What a file said before holds when it cannot be
 * read: a negative errno with a line. */
int server_reload(struct server *s, struct fault *why);

/* Stops accepting, sends what is on its way within a second, closes, calls STOPPED. */
void server_stop(struct server *s, void (*stopped)(void *data), void *data);

/* The text of the field Date for now, valid until the next call. */
struct bytes server_date(struct server *s);

/* Hands out what the store's threads have done: after the store's `wake`, on the loop's thread. */
void server_poll(struct server *s);

/* As hub_publish, and counts what was not taken. */
int server_publish(struct server *s, const struct publish *p);

/* Publishes from within the process (the terminal's lines). As hub_publish. */
int server_say(struct server *s, struct bytes topic, struct bytes from, struct bytes body);
