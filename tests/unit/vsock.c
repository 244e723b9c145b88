/*
 * Listening and dialling over vsock. It runs in a virtual machine that a test has started for it,
 * and nowhere else: outside, a vsock address leads out of the machine. FERRY_TEST_VSOCK says so.
 */

#include "place.h"

#include "net/dial.h"
#include "net/peer.h"

#include <linux/vm_sockets.h>
#include <stdlib.h>

enum { ABSENT_CID = 4242 };

struct reached {
	int calls;
	int fd;
	char name[ENDPOINT_TEXT_SIZE];
	struct fault why;
};

static void on_dialled(void *arg, struct channel *c, const struct fault *why)
{
	struct reached *r = arg;

	r->calls++;
	r->why = *why;
	r->fd = c ? channel_take(c) : -1;
	if (c)
		strcpy(r->name, c->name);
}

static struct reached reach(struct place *p, const char *text)
{
	struct reached r = {.fd = -1};
	struct dial *dial;
	struct address a;

	assert_int_equal(address_parse(&a, text, NULL), 0);
	assert_int_equal(dial_start(&dial, &p->loop, &a, 0, on_dialled, &r), 0);
	address_deinit(&a);
	turn_until(p, &r.calls, 1);
	return r;
}

static void assert_carries(int from, int to, const char *text)
{
	char data[64];

	assert_int_equal(fcntl(to, F_SETFL, 0), 0);
	assert_int_equal(write(from, text, strlen(text)), strlen(text));
	assert_int_equal(read(to, data, sizeof(data)), strlen(text));
	assert_memory_equal(data, text, strlen(text));
}

static void reaches_itself(void **state)
{
	struct place *p = *state;
	const char *const types[] = {"stream", "seqpacket"};

	for (int i = 0; i < 2; i++) {
		char text[64];
		snprintf(text, sizeof(text), "vsock:any:0?type=%s", types[i]);
		place_open(p, text);
		uint32_t port = p->listener.address.port;
		assert_true(port > 0 && port != VMADDR_PORT_ANY);

		snprintf(text, sizeof(text), "vsock:local:%u?type=%s", port, types[i]);
		struct reached r = reach(p, text);
		assert_string_equal(r.why.text, "");
		snprintf(text, sizeof(text), "vsock:1:%u", port);
		assert_string_equal(r.name, text);
		turn_until(p, &p->accepted, i + 1);
		assert_memory_equal(p->name, "vsock:1:", 8);
		assert_carries(r.fd, p->last, "there");
		assert_carries(p->last, r.fd, "back");
		close(r.fd);
		listener_close(&p->listener);
	}
}

static void says_why_it_does_not(void **state)
{
	struct place *p = *state;
	struct listener second;
	struct fault why = FAULT_NULL;
	char text[64];

	place_open(p, "vsock:local:0");
	snprintf(text, sizeof(text), "vsock:local:%u", p->listener.address.port);
	assert_int_equal(open_text(&second, p, text, &why), -EADDRINUSE);
	listener_close(&p->listener);

	struct reached r = reach(p, text);
	assert_int_equal(r.why.error, -ECONNRESET);
	assert_non_null(strstr(r.why.text, "Connection refused"));

	snprintf(text, sizeof(text), "vsock:%d:1025", ABSENT_CID);
	r = reach(p, text);
	assert_int_equal(r.fd, -1);
	assert_memory_equal(r.why.text, "cannot connect to vsock:4242:1025: ", 35);
	assert_int_equal(open_text(&second, p, text, &why), -EADDRNOTAVAIL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(reaches_itself),
		IN_PLACE(says_why_it_does_not),
	};

	if (!getenv("FERRY_TEST_VSOCK")) {
		puts("1..0 # SKIP it needs a machine of its own (tests/vm)");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
