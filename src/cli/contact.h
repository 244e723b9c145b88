#pragma once

/*
 * First contact: a person is asked whether a hub's key is the right one
 *
 * That is done before a command begins, over a connection made for nothing else, because a person
 * takes time, and neither the hub nor the command's own timeouts should have to wait. It needs a
 * terminal: the question is put there even if standard input is a file, as ssh does it. Where
 * nobody watches standard error, nobody is asked.
 */

#include "cli/command.h"
#include "net/trust.h"

struct contact_settings {
	const char *pin;
	const char *ca;
	const char *cert;
	const char *key;
	const char *key_dir;
	bool trust_first;
	const char *token_file;
};

/* What C trusts: only one that meets hubs has a person asked. If it shows tokens, that of the file
 * or else of $FERRY_TOKEN. NULL with a line in WHY. */
struct trust *contact_trust(
	const struct contact_settings *settings, const struct command *c, struct fault *why);

/* Meets the hub at ADDRESS, if that speaks TLS and was not met before. 0 to go on: also when it
 * cannot be reached, which the command finds out by itself. -EACCES with the line to end with. */
int contact_meet(struct trust *t, const char *address, struct fault *why);

/* Says what to type in place of ARGV after a refusal at a first contact; nothing when there was
 * none. */
void contact_advise(const struct trust *t, int argc, char **argv);
