#include "cli/contact.h"

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/secret.h"
#include "client/link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONTACT_TIMEOUT_MS = 10 * 1000 };

/* ---- the question ---- */

static bool contact_is_yes(const char *answer, const struct contact *c)
{
	return !strcmp(answer, "yes") || !strcmp(answer, c->pin);
}

/* Until there is an answer; the end of input is a no. */
static bool contact_read_answer(FILE *terminal, const struct contact *c)
{
	char answer[128];

	while (fgets(answer, sizeof(answer), terminal)) {
		answer[strcspn(answer, "\r\n")] = '\0';
		if (contact_is_yes(answer, c))
			return true;
		if (!strcmp(answer, "no"))
			return false;
		fputs("Please type yes or no, or the pin itself: ", terminal);
		fflush(terminal);
	}
	return false;
}

static bool contact_ask(void *data, const struct contact *c)
{
	FILE *terminal = isatty(STDERR_FILENO) ? fopen("/dev/tty", "r+e") : NULL;

	if (!terminal)
		return false;
	fprintf(terminal,
		"The hub at %s was not met before, and\n%s.\n%s%sIts key is %s\n"
		"The hub's owner sees the same with: ferry key\n"
		"Is it the right one (yes, no, or the pin itself)? ",
		c->address, c->doubt, c->damage, *c->damage ? ".\n" : "", c->pin);
	fflush(terminal);
	bool yes = contact_read_answer(terminal, c);
	fclose(terminal);
	return yes;
}

/* ---- the token ---- */

/* The file has the token, and nothing else. */
static int contact_read_token(const char *path, char **token, struct fault *why)
{
	static const char blank[] = " \t\r\n";
	cleanup(secret_forget) struct buffer text = BUFFER_NULL;

	int r = secret_read(path, &text, why);
	if (r == 0 && buffer_append(&text, "", 1) < 0)
		r = fault_errno(why, -ENOMEM, "%s", path);
	if (r < 0)
		return r;
	const char *start = (const char *)buffer_bytes(&text).data;
	start += strspn(start, blank);
	size_t len = strcspn(start, blank);
	if (!len || start[len + strspn(start + len, blank)])
		return fault_set(
			why, -EINVAL, "%s: there must be a token in it, and nothing else", path);
	*token = bytes_dup(bytes_of(start, len));
	return *token ? 0 : fault_errno(why, -ENOMEM, "%s", path);
}

/* A program's arguments are for everyone to see (ps), so there is no option for the token itself.
 */
static int contact_token(const char *path, char **token, struct fault *why)
{
	const char *own = getenv("FERRY_TOKEN");

	*token = NULL;
	if (path)
		return contact_read_token(path, token, why);
	if (!own || !*own)
		return 0;
	*token = strdup(own);
	return *token ? 0 : fault_errno(why, -ENOMEM, "cannot keep the token");
}

struct trust *contact_trust(
	const struct contact_settings *settings, const struct command *c, struct fault *why)
{
	cleanup(cleanup_free) char *token = NULL;

	if (c->shows_token && contact_token(settings->token_file, &token, why) < 0)
		return NULL;
	const struct trust_options options = {
		.token = token,
		.token_in_plain = settings->token_file,
		.pin = settings->pin,
		.ca_file = settings->ca,
		.cert_file = settings->cert,
		.key_file = settings->key,
		.directory = settings->key_dir,
		.first = settings->trust_first,
		.ask = c->meets ? contact_ask : NULL,
	};

	return trust_new(&options, why);
}

/* ---- the connection ---- */

struct meeting {
	struct loop loop;
	struct link link;
	struct fault *why;
	int result;
};

static void meeting_end(struct link *l, int result)
{
	struct meeting *m = container_of(l, struct meeting, link);

	m->result = result;
	link_close(l);
	loop_stop(&m->loop);
}

static void meeting_on_connected(struct link *l)
{
	meeting_end(l, 0);
}

static size_t meeting_on_received(struct link *l, struct bytes data)
{
	return data.len;
}

static void meeting_on_nothing(struct link *l)
{
}

static void meeting_on_failed(struct link *l, const struct fault *why)
{
	struct meeting *m = container_of(l, struct meeting, link);

	*m->why = *why;
	meeting_end(l, why->error == -EACCES ? why->error : 0);
}

static const struct link_handler meeting_link = {
	.connected = meeting_on_connected,
	.received = meeting_on_received,
	.ended = meeting_on_nothing,
	.writable = meeting_on_nothing,
	.failed = meeting_on_failed,
	.alarmed = meeting_on_nothing,
};

static int contact_connect(struct trust *t, const struct address *a, struct fault *why)
{
	struct meeting m = {.link = LINK_NULL, .why = why};

	int r = loop_init(&m.loop);
	if (r < 0)
		return fault_errno(why, r, "cannot start");
	r = link_init(&m.link, &m.loop, t, &meeting_link);
	if (r == 0)
		r = link_dial(&m.link, a, CONTACT_TIMEOUT_MS);
	if (r == 0)
		loop_run(&m.loop);
	else
		m.result = fault_errno(why, r, "cannot start");
	link_deinit(&m.link);
	loop_deinit(&m.loop);
	return m.result;
}

int contact_meet(struct trust *t, const char *address, struct fault *why)
{
	struct address a;

	if (!isatty(STDERR_FILENO) || address_parse(&a, address, NULL) < 0)
		return 0;
	int r = a.scheme->tls && !trust_has_met(t, &a) ? contact_connect(t, &a, why) : 0;
	address_deinit(&a);
	return r;
}

/* ---- what to type instead ---- */

static int contact_quote(struct buffer *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_./:=@,+%";
	int r = 0;

	if (*word && !word[strspn(word, plain)])
		return buffer_print(out, " %s", word);
	r = buffer_print(out, " '");
	for (; *word && r == 0; word++)
		r = buffer_print(out, *word == '\'' ? "'\\''" : "%c", *word);
	return r == 0 ? buffer_print(out, "'") : r;
}

/* Whether WORD is an address that, with a pin, is UNMET. */
static bool contact_is_unmet(const char *word, const char *unmet)
{
	struct address a, pinned;
	bool same = false;

	if (address_parse(&pinned, unmet, NULL) < 0)
		return false;
	if (address_parse(&a, word, NULL) == 0) {
		char *pin = take(pinned.options[ADDRESS_PIN]);
		same = address_equal(&a, &pinned);
		pinned.options[ADDRESS_PIN] = pin;
		address_deinit(&a);
	}
	address_deinit(&pinned);
	return same;
}

void contact_advise(const struct trust *t, int argc, char **argv)
{
	cleanup(buffer_deinit) struct buffer line = BUFFER_NULL;
	const char *unmet = trust_unmet(t);
	int r = 0;

	for (int i = 0; unmet && i < argc && r == 0; i++)
		r = contact_quote(&line, contact_is_unmet(argv[i], unmet) ? unmet : argv[i]);
	if (unmet && r == 0)
		log_note("if it is the right one: ferry%.*s", (int)buffer_len(&line),
			(const char *)buffer_bytes(&line).data);
}
