/*
 * The load of TLS, by clients that take any certificate.
 *
 *	load-tls connect ADDRESS PATH SECONDS	16 clients: connect, a whole handshake, GET PATH
 *	load-tls resume ADDRESS PATH SECONDS	the same, by a ticket of the connection before
 *	load-tls bulk ADDRESS PATH SECONDS	one client: GET PATH, again and again
 *
 * A download is decrypted and counted once; from then on its records are discarded in the kernel
 * (MSG_TRUNC) and as many bytes are expected, because decrypting on one core what the server
 * encrypts on another would measure the load.
 *
 * Prints one line of JSON: the rate a second (connections, bytes) and the total.
 */

#include "../program.h"
#include "connection.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS = 16, WARM_UP_MS = 300, BLOCK = 256 << 10, REQUEST_MAX = 512 };

struct load {
	SSL_CTX *tls;
	const char *address;
	char request[REQUEST_MAX];
	SSL_SESSION *session; /* to be resumed, NULL: none is */
	bool resumes;
	uint64_t size; /* of the answer, within TLS */
};

struct client {
	struct load *load;
	SSL *tls;
	int fd;
	bool resumes; /* it has a ticket */
	bool asked;
};

static char block[BLOCK];

static void load_init(struct load *l, const char *address, const char *path, bool resumes)
{
	l->address = address;
	l->resumes = resumes;
	snprintf(l->request, sizeof(l->request),
		"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
	l->tls = SSL_CTX_new(TLS_client_method());
	if (!l->tls || !SSL_CTX_set_min_proto_version(l->tls, TLS1_3_VERSION) ||
		!SSL_CTX_set_ciphersuites(l->tls, "TLS_AES_256_GCM_SHA384"))
		die_because("no TLS");
}

/* ---- connections ---- */

static void client_open(struct client *c, struct load *l, unsigned source)
{
	c->load = l;
	c->asked = false;
	c->resumes = l->session;
	c->fd = connection_open(l->address, source);
	c->tls = SSL_new(l->tls);
	if (!c->tls || !SSL_set_fd(c->tls, c->fd))
		die_because("no TLS");
	if (l->session)
		SSL_set_session(c->tls, l->session);
	SSL_set_connect_state(c->tls);
}

static void client_close(struct client *c)
{
	if (c->load->resumes) {
		/* A session whose connection was not ended counts as spoilt. */
		SSL_set_shutdown(c->tls, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		SSL_SESSION_free(c->load->session);
		c->load->session = SSL_get1_session(c->tls);
	}
	SSL_free(c->tls);
	close(c->fd);
}

/* True once the answer has begun. */
static bool client_turn(struct client *c)
{
	int r = 1;

	if (!c->asked) {
		r = SSL_do_handshake(c->tls);
		c->asked = r == 1;
		if (c->asked && c->resumes && !SSL_session_reused(c->tls))
			die_because("the server takes no tickets");
		if (c->asked)
			r = SSL_write(c->tls, c->load->request, (int)strlen(c->load->request));
	}
	if (r > 0)
		r = SSL_read(c->tls, block, sizeof(block));
	if (r > 0)
		return true;
	if (SSL_get_error(c->tls, r) != SSL_ERROR_WANT_READ)
		die_because("the server has ended a connection");
	return false;
}

/* The same; it is closed then. A client that was not let run for a while has it all at once. */
static bool client_is_done(struct client *c)
{
	if (!client_turn(c))
		return false;
	client_close(c);
	c->tls = NULL;
	return true;
}

static uint64_t load_connect(struct load *l, uint64_t until)
{
	struct client clients[CLIENTS];
	struct epoll_event events[CLIENTS];
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	uint64_t done = 0;
	unsigned source = 0;
	bool more = true;

	for (int i = 0; i < CLIENTS; i++)
		clients[i].tls = NULL;
	for (int open = 0; more || open;) {
		more = clock_monotonic_ms() < until;
		for (int i = 0; more && i < CLIENTS; i++) {
			struct client *c = &clients[i];
			struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
			if (c->tls)
				continue;
			client_open(c, l, source++);
			if (fcntl(c->fd, F_SETFL, O_NONBLOCK) ||
				epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e))
				die("epoll");
			if (client_is_done(c))
				done++;
			else
				open++;
		}
		int n = open ? epoll_wait(epoll, events, CLIENTS, WAIT_MS) : 0;
		if (n == 0 && open)
			die_because("the server has stopped answering");
		for (int i = 0; i < n; i++) {
			if (!client_is_done(events[i].data.ptr))
				continue;
			open--;
			done++;
		}
	}
	close(epoll);
	return done;
}

/* ---- bulk ---- */

/* Decrypts a whole answer: its size within TLS. */
static uint64_t download(struct load *l)
{
	struct client c;
	uint64_t size = 0;
	int n;

	client_open(&c, l, 0);
	if (SSL_do_handshake(c.tls) != 1 ||
		SSL_write(c.tls, l->request, (int)strlen(l->request)) <= 0)
		die_because("no handshake");
	while ((n = SSL_read(c.tls, block, sizeof(block))) > 0)
		size += (uint64_t)n;
	if (SSL_get_error(c.tls, n) != SSL_ERROR_ZERO_RETURN)
		die_because("the download was cut off");
	client_close(&c);
	return size;
}

static uint64_t load_bulk(struct load *l, uint64_t until)
{
	uint64_t total = 0;

	while (clock_monotonic_ms() < until) {
		struct client c;
		uint64_t got = 0;
		ssize_t n;
		client_open(&c, l, 0);
		if (SSL_do_handshake(c.tls) != 1 ||
			SSL_write(c.tls, l->request, (int)strlen(l->request)) <= 0)
			die_because("no handshake");
		/* cppcheck-suppress nullPointer ; see MSG_TRUNC in tcp(7) */
		while ((n = recv(c.fd, NULL, 1 << 20, MSG_TRUNC)) > 0 &&
			clock_monotonic_ms() < until)
			got += (uint64_t)n;
		if (n < 0)
			die("receive");
		if (n == 0 && got < l->size)
			die_because("the download was cut off");
		total += got;
		SSL_free(c.tls);
		close(c.fd);
	}
	return total;
}

int main(int argc, char **argv)
{
	struct load l = {0};

	if (argc != 5)
		die_because("usage: load-tls connect|resume|bulk ADDRESS PATH SECONDS");
	bool bulk = !strcmp(argv[1], "bulk");
	load_init(&l, argv[2], argv[3], !strcmp(argv[1], "resume"));
	if (bulk)
		l.size = download(&l);
	uint64_t (*run)(struct load * l, uint64_t until) = bulk ? load_bulk : load_connect;
	uint64_t warm = run(&l, clock_monotonic_ms() + WARM_UP_MS);
	uint64_t began = clock_monotonic_ns();
	uint64_t done = run(&l, clock_monotonic_ms() + 1000 * number(argv[4]));
	double seconds = (double)(clock_monotonic_ns() - began) / 1e9;
	printf("{\"rate\": %.0f, \"total\": %llu}\n", (double)done / seconds,
		(unsigned long long)(done + warm + l.size));
}
