#pragma once

/*
 * A listener under test that keeps what comes, and a directory of its own for socket files, which
 * must be empty in the end.
 */

#include "base/cleanup.h"
#include "net/listener.h"
#include "net/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "test.h"

struct place {
	struct listener listener;
	struct loop loop;
	int accepted;
	int packets;
	int starved;
	int last; /* descriptor of the connection accepted last, -1 for none */
	char name[ENDPOINT_TEXT_SIZE];
	char text[256];
	char directory[64];
};

static inline struct place *place_of(struct listener *l)
{
	return container_of(l, struct place, listener);
}

static inline void on_accepted(struct listener *l, struct channel *c)
{
	struct place *p = place_of(l);

	p->accepted++;
	if (p->last >= 0)
		close(p->last);
	p->last = channel_take(c);
	strcpy(p->name, c->name);
}

static inline void on_packet(struct listener *l, const struct packet *packet)
{
	struct place *p = place_of(l);

	p->packets++;
	snprintf(p->text, sizeof(p->text), "%.*s", (int)packet->data.len, packet->data.data);
	strcpy(p->name, packet->name);
}

static inline void on_starved(struct listener *l, int error)
{
	place_of(l)->starved++;
}

static const struct listener_handler place_handler = {on_accepted, on_packet, on_starved};

static inline int place_set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	p->listener = LISTENER_NULL;
	p->last = -1;
	strcpy(p->directory, "/tmp/ferry-unit-XXXXXX");
	*state = p;
	return loop_init(&p->loop) < 0 || !mkdtemp(p->directory);
}

static inline int place_tear_down(void **state)
{
	struct place *p = *state;

	listener_close(&p->listener);
	if (p->last >= 0)
		close(p->last);
	loop_deinit(&p->loop);
	int r = rmdir(p->directory); /* fails if a socket's file was left behind */
	free(p);
	return r;
}

static inline int open_text(
	struct listener *l, struct place *p, const char *text, struct fault *why)
{
	struct address a;

	assert_int_equal(address_parse(&a, text, why), 0);
	int r = listener_open(l, &p->loop, &a, 0, &place_handler, why);
	address_deinit(&a);
	return r;
}

static inline void place_open(struct place *p, const char *text)
{
	struct fault why = FAULT_NULL;

	if (open_text(&p->listener, p, text, &why) < 0)
		fail_msg("%s", why.text);
}

/* A blocking client of the endpoint, connected; -errno when it is refused. */
static inline int client_of(const struct endpoint *e)
{
	int fd = socket(e->addr.ss_family, e->type | SOCK_CLOEXEC, e->protocol);

	assert_true(fd >= 0);
	if (connect(fd, (const struct sockaddr *)&e->addr, e->len) == 0)
		return fd;
	int error = -errno;
	close(fd);
	return error;
}

static inline void turn_until(struct place *p, const int *what, int value)
{
	while (*what < value)
		loop_turn(&p->loop, true);
}

/* Each socket of the listener takes a connection, and bytes come through. */
static inline void assert_accepts(struct place *p, size_t sockets)
{
	for (size_t i = 0; i < sockets; i++) {
		char data[2];
		const struct endpoint *e = listener_endpoint(&p->listener, i);
		assert_non_null(e);
		int fd = client_of(e);
		assert_true(fd >= 0);
		turn_until(p, &p->accepted, (int)i + 1);
		assert_int_equal(write(fd, "hi", 2), 2);
		assert_int_equal(
			read(fcntl(p->last, F_GETFL) & O_NONBLOCK ? p->last : -1, data, 2), 2);
		assert_memory_equal(data, "hi", 2);
		close(fd);
	}
	assert_null(listener_endpoint(&p->listener, sockets));
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, place_set_up, place_tear_down)
