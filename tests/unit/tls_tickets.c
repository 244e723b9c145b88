#include "net/tls_tickets.h"

#include "base/cleanup.h"

#include "test.h"

#include "tls_pair.h"

struct world {
	struct tls_keys keys;
	struct tls_tickets tickets;
	SSL_CTX *server, *client;
	SSL_SESSION *ticket; /* the last that the client was given */
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	tls_keys_init(&w->keys);
	w->server = SSL_CTX_new(TLS_server_method());
	w->client = SSL_CTX_new(TLS_client_method());
	assert_int_equal(SSL_CTX_use_certificate(w->server, w->keys.certificate), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(w->server, w->keys.key), 1);
	assert_int_equal(tls_tickets_init(&w->tickets, w->server), 0);
	SSL_CTX_set_session_cache_mode(w->server, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_cache_mode(w->client, SSL_SESS_CACHE_OFF);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	SSL_SESSION_free(w->ticket);
	SSL_CTX_free(w->client);
	SSL_CTX_free(w->server);
	tls_tickets_deinit(&w->tickets);
	tls_keys_deinit(&w->keys);
	free(w);
	return 0;
}

static SSL *open_side(SSL_CTX *context, BIO *bio)
{
	SSL *ssl = SSL_new(context);

	assert_non_null(ssl);
	SSL_set_bio(ssl, bio, bio);
	return ssl;
}

/* Connects with TICKET, or none: whether that spared the handshake. */
static bool resumes(struct world *w, int version, SSL_SESSION *ticket)
{
	BIO *up, *down;
	char byte;

	assert_int_equal(BIO_new_bio_pair(&up, 0, &down, 0), 1);
	SSL *a = open_side(w->client, up), *b = open_side(w->server, down);
	assert_int_equal(SSL_set_max_proto_version(a, version), 1);
	SSL_SESSION *copy = ticket ? SSL_SESSION_dup(ticket) : NULL; /* as it is now */
	assert_true(!copy || SSL_set_session(a, copy));
	SSL_SESSION_free(copy);
	for (int left = 10; left; left--) {
		SSL_connect(a);
		SSL_accept(b);
	}
	assert_true(SSL_is_init_finished(a) && SSL_is_init_finished(b));
	SSL_read(a, &byte, 1); /* the ticket of 1.3 */
	bool resumed = SSL_session_reused(b);
	SSL_SESSION_free(w->ticket);
	w->ticket = SSL_get1_session(a);
	SSL_set_shutdown(a, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_set_shutdown(b, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(a);
	SSL_free(b);
	return resumed;
}

/* A first connection's ticket, which is the caller's. */
static SSL_SESSION *first_ticket(struct world *w, int version)
{
	assert_false(resumes(w, version, NULL));
	return take(w->ticket);
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void a_key_opens_until_it_was_renewed_twice(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < 2; i++) {
		SSL_SESSION *ticket = first_ticket(w, versions[i]);
		assert_true(resumes(w, versions[i], ticket));
		assert_int_equal(tls_tickets_renew(&w->tickets), 0);
		assert_true(resumes(w, versions[i], ticket));
		assert_int_equal(tls_tickets_renew(&w->tickets), 0);
		assert_false(resumes(w, versions[i], ticket));
		SSL_SESSION_free(ticket);
	}
}

static void an_old_keys_ticket_is_replaced(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < 2; i++) {
		SSL_SESSION *ticket = first_ticket(w, versions[i]);
		assert_int_equal(tls_tickets_renew(&w->tickets), 0);
		assert_true(resumes(w, versions[i], ticket));
		SSL_SESSION_free(ticket);
		ticket = take(w->ticket);
		assert_int_equal(tls_tickets_renew(&w->tickets), 0);
		assert_true(resumes(w, versions[i], ticket));
		SSL_SESSION_free(ticket);
	}
}

static void time_renews(void **state)
{
	struct world *w = *state;
	SSL_SESSION *ticket = first_ticket(w, TLS1_3_VERSION);

	for (int old = 1; old >= 0; old--) {
		w->tickets.made_ms -= TLS_TICKETS_MS;
		assert_int_equal(resumes(w, TLS1_3_VERSION, ticket), old);
	}
	SSL_SESSION_free(ticket);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_key_opens_until_it_was_renewed_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(an_old_keys_ticket_is_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(time_renews, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
