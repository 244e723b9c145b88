#include "client/environment.h"

#include "wire/http_hop.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FACTS_MAX = 16 };

static int environment_add(char **environment, size_t *count, const char *name, struct bytes value)
{
	char *line;

	if (!value.data)
		return 0;
	if (asprintf(&line, "%s=%.*s", name, (int)value.len, (const char *)value.data) < 0)
		return -1;
	environment[(*count)++] = line;
	return 0;
}

/* What is said of the request, and the token, which is not the command's to have. */
static bool environment_is_fact(const char *line)
{
	static const char *const names[] = {
		"REQUEST_METHOD=", "CONTENT_TYPE=", "CONTENT_LENGTH=", "QUERY_STRING=",
		"REMOTE_ADDR=", "REMOTE_USER=", "SERVER_SOFTWARE=", "FERRY_SERVICE=",
		"FERRY_REQUEST_ID=", "FERRY_REQUEST_TIMEOUT=", "FERRY_TOKEN=", "HTTP_"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strncmp(line, names[i], strlen(names[i])))
			return true;
	return false;
}

/* A field of the request's own, as HTTP_NAME (RFC 3875 section 4.1.18). A name that could be
 * mistaken for another one is left out. */
static int environment_add_field(char **environment, size_t *count, const struct http_field *f)
{
	struct bytes field = http_field_name_behind(f, "Request-Header-");
	char name[256] = "HTTP_";
	size_t len = strlen(name);

	if (!field.len || f->name.len >= sizeof(name))
		return 0;
	for (size_t i = 0; i < field.len; i++) {
		unsigned char c = field.data[i];
		if (!isalnum(c) && c != '-')
			return 0;
		name[len++] = (char)(c == '-' ? '_' : toupper(c));
	}
	name[len] = '\0';
	for (size_t i = 0; i < *count; i++)
		if (!strncmp(environment[i], name, len) && environment[i][len] == '=')
			return 0; /* the first counts */
	return environment_add(environment, count, name, f->value);
}

char **environment_new(const char *service, const struct http_response *r)
{
	const struct {
		const char *name;
		struct bytes value;
	} facts[] = {
		{"REQUEST_METHOD", BYTES_LITERAL("POST")},
		{"CONTENT_TYPE", http_fields_get(&r->fields, "Content-Type")},
		{"CONTENT_LENGTH", http_fields_get(&r->fields, "Content-Length")},
		{"QUERY_STRING", http_fields_get(&r->fields, "Request-Query")},
		{"REMOTE_ADDR", http_fields_get(&r->fields, "Request-Peer")},
		{"REMOTE_USER", http_fields_get(&r->fields, "Request-User")},
		{"SERVER_SOFTWARE", BYTES_LITERAL("ferry/" FERRY_VERSION)},
		{"FERRY_SERVICE", bytes_text(service)},
		{"FERRY_REQUEST_ID", http_fields_get(&r->fields, "Request-Id")},
		{"FERRY_REQUEST_TIMEOUT", http_fields_get(&r->fields, "Request-Timeout")},
	};
	size_t count = 0, ours = 0;

	while (environ[ours])
		ours++;
	char **environment = calloc(ours + FACTS_MAX + r->fields.count + 1, sizeof(*environment));
	if (!environment)
		return NULL;
	for (size_t i = 0; i < ours; i++) {
		if (environment_is_fact(environ[i]))
			continue;
		environment[count] = strdup(environ[i]);
		if (!environment[count++])
			return environment_free(environment);
	}
	for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++)
		if (environment_add(environment, &count, facts[i].name, facts[i].value) < 0)
			return environment_free(environment);
	for (size_t i = 0; i < r->fields.count; i++)
		if (environment_add_field(environment, &count, &r->fields.at[i]) < 0)
			return environment_free(environment);
	return environment;
}

char **environment_free(char **environment)
{
	for (size_t i = 0; environment && environment[i]; i++)
		free(environment[i]);
	free(environment);
	return NULL;
}
