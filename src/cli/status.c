/*
 * ferry status: a hub's clients, topics and counters.
 */

#include "base/cleanup.h"
#include "cli/command.h"
#include "client/fetch.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <sysexits.h>

struct status_settings {
	bool json;
	uint64_t timeout;
};

static const struct option_entry status_options[] = {
	OPTION_JSON(struct status_settings),
	OPTION_TIMEOUT(struct status_settings, "5s"),
	OPTION_END,
};

static void status_print_figure(const char *name, const json_t *value)
{
	if (json_is_string(value))
		printf("%-16s %s\n", name, json_string_value(value));
	else
		printf("%-16s %lld\n", name, (long long)json_integer_value(value));
}

static void status_print_topic(const json_t *topic)
{
	printf("  %-24s %12lld %12lld\n", json_string_value(json_object_get(topic, "name")),
		(long long)json_integer_value(json_object_get(topic, "messages")),
		(long long)json_integer_value(json_object_get(topic, "subscribers")));
}

static void status_print_service(const json_t *service)
{
	printf("  %-24s %12lld %12lld %12lld\n",
		json_string_value(json_object_get(service, "name")),
		(long long)json_integer_value(json_object_get(service, "waiting")),
		(long long)json_integer_value(json_object_get(service, "running")),
		(long long)json_integer_value(json_object_get(service, "queued")));
}

static void status_print_list(
	const char *head, const json_t *list, void (*print)(const json_t *each))
{
	size_t count = json_array_size(list);

	if (count)
		printf("\n%s\n", head);
	for (size_t i = 0; i < count; i++)
		print(json_array_get(list, i));
}

static void status_print_lists(const json_t *topics, const json_t *services)
{
	status_print_list(
		"  TOPIC                        MESSAGES  SUBSCRIBERS", topics, status_print_topic);
	status_print_list("  SERVICE                       WAITING      RUNNING       QUEUED",
		services, status_print_service);
}

static void status_print(json_t *figures)
{
	for (void *at = json_object_iter(figures); at; at = json_object_iter_next(figures, at))
		status_print_figure(json_object_iter_key(at), json_object_iter_value(at));
}

/* What the hub has at TARGET; NULL with a line in WHY. */
static json_t *status_ask(const struct command_line *line, const char *target, struct fault *why)
{
	cleanup(buffer_deinit) struct buffer body = BUFFER_NULL;
	const struct status_settings *settings = line->settings;

	if (fetch(line->words[0], line->trust, target, settings->timeout, &body, why) < 0)
		return NULL;
	struct bytes text = buffer_bytes(&body);
	json_t *value = json_loadb((const char *)text.data, text.len, 0, NULL);
	if (!value)
		fault_set(why, -EPROTO, "%s: the answer to %s is no JSON: is it a hub?",
			line->words[0], target);
	return value;
}

static int status_run(const struct command_line *line)
{
	const struct status_settings *settings = line->settings;
	struct fault why = FAULT_NULL;
	json_t *figures = status_ask(line, "/status", &why);
	json_t *topics = figures ? status_ask(line, "/topics/", &why) : NULL;
	json_t *services = topics ? status_ask(line, "/services/", &why) : NULL;

	if (services && settings->json) {
		json_object_set(figures, "topics", topics);
		json_object_set(figures, "services", services);
		json_dumpf(figures, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (services) {
		status_print(figures);
		status_print_lists(topics, services);
	}
	json_decref(figures);
	json_decref(topics);
	json_decref(services);
	return services ? EX_OK : command_failed(&why);
}

const struct command command_status = {
	.name = "status",
	.words = "ADDRESS",
	.summary = "shows a hub's clients, topics, services and counters",
	.about =
		"The figures are those of GET /status; --json prints them as one object, with the\n"
		"topics and services in it.",
	.min_words = 1,
	.max_words = 1,
	.trusts = true,
	.shows_token = true,
	.meets = true,
	.settings_size = sizeof(struct status_settings),
	.options = status_options,
	.examples = {{"ferry status localhost:12345", "shows how the hub is"},
		{"ferry status localhost:12345 --json | jq .clients", "how many clients it has"}},
	.run = status_run,
};
