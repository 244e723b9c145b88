#pragma once

/*
 * What ferry listen can be told: the options, and what they are to the server.
 */

#include "cli/command.h"
#include "server/server.h"

struct listen_settings {
	bool json;
	const char *store;
	bool open;
	struct option_list hosts;
	struct option_list origins;
	uint64_t max_clients;
	uint64_t max_from_one;
	uint64_t max_rate;
	uint64_t max_bandwidth;
	uint64_t patience;
	uint64_t max_message;
	uint64_t idle_timeout;
	uint64_t heartbeat;
	uint64_t keep_age;
	uint64_t keep_count;
	uint64_t keep_size;
	struct catalogue_options files;
	bool busy_poll;
	const char *cert;
	const char *key;
	const char *key_dir;
	const char *token_file;
	struct option_list keys;
	const char *keys_file;
	struct option_list users;
	struct option_list groups;
	struct option_list allow;
	struct option_list deny;
	struct option_list servants;
	const char *user;
	bool no_sandbox;
};

extern const struct option_entry listen_options[];

/* The server's part. Raises the limit of open files to what the system allows, for as many clients
 * as that is enough for. Borrows from SETTINGS. */
struct server_options listen_settings_server(const struct listen_settings *settings);
