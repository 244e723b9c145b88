#pragma once

/*
 * What the first bytes of a stream are, for the door.
 *
 * A stream is HTTP once a whole first line `METHOD TARGET HTTP/1.x` is there, its target a path, a
 * URL, or `*` behind OPTIONS. It is plain as soon as its bytes can no longer become that: mostly at
 * the first. In between it is undecided. Nothing is taken: whoever is chosen reads from the first
 * byte on.
 */

#include "base/bytes.h"

enum sniff {
	SNIFF_MORE,	    /* could still be any wire: wait, as long as one waits for a request */
	SNIFF_MORE_BRIEFLY, /* only a method that no standard knows begins like this: wait no longer
			       than for the end of a plain line */
	SNIFF_PLAIN,
	SNIFF_HTTP,
	SNIFF_TLS, /* a handshake record: 0x16 0x03 */
};

/* All zero at the start of a stream. */
struct sniffer {
	uint16_t at; /* bytes looked at */
	uint8_t state;
	uint8_t matched; /* letters of the word being read */
	uint8_t method;	 /* enum http_method, once it is known */
};

#define SNIFFER_NULL ((struct sniffer){0})

/* Looks at FIRST: all bytes of the stream so far, none of which may have changed since the last
 * call. A target that does not end within HTTP_HEAD_MAX is SNIFF_HTTP, for HTTP can answer that it
 * is too long. Once decided, the answer stays. */
enum sniff sniffer_look(struct sniffer *sniffer, struct bytes first);
