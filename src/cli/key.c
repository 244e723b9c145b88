/*
 * ferry key: the pin of the own key, which is made when there is none.
 */

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/command.h"
#include "net/keyring.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <sysexits.h>

struct key_settings {
	bool json;
	const char *cert;
	bool pem;
	const char *key_dir;
};

static const struct option_entry key_options[] = {
	{"cert", 0, OPTION_TEXT, offsetof(struct key_settings, cert), "FILE", NULL, 0, 0,
		"show the pin of this certificate (PEM) in place of the own key's"},
	{"pem", 0, OPTION_FLAG, offsetof(struct key_settings, pem), NULL, NULL, 0, 0,
		"print its certificate (PEM), for programs that want one in place of a pin"},
	OPTION_KEY_DIR(struct key_settings),
	OPTION_JSON(struct key_settings),
	OPTION_END,
};

static void key_print_json(const char *path, const char *pin)
{
	json_t *object = json_pack("{ss ss}", "pin", pin, "path", path);

	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static int key_show_own(const struct key_settings *settings, struct fault *why)
{
	cleanup(keyring_deinit) struct keyring k = KEYRING_NULL;
	char pin[PIN_TEXT_SIZE];

	int r = keyring_open(&k, settings->key_dir, why);
	if (r < 0)
		return r;
	pin_format(&k.pin, pin);
	log_detail("the key is in %s", k.path);
	if (settings->pem)
		PEM_write_X509(stdout, k.certificate);
	else if (settings->json)
		key_print_json(k.path, pin);
	else
		puts(pin);
	return 0;
}

/* The first certificate of a file is the one that the others behind it vouch for. */
static int key_show_file(const struct key_settings *settings, struct fault *why)
{
	FILE *file = fopen(settings->cert, "re");
	char text[PIN_TEXT_SIZE];
	struct pin pin;

	if (!file)
		return fault_errno(why, -errno, "cannot read %s", settings->cert);
	X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
	int r = certificate ? pin_of_certificate(&pin, certificate) : -EINVAL;
	X509_free(certificate);
	fclose(file);
	if (r < 0)
		return fault_set(why, r, "%s: there is no certificate (PEM) in it", settings->cert);
	pin_format(&pin, text);
	if (settings->json)
		key_print_json(settings->cert, text);
	else
		puts(text);
	return 0;
}

static int key_run(const struct command_line *line)
{
	const struct key_settings *settings = line->settings;
	struct fault why = FAULT_NULL;

	if (settings->pem && (settings->json || settings->cert))
		return command_misused(
			line->command, "--pem goes neither with --json nor with --cert");
	int r = settings->cert ? key_show_file(settings, &why) : key_show_own(settings, &why);
	return r < 0 ? command_failed(&why) : EX_OK;
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
