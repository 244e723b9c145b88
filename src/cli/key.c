/*
 * ferry key: the pin of the own key, which is made when there is none.
 */

#include "base/log.h"
#include "cli/command.h"
#include "net/keyring.h"

#include <jansson.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <sysexits.h>

struct key_settings {
	bool json;
	bool certificate;
	const char *key_dir;
};

static const struct option_entry key_options[] = {
	{"certificate", 0, OPTION_FLAG, offsetof(struct key_settings, certificate), NULL, NULL, 0,
		0, "print its certificate (PEM), for programs that want one in place of a pin"},
	OPTION_KEY_DIR(struct key_settings),
	OPTION_JSON(struct key_settings),
	OPTION_END,
};

static void key_print_json(const struct keyring *k, const char *pin)
{
	json_t *object = json_pack("{ss ss}", "pin", pin, "path", k->path);

	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static int key_run(const struct command_line *line)
{
	const struct key_settings *settings = line->settings;
	struct keyring k;
	struct fault why = FAULT_NULL;
	char pin[PIN_TEXT_SIZE];

	if (settings->json && settings->certificate)
		return command_misused(line->command, "it is either --json or --certificate");
	if (keyring_open(&k, settings->key_dir, &why) < 0)
		return command_failed(&why);
	pin_format(&k.pin, pin);
	log_detail("the key is in %s", k.path);
	if (settings->certificate)
		PEM_write_X509(stdout, k.certificate);
	else if (settings->json)
		key_print_json(&k, pin);
	else
		puts(pin);
	keyring_deinit(&k);
	return EX_OK;
}

const struct command command_key = {
	.name = "key",
	.words = "",
	.summary = "shows the pin of your own key",
	.about = "A hub that listens with TLS proves with this key that it is the one you mean, "
		 "and a\n"
		 "client proves with it who it is. It is made when it is needed for the first "
		 "time.\n"
		 "The pin is public: it tells one key from all others. A hub's goes to its "
		 "clients, in\n"
		 "the address (?pin=); a client's goes to the hub (ferry listen --allow-key).",
	.settings_size = sizeof(struct key_settings),
	.options = key_options,
	.examples = {{"ferry key", "what a hub's owner wants to know of you"},
		{"ssh server ferry key", "what a hub there shows to its clients"}},
	.run = key_run,
};
