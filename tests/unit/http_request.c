/*
 * Request heads, row by row against the RFCs, each fed whole, byte by byte and at random cuts.
 * Every look at the input is at a fresh copy of exactly its bytes: what a parser keeps between two
 * calls cannot point into the first.
 */

#include "wire/http_request.h"

#include <stdio.h>
#include <stdlib.h>

#include "../cuts.h"
#include "test.h"

struct row {
	const char *why; /* section, and what is special */
	struct bytes text;
	int status;	   /* 0: a good request */
	const char *shown; /* what was understood of a good one */
};

#define TEXT(s)                                                                                    \
	{                                                                                          \
		(const uint8_t *)(s), sizeof(s) - 1                                                \
	}
#define OK(why, text, shown)                                                                       \
	{                                                                                          \
		why, TEXT(text), 0, shown                                                          \
	}
#define BAD(why, status, text)                                                                     \
	{                                                                                          \
		why, TEXT(text), status, NULL                                                      \
	}
#define H "Host: h\r\n"

static const struct row rows[] = {
	/* the request line */
	OK("9112 3: the simplest", "GET / HTTP/1.1\r\n" H "\r\n", "GET / host=h keep"),
	OK("9112 3: a query", "GET /a?b=c HTTP/1.1\r\n" H "\r\n", "GET /a ?b=c host=h keep"),
	OK("3986 3.4: an empty query", "GET /a? HTTP/1.1\r\n" H "\r\n", "GET /a ? host=h keep"),
	OK("3986 3.4: ? within a query", "GET /a?b?c HTTP/1.1\r\n" H "\r\n",
		"GET /a ?b?c host=h keep"),
	OK("9110 9.3: HEAD", "HEAD / HTTP/1.1\r\n" H "\r\n", "HEAD / host=h keep"),
	OK("9110 9.3: POST", "POST / HTTP/1.1\r\n" H "\r\n", "POST / host=h keep"),
	OK("9110 9.3: PUT", "PUT / HTTP/1.1\r\n" H "\r\n", "PUT / host=h keep"),
	OK("9110 9.3: DELETE", "DELETE / HTTP/1.1\r\n" H "\r\n", "DELETE / host=h keep"),
	OK("5789: PATCH", "PATCH / HTTP/1.1\r\n" H "\r\n", "PATCH / host=h keep"),
	OK("9110 9.3: OPTIONS", "OPTIONS /a HTTP/1.1\r\n" H "\r\n", "OPTIONS /a host=h keep"),
	OK("9110 9.3: TRACE", "TRACE / HTTP/1.1\r\n" H "\r\n", "TRACE / host=h keep"),
	OK("9110 9.1: an unknown method", "BREW / HTTP/1.1\r\n" H "\r\n", "other / host=h keep"),
	OK("9110 9.1: methods have case", "get / HTTP/1.1\r\n" H "\r\n", "other / host=h keep"),
	OK("9110 5.6.2: odd tokens are methods", "!#$%&'*+-.^_`|~ / HTTP/1.1\r\n" H "\r\n",
		"other / host=h keep"),
	BAD("9112 3: no target", 400, "GET HTTP/1.1\r\n" H "\r\n"),
	BAD("9112 3: no version", 400, "GET /\r\n" H "\r\n"),
	BAD("9112 3: nothing but a method", 400, "GET\r\n" H "\r\n"),
	BAD("9112 3: no method", 400, " / HTTP/1.1\r\n" H "\r\n"),
	BAD("9112 3: two spaces behind the method", 400, "GET  / HTTP/1.1\r\n" H "\r\n"),
	BAD("9112 3: two spaces before the version", 400, "GET /  HTTP/1.1\r\n" H "\r\n"),
	BAD("9112 3: a tab for a space", 400, "GET\t/ HTTP/1.1\r\n" H "\r\n"),
	BAD("9112 3: a space at the end", 400, "GET / HTTP/1.1 \r\n" H "\r\n"),
	BAD("9112 3: a space at the start", 400, " GET / HTTP/1.1\r\n" H "\r\n"),
	BAD("9112 3: a fourth word", 400, "GET / HTTP/1.1 x\r\n" H "\r\n"),
	BAD("9112 3: no token as method", 400, "G(T / HTTP/1.1\r\n" H "\r\n"),
	BAD("9112 3: a colon in the method", 400, "GET: / HTTP/1.1\r\n" H "\r\n"),
	BAD("9112 3: a byte above ASCII in the method", 400, "G\xc3\x89T / HTTP/1.1\r\n" H "\r\n"),
	BAD("9112 2.2: a NUL in the method", 400, "G\0T / HTTP/1.1\r\n" H "\r\n"),
	BAD("9112 3: longer than any method", 501,
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\n" H "\r\n"),

	/* the version */
	OK("9110 2.5: a later minor version", "GET / HTTP/1.9\r\n" H "\r\n", "GET / host=h keep"),
	OK("9112 2.3: HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "GET / 1.0"),
	BAD("9110 15.6.6: HTTP/2.0", 505, "GET / HTTP/2.0\r\n" H "\r\n"),
	BAD("9110 15.6.6: HTTP/0.9", 505, "GET / HTTP/0.9\r\n" H "\r\n"),
	BAD("9113 3.4: the preface of HTTP/2", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
	BAD("9112 2.3: in lower case", 400, "GET / http/1.1\r\n" H "\r\n"),
	BAD("9112 2.3: two digits", 400, "GET / HTTP/1.10\r\n" H "\r\n"),
	BAD("9112 2.3: no minor", 400, "GET / HTTP/1\r\n" H "\r\n"),
	BAD("9112 2.3: no dot", 400, "GET / HTTP/1,1\r\n" H "\r\n"),
	BAD("9112 2.3: a letter", 400, "GET / HTTP/1.x\r\n" H "\r\n"),
	BAD("9112 2.3: a sign", 400, "GET / HTTP/+1.1\r\n" H "\r\n"),
	BAD("9112 2.3: another protocol", 400, "GET / HTPT/1.1\r\n" H "\r\n"),
	BAD("2326: RTSP", 400, "OPTIONS /a RTSP/1.0\r\n" H "\r\n"),

	/* the target */
	OK("9112 3.2.2: absolute-form", "GET http://a/b?c HTTP/1.1\r\n" H "\r\n",
		"GET /b ?c host=a keep"),
	OK("9112 3.2.2: with a port", "GET http://a:80/b HTTP/1.1\r\nHost: a:80\r\n\r\n",
		"GET /b host=a:80 keep"),
	OK("9112 3.2.2: the target's host wins", "GET http://a/ HTTP/1.1\r\nHost: other\r\n\r\n",
		"GET / host=a keep"),
	OK("9110 4.2.3: no path", "GET http://a HTTP/1.1\r\n" H "\r\n", "GET / host=a keep"),
	OK("9110 4.2.3: no path but a query", "GET http://a?q HTTP/1.1\r\n" H "\r\n",
		"GET / ?q host=a keep"),
	OK("3986 3.1: schemes have no case", "GET HTTPS://a/ HTTP/1.1\r\n" H "\r\n",
		"GET / host=a keep"),
	OK("9112 3.2.2: in HTTP/1.0", "GET http://a/ HTTP/1.0\r\n\r\n", "GET / host=a 1.0"),
	OK("9112 3.2.4: asterisk-form", "OPTIONS * HTTP/1.1\r\n" H "\r\n", "OPTIONS * host=h keep"),
	OK("9112 3.2.3: authority-form", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
		"CONNECT - host=a:443 keep"),
	OK("3986 2.1: escapes stay", "GET /%41%2f HTTP/1.1\r\n" H "\r\n",
		"GET /%41%2f host=h keep"),
	OK("as curl sends it: UTF-8", "GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n",
		"GET /\xc3\xa4 host=h keep"),
	OK("as browsers send it: a bar", "GET /a|b HTTP/1.1\r\n" H "\r\n", "GET /a|b host=h keep"),
	OK("9112 3.2.1: two slashes are a path", "GET //a HTTP/1.1\r\n" H "\r\n",
		"GET //a host=h keep"),
	BAD("9112 3.2.2: no Host even so", 400, "GET http://a/ HTTP/1.1\r\n\r\n"),
	BAD("9112 3.2: a bad Host even so", 400, "GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n"),
	BAD("9110 4.2.1: an empty host", 400, "GET http:///a HTTP/1.1\r\n" H "\r\n"),
	BAD("9110 4.2.4: user information", 400, "GET http://u:p@a/ HTTP/1.1\r\n" H "\r\n"),
	BAD("9112 3.2.2: another scheme", 400, "GET ftp://a/ HTTP/1.1\r\n" H "\r\n"),
	BAD("9112 3.2.2: a scheme and no slashes", 400, "GET http:/a HTTP/1.1\r\n" H "\r\n"),
	BAD("9112 3.2.4: * for another method", 400, "GET * HTTP/1.1\r\n" H "\r\n"),
	BAD("9112 3.2.4: more than *", 400, "OPTIONS ** HTTP/1.1\r\n" H "\r\n"),
	BAD("9112 3.2.3: another method", 400, "GET a:443 HTTP/1.1\r\n" H "\r\n"),
	BAD("9110 9.3.6: CONNECT without a port", 400, "CONNECT a HTTP/1.1\r\n" H "\r\n"),
	BAD("9110 9.3.6: CONNECT with a path", 400, "CONNECT /a HTTP/1.1\r\n" H "\r\n"),
	BAD("9110 9.3.6: CONNECT with a bad port", 400, "CONNECT a:65536 HTTP/1.1\r\n" H "\r\n"),
	BAD("9112 3.2: a relative path", 400, "GET a HTTP/1.1\r\n" H "\r\n"),
	BAD("9112 3.2: a fragment", 400, "GET /a#b HTTP/1.1\r\n" H "\r\n"),
	BAD("9112 2.2: a NUL in the target", 400, "GET /\0 HTTP/1.1\r\n" H "\r\n"),
	BAD("9112 3.2: a control byte in the target", 400, "GET /\x7f HTTP/1.1\r\n" H "\r\n"),
	BAD("9112 2.2: a bare CR in the target", 400, "GET /\r HTTP/1.1\r\n" H "\r\n"),

	/* line ends */
	OK("9112 2.2: lone LFs throughout", "GET / HTTP/1.1\nHost: h\n\n", "GET / host=h keep"),
	OK("9112 2.2: an empty line before", "\r\nGET / HTTP/1.1\r\n" H "\r\n",
		"GET / host=h keep"),
	OK("9112 2.2: four empty lines before", "\r\n\r\n\n\r\nGET / HTTP/1.1\r\n" H "\r\n",
		"GET / host=h keep"),
	BAD("9112 2.2: five of them", 400, "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n"),
	BAD("9112 2.2: a lone LF behind a field", 400, "GET / HTTP/1.1\r\nA: b\n" H "\r\n"),
	BAD("9112 2.2: a lone LF at the end", 400, "GET / HTTP/1.1\r\n" H "\n"),
	BAD("9112 2.2: a CR LF among lone LFs", 400, "GET / HTTP/1.1\nHost: h\r\n\n"),
	BAD("9112 2.2: a CR LF at the end of lone LFs", 400, "GET / HTTP/1.1\nHost: h\n\r\n"),
	BAD("9112 2.2: a bare CR in a value", 400, "GET / HTTP/1.1\r\n" H "A: b\rc\r\n\r\n"),
	BAD("9112 2.2: a bare CR before CR LF", 400, "GET / HTTP/1.1\r\n" H "A: b\r\r\n\r\n"),
	BAD("9112 2.2: a bare CR for a line end", 400, "GET / HTTP/1.1\r" H "\r\n\r\n"),
	BAD("9112 2.2: a line of one CR", 400, "GET / HTTP/1.1\r\n" H "\r\r\n\r\n"),

	/* fields */
	OK("9112 5.1: no space behind the colon", "GET / HTTP/1.1\r\nHost:h\r\n\r\n",
		"GET / host=h keep"),
	OK("9110 5.5: spaces around a value", "GET / HTTP/1.1\r\nHost: \t h \t\r\n\r\n",
		"GET / host=h keep"),
	OK("9110 5.1: names have no case", "GET / HTTP/1.1\r\nhOsT: h\r\n\r\n",
		"GET / host=h keep"),
	OK("9110 5.5: an empty value", "GET / HTTP/1.1\r\n" H "A:\r\n\r\n", "GET / host=h keep"),
	OK("9110 5.5: obs-text", "GET / HTTP/1.1\r\n" H "A: \xff\x80\r\n\r\n", "GET / host=h keep"),
	OK("9110 5.5: a colon in a value", "GET / HTTP/1.1\r\n" H "A: b: c\r\n\r\n",
		"GET / host=h keep"),
	OK("9110 5.5: a tab within a value", "GET / HTTP/1.1\r\n" H "A: b\tc\r\n\r\n",
		"GET / host=h keep"),
	OK("9110 5.6.2: an odd name", "GET / HTTP/1.1\r\n" H "!#$%&'*+-.^_`|~09: b\r\n\r\n",
		"GET / host=h keep"),
	BAD("9112 5.1: a space before the colon", 400, "GET / HTTP/1.1\r\nHost : h\r\n\r\n"),
	BAD("9112 5.1: a tab before the colon", 400, "GET / HTTP/1.1\r\n" H "A\t: b\r\n\r\n"),
	BAD("9112 5.2: obs-fold", 400, "GET / HTTP/1.1\r\n" H "A: b\r\n c\r\n\r\n"),
	BAD("9112 5.2: obs-fold with a tab", 400, "GET / HTTP/1.1\r\n" H "A: b\r\n\tc\r\n\r\n"),
	BAD("9112 2.2: a space before the first field", 400, "GET / HTTP/1.1\r\n Host: h\r\n\r\n"),
	BAD("9112 5.2: a line of spaces", 400, "GET / HTTP/1.1\r\n" H "  \r\n\r\n"),
	BAD("9112 5: no colon", 400, "GET / HTTP/1.1\r\n" H "nonsense\r\n\r\n"),
	BAD("9112 5: no name", 400, "GET / HTTP/1.1\r\n" H ": b\r\n\r\n"),
	BAD("9110 5.1: a space in a name", 400, "GET / HTTP/1.1\r\n" H "A B: c\r\n\r\n"),
	BAD("9110 5.1: a parenthesis in a name", 400, "GET / HTTP/1.1\r\n" H "A(: c\r\n\r\n"),
	BAD("9110 5.1: a byte above ASCII in a name", 400,
		"GET / HTTP/1.1\r\n" H "\xc3\x84: c\r\n\r\n"),
	BAD("9110 5.1: a NUL in a name", 400, "GET / HTTP/1.1\r\n" H "A\0: c\r\n\r\n"),
	BAD("9110 5.5: a NUL in a value", 400, "GET / HTTP/1.1\r\n" H "A: \0\r\n\r\n"),
	BAD("9110 5.5: a control byte in a value", 400, "GET / HTTP/1.1\r\n" H "A: \x01\r\n\r\n"),
	BAD("9110 5.5: DEL in a value", 400, "GET / HTTP/1.1\r\n" H "A: \x7f\r\n\r\n"),

	/* Host */
	OK("9112 3.2: with a port", "GET / HTTP/1.1\r\nHost: h:8080\r\n\r\n",
		"GET / host=h:8080 keep"),
	OK("3986 3.2.3: with an empty port", "GET / HTTP/1.1\r\nHost: h:\r\n\r\n",
		"GET / host=h keep"),
	OK("3986 3.2.2: IPv4", "GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n",
		"GET / host=127.0.0.1:1 keep"),
	OK("3986 3.2.2: IPv6", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
		"GET / host=::1:80 keep"),
	OK("3986 3.2.2: IPv6 and no port", "GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n",
		"GET / host=::1 keep"),
	OK("9112 3.2: HTTP/1.0 may have one", "GET / HTTP/1.0\r\n" H "\r\n", "GET / host=h 1.0"),
	BAD("9112 3.2: none", 400, "GET / HTTP/1.1\r\n\r\n"),
	BAD("9112 3.2: none for a later minor", 400, "GET / HTTP/1.2\r\n\r\n"),
	BAD("9112 3.2: two", 400, "GET / HTTP/1.1\r\n" H "Host: i\r\n\r\n"),
	BAD("9112 3.2: twice the same", 400, "GET / HTTP/1.1\r\n" H H "\r\n"),
	BAD("9112 3.2: two in HTTP/1.0", 400, "GET / HTTP/1.0\r\n" H H "\r\n"),
	BAD("9110 4.2.1: empty", 400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
	BAD("9110 7.2: user information", 400, "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n"),
	BAD("9110 7.2: a path", 400, "GET / HTTP/1.1\r\nHost: h/a\r\n\r\n"),
	BAD("9110 7.2: two names", 400, "GET / HTTP/1.1\r\nHost: h, i h\r\n\r\n"),
	BAD("3986 3.2.3: a port that is none", 400, "GET / HTTP/1.1\r\nHost: h:x\r\n\r\n"),
	BAD("3986 3.2.3: a port too large", 400, "GET / HTTP/1.1\r\nHost: h:65536\r\n\r\n"),
	BAD("3986 3.2.2: a bracket left open", 400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
	BAD("3986 3.2.2: no IPv6 in brackets", 400, "GET / HTTP/1.1\r\nHost: [h]\r\n\r\n"),
	BAD("3986 3.2.2: IPv6 without brackets", 400, "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n"),
	BAD("3986 3.2.2: more behind the bracket", 400, "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"),
	BAD("3986 3.2.2: only a port", 400, "GET / HTTP/1.1\r\nHost: :80\r\n\r\n"),
	BAD("3986 2.1: a broken escape", 400, "GET / HTTP/1.1\r\nHost: h%4\r\n\r\n"),

	/* the body's framing */
	OK("9112 6.2: Content-Length", "PUT / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\n",
		"PUT / host=h keep length=5"),
	OK("9112 6.2: of zero", "PUT / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n",
		"PUT / host=h keep"),
	OK("9110 8.6: zeros before", "PUT / HTTP/1.1\r\n" H "Content-Length: 0010\r\n\r\n",
		"PUT / host=h keep length=10"),
	OK("9110 9.3.1: a GET with a body", "GET / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\n",
		"GET / host=h keep length=1"),
	OK("9110 8.6: the largest",
		"PUT / HTTP/1.1\r\n" H "Content-Length: 9223372036854775807\r\n\r\n",
		"PUT / host=h keep length=9223372036854775807"),
	OK("9112 7.1: chunked", "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n",
		"PUT / host=h keep chunked"),
	OK("9112 7: codings have no case",
		"PUT / HTTP/1.1\r\n" H "Transfer-Encoding: CHUNKED\r\n\r\n",
		"PUT / host=h keep chunked"),
	BAD("9110 8.6: twice the same", 400,
		"PUT / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
	BAD("9112 6.3: twice, different", 400,
		"PUT / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"),
	BAD("9110 8.6: a list", 400, "PUT / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n"),
	BAD("9110 8.6: empty", 400, "PUT / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n"),
	BAD("9110 8.6: a plus", 400, "PUT / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\n"),
	BAD("9110 8.6: a minus", 400, "PUT / HTTP/1.1\r\n" H "Content-Length: -5\r\n\r\n"),
	BAD("9110 8.6: hexadecimal", 400, "PUT / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\n"),
	BAD("9110 8.6: a fraction", 400, "PUT / HTTP/1.1\r\n" H "Content-Length: 5.0\r\n\r\n"),
	BAD("9110 8.6: a space within", 400, "PUT / HTTP/1.1\r\n" H "Content-Length: 5 0\r\n\r\n"),
	BAD("9110 8.6: quotes", 400, "PUT / HTTP/1.1\r\n" H "Content-Length: \"5\"\r\n\r\n"),
	BAD("9110 8.6: a vertical tab", 400, "PUT / HTTP/1.1\r\n" H "Content-Length: \v5\r\n\r\n"),
	BAD("9110 8.6: beyond 63 bits", 413,
		"PUT / HTTP/1.1\r\n" H "Content-Length: 9223372036854775808\r\n\r\n"),
	BAD("9110 8.6: beyond 64 bits", 413,
		"PUT / HTTP/1.1\r\n" H "Content-Length: 18446744073709551621\r\n\r\n"),
	BAD("9112 6.3: both", 400,
		"PUT / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
	BAD("9112 6.3: both, the other way round", 400,
		"PUT / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
	BAD("9112 6.1: in HTTP/1.0", 400,
		"PUT / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n"),
	BAD("9112 6.3: not chunked at the end", 400,
		"PUT / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n\r\n"),
	BAD("9112 6.3: chunked, then another", 400,
		"PUT / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, gzip\r\n\r\n"),
	BAD("9112 7: identity is gone", 400,
		"PUT / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n"),
	BAD("9112 6.1: chunked twice", 400,
		"PUT / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked\r\n\r\n"),
	BAD("9112 6.1: chunked on two lines", 400,
		"PUT / HTTP/1.1\r\n" H
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
	BAD("9112 6.1: hidden by a letter", 400,
		"PUT / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n"),
	BAD("9112 6.1: hidden by a vertical tab", 400,
		"PUT / HTTP/1.1\r\n" H "Transfer-Encoding: \vchunked\r\n\r\n"),
	BAD("9112 7.1: chunked has no parameters", 400,
		"PUT / HTTP/1.1\r\n" H "Transfer-Encoding: chunked;a=b\r\n\r\n"),
	BAD("9112 7: quotes", 400, "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n"),
	BAD("9112 6.1: empty", 400, "PUT / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n"),
	BAD("9112 6.1: an empty element beside it", 400,
		"PUT / HTTP/1.1\r\n" H "Transfer-Encoding: , chunked\r\n\r\n"),
	BAD("9112 6.1: a coding we do not have", 501,
		"PUT / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n"),
	BAD("9112 6.1: the same on two lines", 501,
		"PUT / HTTP/1.1\r\n" H
		"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"),

	/* Connection and Expect */
	OK("9112 9.6: close", "GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n", "GET / host=h"),
	OK("9112 9.6: close in any case", "GET / HTTP/1.1\r\n" H "Connection: CLOSE\r\n\r\n",
		"GET / host=h"),
	OK("9112 9.6: close among others", "GET / HTTP/1.1\r\n" H "Connection: te, close\r\n\r\n",
		"GET / host=h"),
	OK("9112 9.6: close on the second line",
		"GET / HTTP/1.1\r\n" H "Connection: te\r\nConnection: close\r\n\r\n",
		"GET / host=h"),
	OK("9112 9.3: close wins", "GET / HTTP/1.1\r\n" H "Connection: keep-alive, close\r\n\r\n",
		"GET / host=h"),
	OK("9112 9.3: not a longer word", "GET / HTTP/1.1\r\n" H "Connection: closed\r\n\r\n",
		"GET / host=h keep"),
	OK("9112 9.3: keep-alive in HTTP/1.0", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"GET / 1.0 keep"),
	OK("9110 10.1.1: 100-continue",
		"PUT / HTTP/1.1\r\n" H "Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n",
		"PUT / host=h keep length=5 expects"),
	OK("9110 10.1.1: without a body", "PUT / HTTP/1.1\r\n" H "Expect: 100-continue\r\n\r\n",
		"PUT / host=h keep"),
	OK("9110 10.1.1: in HTTP/1.0",
		"PUT / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
		"PUT / 1.0 length=5"),
	BAD("9110 10.1.1: another expectation", 417,
		"PUT / HTTP/1.1\r\n" H "Expect: a-miracle\r\n\r\n"),
	BAD("9110 10.1.1: one more", 417,
		"PUT / HTTP/1.1\r\n" H "Expect: 100-continue, a-miracle\r\n\r\n"),
};

/* What was understood, in words. */
static void show(const struct http_request *r, char *text, size_t size)
{
	struct buffer b = BUFFER_NULL;

	buffer_print(
		&b, "%s", r->method == HTTP_METHOD_OTHER ? "other" : http_method_name(r->method));
	buffer_print(&b, " %.*s", r->path.data ? (int)r->path.len : 1,
		r->path.data ? (const char *)r->path.data : "-");
	if (r->query.data)
		buffer_print(&b, " ?%.*s", (int)r->query.len, r->query.data);
	if (r->host.name.data)
		buffer_print(&b, " host=%.*s", (int)r->host.name.len, r->host.name.data);
	if (r->host.port >= 0)
		buffer_print(&b, ":%d", r->host.port);
	buffer_print(&b, "%s%s", r->minor ? "" : " 1.0", r->keep_alive ? " keep" : "");
	if (r->framing == HTTP_LENGTH)
		buffer_print(&b, " length=%llu", (unsigned long long)r->content_length);
	buffer_print(&b, "%s%s", r->framing == HTTP_CHUNKED ? " chunked" : "",
		r->expect_continue ? " expects" : "");
	snprintf(text, size, "%.*s", (int)buffer_len(&b), (char *)b.data + b.start);
	buffer_deinit(&b);
}

/* Feeds what C cuts. The result is that of the parser; REQUEST is shown before its bytes go. */
static int feed(struct cuts c, struct http_request *request, char *shown, size_t size)
{
	struct http_scan scan = HTTP_SCAN_NULL;
	struct bytes input;
	int r = HTTP_MORE;

	while (r == HTTP_MORE && cuts_next_prefix(&c, &input))
		if ((r = http_request_parse(request, &scan, input)) == 0)
			show(request, shown, size);
	cuts_deinit(&c);
	return r;
}

static void check(const struct row *row, size_t max, uint64_t seed)
{
	struct http_request request;
	char shown[256] = "";

	int r = feed(cuts_of(row->text, max, seed), &request, shown, sizeof(shown));
	int status = r == HTTP_REFUSED ? request.refusal.status : r;
	if (status != row->status || (!r && strcmp(shown, row->shown)) ||
		(!r && request.len != row->text.len))
		fail_msg("%s: %d \"%s\", pieces of up to %zu", row->why, status, shown, max);
	assert_true(r == 0 || request.refusal.detail[0]);
}

static void agrees_with_the_rfc(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		check(&rows[i], SIZE_MAX, 0);
		check(&rows[i], 1, 0);
		for (uint64_t seed = 1; seed < 20; seed++)
			check(&rows[i], 7, seed);
	}
}

/* A head of LEN bytes in all: HEAD, then the letter x up to what is needed for END. */
static struct bytes stretched(const char *head, const char *end, size_t len)
{
	char *text = malloc(len + 1);
	size_t tail = strlen(end);

	assert_non_null(text);
	memset(text, 'x', len);
	memcpy(text, head, strlen(head));
	memcpy(text + len - tail, end, tail + 1);
	return bytes_of(text, len);
}

static void check_stretched(const char *head, const char *end, size_t len, int status)
{
	static const size_t pieces[] = {7, 400, 10000, SIZE_MAX};
	struct bytes text = stretched(head, end, len);
	struct http_request request;
	char shown[HTTP_HEAD_MAX * 2];

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		int r = feed(cuts_of(text, pieces[i], 0), &request, shown, sizeof(shown));
		assert_int_equal(r == HTTP_REFUSED ? request.refusal.status : r, status);
	}
	free((void *)(uintptr_t)text.data);
}

static void keeps_to_its_limits(void **state)
{
	const char field[] = "GET / HTTP/1.1\r\nHost: h\r\nA: ";
	const char target_end[] = " HTTP/1.1\r\nHost: h\r\n\r\n";
	size_t around = 5 + strlen(target_end);

	check_stretched(field, "\r\n\r\n", HTTP_HEAD_MAX, 0);
	check_stretched(field, "\r\n\r\n", HTTP_HEAD_MAX + 1, 431);
	check_stretched(field, "\r\n\r\n", HTTP_HEAD_MAX * 2, 431);
	check_stretched(field, "", HTTP_HEAD_MAX, 431);
	check_stretched(field, "", HTTP_HEAD_MAX - 1, HTTP_MORE);
	check_stretched("GET /", target_end, HTTP_TARGET_MAX - 1 + around, 0);
	check_stretched("GET /", target_end, HTTP_TARGET_MAX + around, 414);
	check_stretched("GET /", target_end, HTTP_HEAD_MAX * 2, 414);
	check_stretched("GET /", "", HTTP_HEAD_MAX, 414);
	check_stretched("GET /", "", HTTP_HEAD_MAX - 1, HTTP_MORE);
	check_stretched("G", "", HTTP_HEAD_MAX, 501);
	check_stretched("(", "", HTTP_HEAD_MAX, 400);
	check_stretched("GET / HTTP/2.0\r\n", "", HTTP_HEAD_MAX, 505);
}

static void counts_fields(void **state)
{
	struct buffer text = BUFFER_NULL;
	struct http_request request;

	for (size_t extra = 0; extra < 2; extra++) {
		struct http_scan scan = HTTP_SCAN_NULL;
		buffer_consume(&text, SIZE_MAX);
		buffer_print(&text, "GET / HTTP/1.1\r\nHost: h\r\n");
		for (size_t i = 1; i < HTTP_FIELDS_MAX + extra; i++)
			buffer_print(&text, "A: b\r\n");
		buffer_print(&text, "\r\n");
		int r = http_request_parse(&request, &scan, buffer_bytes(&text));
		assert_int_equal(r, extra ? HTTP_REFUSED : 0);
		assert_int_equal(request.refusal.status, extra ? 431 : 0);
	}
	buffer_deinit(&text);
}

static void refuses_a_bad_line_at_once(void **state)
{
	struct http_scan scan = HTTP_SCAN_NULL;
	struct http_request request;

	assert_int_equal(
		http_request_parse(&request, &scan, bytes_text("GET me a coffee")), HTTP_MORE);
	assert_int_equal(http_request_parse(&request, &scan, bytes_text("GET me a coffee\r\n")),
		HTTP_REFUSED);
	assert_int_equal(request.refusal.status, 400);
}

static void takes_requests_one_by_one(void **state)
{
	struct bytes input =
		bytes_text("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"
			   "\r\nGET /2 HTTP/1.1\r\nHost: h\r\nA: 1\r\na: 2\r\n\r\nGET");
	struct http_scan scan = HTTP_SCAN_NULL;
	struct http_request request;
	struct bytes value;
	size_t at = 0;

	assert_int_equal(http_request_parse(&request, &scan, input), 0);
	assert_true(bytes_equal(request.path, bytes_text("/1")));
	assert_int_equal(request.fields.count, 1);
	input = bytes_of(input.data + request.len, input.len - request.len);
	assert_int_equal(http_request_parse(&request, &scan, input), 0);
	assert_true(bytes_equal(request.path, bytes_text("/2")));
	assert_true(bytes_equal(http_fields_get(&request.fields, "a"), bytes_text("1")));
	assert_null(http_fields_get_only(&request.fields, "a").data);
	assert_true(bytes_equal(http_fields_get_only(&request.fields, "Host"), bytes_text("h")));
	assert_null(http_fields_get(&request.fields, "b").data);
	assert_true(http_fields_next(&request.fields, "A", &at, &value));
	assert_true(http_fields_next(&request.fields, "A", &at, &value));
	assert_true(bytes_equal(value, bytes_text("2")));
	assert_false(http_fields_next(&request.fields, "A", &at, &value));
	input = bytes_of(input.data + request.len, input.len - request.len);
	assert_int_equal(http_request_parse(&request, &scan, input), HTTP_MORE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_rfc),
		cmocka_unit_test(keeps_to_its_limits),
		cmocka_unit_test(counts_fields),
		cmocka_unit_test(refuses_a_bad_line_at_once),
		cmocka_unit_test(takes_requests_one_by_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
