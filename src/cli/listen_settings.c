#include "cli/listen_settings.h"

#include <sys/resource.h>

/* Descriptors that are not a client's: the loop's, the store's, the listeners'. */
enum { SPARE_FDS = 128 };

const struct option_entry listen_options[] = {
	OPTION_JSON(struct listen_settings),
	{"max-clients", 0, OPTION_NUMBER, offsetof(struct listen_settings, max_clients), "N", NULL,
		1, 0, "clients at once (default: what the open file limit allows)"},
	{"max-clients-per-address", 0, OPTION_NUMBER,
		offsetof(struct listen_settings, max_from_one), "N", NULL, 1, 0,
		"clients at once from one Internet address (default: from other machines a quarter "
		"of all, from this one any number)"},
	{"max-rate", 0, OPTION_NUMBER, offsetof(struct listen_settings, max_rate), "N", NULL, 1,
		1000000,
		"messages, requests, replies and files a second of one client or Internet address "
		"(default: any number)"},
	{"max-bandwidth", 0, OPTION_SIZE, offsetof(struct listen_settings, max_bandwidth), "SIZE",
		NULL, 1024, 1ULL << 40, "bytes of these a second, likewise"},
	{"patience", 0, OPTION_SPAN, offsetof(struct listen_settings, patience), "SPAN", "10s", 1,
		3600000,
		"how long the head of a request may take, and a body or an answer to move"},
	{"max-message", 0, OPTION_SIZE, offsetof(struct listen_settings, max_message), "SIZE", "1M",
		1, 1 << 30, "the largest message"},
	{"idle-timeout", 0, OPTION_SPAN, offsetof(struct listen_settings, idle_timeout), "SPAN",
		NULL, 0, 0, "close a client that neither sends nor is sent anything for so long"},
	{"heartbeat", 0, OPTION_SPAN, offsetof(struct listen_settings, heartbeat), "SPAN", "30s", 1,
		0, "ask so often for a sign of life over WebSocket, and give one to event streams"},
	{"store", 's', OPTION_TEXT, offsetof(struct listen_settings, store), "STORE", "memory", 0,
		0,
		"where messages are kept: memory, the path of a file PATH.db, nats://HOST or "
		"tls://HOST"},
	{"keep-age", 0, OPTION_SPAN, offsetof(struct listen_settings, keep_age), "SPAN", NULL, 0, 0,
		"keep messages for so long"},
	{"keep-count", 0, OPTION_NUMBER, offsetof(struct listen_settings, keep_count), "N", NULL, 0,
		0, "keep so many messages"},
	{"keep-size", 0, OPTION_SIZE, offsetof(struct listen_settings, keep_size), "SIZE", NULL,
		4096, 0, "keep so many bytes of messages (default: 64M in memory, all in a file)"},
	{"files", 0, OPTION_TEXT, offsetof(struct listen_settings, files.path), "DIR", NULL, 0, 0,
		"keep files in DIR, and give them out"},
	{"max-file", 0, OPTION_SIZE, offsetof(struct listen_settings, files.max_file), "SIZE", NULL,
		1, 0, "the largest file that is taken in"},
	{"max-files-total", 0, OPTION_SIZE, offsetof(struct listen_settings, files.max_total),
		"SIZE", NULL, 1, 0, "take no more in when all files together have so many bytes"},
	{"serve", 0, OPTION_LIST, offsetof(struct listen_settings, servants), "NAME=COMMAND", NULL,
		0, 0, "serve NAME with COMMAND, as ferry serve does"},
	{"open", 0, OPTION_FLAG, offsetof(struct listen_settings, open), NULL, NULL, 0, 0,
		"listen beyond this machine without TLS, or without asking who comes"},
	{"cert", 0, OPTION_TEXT, offsetof(struct listen_settings, cert), "FILE", NULL, 0, 0,
		"the hub's certificate, those it leads to behind it (PEM), for TLS"},
	{"key", 0, OPTION_TEXT, offsetof(struct listen_settings, key), "FILE", NULL, 0, 0,
		"its key (PEM), when that is not in the certificate's file"},
	OPTION_KEY_DIR(struct listen_settings),
	{"token-file", 0, OPTION_TEXT, offsetof(struct listen_settings, token_file), "FILE", NULL,
		0, 0, "let in who has a token: lines of name, token and what it may do"},
	{"allow-key", 0, OPTION_LIST, offsetof(struct listen_settings, keys), "NAME=PIN", NULL, 0,
		0, "let in who has this key (ferry key shows its pin there), under that name"},
	{"allow-keys-file", 0, OPTION_TEXT, offsetof(struct listen_settings, keys_file), "FILE",
		NULL, 0, 0,
		"let in who has a key of the file: lines of pin, name and what it may do"},
	{"allow-user", 0, OPTION_LIST, offsetof(struct listen_settings, users), "USER", NULL, 0, 0,
		"let in this user of the machine, known by the Unix socket"},
	{"allow-group", 0, OPTION_LIST, offsetof(struct listen_settings, groups), "GROUP", NULL, 0,
		0, "let in the users of this group, likewise"},
	{"allow", 0, OPTION_LIST, offsetof(struct listen_settings, allow), "NETWORK", NULL, 0, 0,
		"of Internet clients let in only those from there (10.0.0.0/8, ::1)"},
	{"deny", 0, OPTION_LIST, offsetof(struct listen_settings, deny), "NETWORK", NULL, 0, 0,
		"let in no one from there"},
	{"allow-host", 0, OPTION_LIST, offsetof(struct listen_settings, hosts), "NAME", NULL, 0, 0,
		"a further name that the hub goes by in the Host of requests"},
	{"allow-origin", 0, OPTION_LIST, offsetof(struct listen_settings, origins), "ORIGIN", NULL,
		0, 0, "a further origin whose pages may use the hub (https://example.org)"},
	{"busy-poll", 0, OPTION_FLAG, offsetof(struct listen_settings, busy_poll), NULL, NULL, 0, 0,
		"while there is traffic, look for more before sleeping: half the latency, more "
		"CPU"},
	{"user", 0, OPTION_TEXT, offsetof(struct listen_settings, user), "USER", NULL, 0, 0,
		"become USER once the addresses are bound (for a hub that root starts)"},
	{"no-sandbox", 0, OPTION_FLAG, offsetof(struct listen_settings, no_sandbox), NULL, NULL, 0,
		0, "keep all rights of the user (see SANDBOX in the manual)"},
	OPTION_END,
};

/* As many descriptors as the system lets us have; how many of them clients may use. */
static uint64_t raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1024 - SPARE_FDS;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur > 2 * SPARE_FDS ? limit.rlim_cur - SPARE_FDS : limit.rlim_cur / 2;
}

struct server_options listen_settings_server(const struct listen_settings *settings)
{
	return (struct server_options){
		.max_message = settings->max_message,
		.max_clients = settings->max_clients ? settings->max_clients : raise_limit(),
		.max_from_one = settings->max_from_one,
		.rate = {.messages = settings->max_rate, .bytes = settings->max_bandwidth},
		.patience_ms = settings->patience,
		.idle_timeout_ms = settings->idle_timeout,
		.heartbeat_ms = settings->heartbeat,
		.keep_age_ms = settings->keep_age,
		.open = settings->open,
		.client_keys =
			{
				.keys = settings->keys.texts,
				.key_count = settings->keys.count,
				.file = settings->keys_file,
			},
		.guard =
			{
				.origins = settings->origins.texts,
				.origin_count = settings->origins.count,
				.hosts = settings->hosts.texts,
				.host_count = settings->hosts.count,
			},
		.admission =
			{
				.token_file = settings->token_file,
				.users = settings->users.texts,
				.user_count = settings->users.count,
				.groups = settings->groups.texts,
				.group_count = settings->groups.count,
				.allow = settings->allow.texts,
				.allow_count = settings->allow.count,
				.deny = settings->deny.texts,
				.deny_count = settings->deny.count,
			},
	};
}
