#include "wire/sniff.h"

#include "wire/http.h"

/* What is expected next; from PLAIN on, what was decided. */
enum {
	START,
	TLS_VERSION,
	METHOD,
	TARGET_FIRST,
	SCHEME,
	SCHEME_S,
	SCHEME_END,
	ASTERISK_END,
	TARGET,
	VERSION,
	MINOR,
	LINE_END,
	LINE_FEED,
	PLAIN,
	HTTP,
	TLS,
};

/* The method ends where the first space is. */
static uint8_t method_step(struct sniffer *sniffer, struct bytes method, uint8_t c)
{
	if (method.len > HTTP_METHOD_MAX)
		return PLAIN;
	if (c != ' ')
		return (c >= 'A' && c <= 'Z') || c == '-' ? METHOD : PLAIN;
	sniffer->method = (uint8_t)http_method_of(method);
	return TARGET_FIRST;
}

static uint8_t target_first_step(const struct sniffer *sniffer, uint8_t c)
{
	if (c == '/')
		return TARGET;
	if (c == '*' && sniffer->method == HTTP_OPTIONS)
		return ASTERISK_END;
	return (c | 0x20) == 'h' ? SCHEME : PLAIN;
}

/* Goes to BEHIND at the end of WORD, to STATE within it, and is plain when C is not its next. */
static uint8_t word_step(
	struct sniffer *sniffer, const char *word, uint8_t c, uint8_t state, uint8_t behind)
{
	if (c != (uint8_t)word[sniffer->matched])
		return PLAIN;
	if (word[++sniffer->matched])
		return state;
	sniffer->matched = 0;
	return behind;
}

/* The state that C leads to; BEFORE are the bytes in front of it. */
static uint8_t step(struct sniffer *sniffer, struct bytes before, uint8_t c)
{
	switch (sniffer->state) {
	case START:
		if (c == 0x16)
			return TLS_VERSION;
		return c >= 'A' && c <= 'Z' ? METHOD : PLAIN;
	case TLS_VERSION:
		return c == 0x03 ? TLS : PLAIN;
	case METHOD:
		return method_step(sniffer, before, c);
	case TARGET_FIRST:
		return target_first_step(sniffer, c);
	case SCHEME:
		return word_step(sniffer, "ttp", c | 0x20, SCHEME, SCHEME_S);
	case SCHEME_S:
		if ((c | 0x20) == 's')
			return SCHEME_END;
		return word_step(sniffer, "://", c, SCHEME_END, TARGET);
	case SCHEME_END:
		return word_step(sniffer, "://", c, SCHEME_END, TARGET);
	case ASTERISK_END:
		return c == ' ' ? VERSION : PLAIN;
	case TARGET:
		if (c == ' ')
			return VERSION;
		return c > ' ' && c != 0x7f ? TARGET : PLAIN;
	case VERSION:
		return word_step(sniffer, "HTTP/1.", c, VERSION, MINOR);
	case MINOR:
		return c >= '0' && c <= '9' ? LINE_END : PLAIN;
	case LINE_END:
		if (c == '\r')
			return LINE_FEED;
		return c == '\n' ? HTTP : PLAIN;
	default:
		return c == '\n' ? HTTP : PLAIN;
	}
}

static bool begins_a_method(struct bytes text)
{
	for (int i = 0; i < HTTP_METHOD_OTHER; i++) {
		struct bytes name = bytes_text(http_method_name((enum http_method)i));
		if (text.len <= name.len && !memcmp(text.data, name.data, text.len))
			return true;
	}
	return false;
}

enum sniff sniffer_look(struct sniffer *sniffer, struct bytes first)
{
	while (sniffer->state < PLAIN && sniffer->at < first.len) {
		size_t at = sniffer->at++;
		sniffer->state = step(sniffer, bytes_of(first.data, at), first.data[at]);
		if (sniffer->state < PLAIN && sniffer->at == HTTP_HEAD_MAX)
			sniffer->state = HTTP;
	}
	switch (sniffer->state) {
	case PLAIN:
		return SNIFF_PLAIN;
	case HTTP:
		return SNIFF_HTTP;
	case TLS:
		return SNIFF_TLS;
	case START:
	case TLS_VERSION:
		return SNIFF_MORE;
	case METHOD:
		return begins_a_method(bytes_of(first.data, sniffer->at)) ? SNIFF_MORE
									  : SNIFF_MORE_BRIEFLY;
	default:
		return sniffer->method == HTTP_METHOD_OTHER ? SNIFF_MORE_BRIEFLY : SNIFF_MORE;
	}
}
