#pragma once

/*
 * The keys that a server's session tickets are sealed with (RFC 5077 section 4).
 *
 * A key seals for TLS_TICKETS_MS and opens for as long again, then it is gone: who takes it then
 * reads nothing that was said before. It is renewed by the first handshake after that time. Safe in
 * any thread.
 */

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdint.h>

enum { TLS_TICKETS_MS = 12 * 60 * 60 * 1000, TLS_TICKET_NAME_SIZE = 16 };

struct tls_ticket_key {
	unsigned char name[TLS_TICKET_NAME_SIZE];
	unsigned char cipher[32];
	unsigned char mac[32];
};

struct tls_tickets {
	pthread_mutex_t lock;
	struct tls_ticket_key now, before;
	uint64_t made_ms; /* `now` */
};

/* Seals the tickets of SSL with T, which must outlive it. 0 or -ENOMEM. */
int tls_tickets_init(struct tls_tickets *t, SSL_CTX *ssl);
void tls_tickets_deinit(struct tls_tickets *t);

/* From here on a new key seals. 0, or -EIO: there are no random numbers, and all is as it was. */
int tls_tickets_renew(struct tls_tickets *t);
