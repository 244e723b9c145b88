/*
 * ferry who: which process holds a port or a socket.
 */

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/columns.h"
#include "cli/command.h"
#include "cli/who_json.h"
#include "net/holder.h"
#include "net/resolve.h"
#include "net/vsock.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sysexits.h>

struct who_settings {
	bool json;
};

static const struct option_entry who_options[] = {
	OPTION_JSON(struct who_settings),
	OPTION_END,
};

/* ---- what is asked ---- */

/* A bare port is asked for whatever the Internet protocol and the interface. */
static bool wanted_port(struct resolved *wanted, const char *word)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6};
	size_t digits = strspn(word, "0123456789");
	unsigned long port = strtoul(word, NULL, 10);

	if (!digits || word[digits] || digits > 5 || port > UINT16_MAX)
		return false;
	any.sin6_port = htons((in_port_t)port);
	wanted->count = 1;
	wanted->endpoints[0] = (struct endpoint){.len = sizeof(any)};
	memcpy(&wanted->endpoints[0].addr, &any, sizeof(any));
	return true;
}

static int wanted_host(struct resolved *wanted, const struct address *a, struct fault *why)
{
	int r = resolve_wait(wanted, a, why);

	for (size_t i = 0; r >= 0 && i < wanted->count; i++)
		if (wanted->endpoints[i].type == SOCK_STREAM && !wanted->endpoints[i].protocol)
			wanted->endpoints[i].protocol = IPPROTO_TCP;
	return r;
}

static int wanted_address(
	struct resolved *wanted, const struct address *a, const char *word, struct fault *why)
{
	switch (a->scheme->kind) {
	case ADDRESS_INET:
		return wanted_host(wanted, a, why);
	case ADDRESS_UNIX:
	case ADDRESS_VSOCK:
	case ADDRESS_VSOCK_UNIX:
		wanted->count = 1;
		int r = endpoint_of(&wanted->endpoints[0], a, true);
		wanted->endpoints[0].type = 0;
		return r < 0 ? fault_errno(why, r, "%s", word) : 0;
	default:
		return fault_set(why, -EINVAL, "%s: no other process could hold it", word);
	}
}

static int wanted_parse(struct resolved *wanted, const char *word, struct fault *why)
{
	struct address address = ADDRESS_NULL;

	if (wanted_port(wanted, word))
		return 0;
	int r = address_parse(&address, word, why);
	if (r < 0)
		return r;
	r = wanted_address(wanted, &address, word, why);
	address_deinit(&address);
	return r;
}

/* ---- the table ---- */

static void put_queues(struct columns *to, const struct holder *h)
{
	const struct diag_socket *s = &h->socket;

	if (!s->has_queues)
		columns_put(to, "?");
	else if (holder_listens(h))
		columns_format(to, "%u of %u", s->received, s->sent);
	else
		columns_format(to, "%u in, %u out", s->received, s->sent);
}

static void put_peer(struct columns *to, const struct holder *h)
{
	char text[ENDPOINT_TEXT_SIZE] = "";
	struct process p;

	if (h->socket.peer.len)
		endpoint_format(&h->socket.peer, text);
	else if (h->peer_count && !process_read(&p, h->peers->pid))
		snprintf(text, sizeof(text), "%s, pid %d", p.name, p.pid);
	else if (h->socket.peer_inode)
		memcpy(text, "?", 2);
	columns_put(to, text);
}

static void put_socket(struct columns *to, const struct holder *h, bool with_peers)
{
	char address[HOLDER_ADDRESS_SIZE];

	holder_format(h, address);
	columns_put(to, address);
	columns_put(to, holder_state(h));
	put_queues(to, h);
	if (with_peers)
		put_peer(to, h);
}

/* No process to be seen: whoever made the socket is known all the same. */
static void put_no_process(struct columns *to, const struct holder *h)
{
	char user[PROCESS_USER_SIZE] = "";
	const char *unknown = h->socket.inode ? "?" : "";

	if (h->socket.has_uid)
		process_user(h->socket.uid, user);
	columns_put(to, *user ? user : unknown);
	columns_put(to, unknown);
	columns_put(to, unknown);
	columns_put(to, unknown);
}

static void put_process(struct columns *to, const struct process *p)
{
	columns_put(to, p->user);
	columns_format(to, "%d", p->pid);
	columns_put(to, p->unit);
	columns_put(to, *p->command ? p->command : p->name);
}

/* A row for each process that has the socket open, or one that says that none is to be seen. */
static void put_holder(struct columns *to, const struct holder *h, bool with_peers)
{
	size_t shown = 0;

	for (size_t i = 0; i < h->process_count; i++) {
		struct process p;
		if (process_read(&p, h->processes[i].pid))
			continue;
		put_socket(to, h, with_peers);
		put_process(to, &p);
		shown++;
	}
	if (shown)
		return;
	put_socket(to, h, with_peers);
	put_no_process(to, h);
}

/* An address with `any` in it does not tell a guest's user what its host has to dial. */
static void who_note_cid(void)
{
	uint32_t cid;

	if (vsock_own_cid(&cid) == 0)
		log_note("the vsock CID of this machine is %u", cid);
}

static int who_print_table(struct holders *holders, bool with_peers, size_t *count)
{
	struct columns t = COLUMNS_OF(with_peers ? 8 : 7);

	columns_put(&t, "ADDRESS");
	columns_put(&t, "STATE");
	columns_put(&t, "QUEUE");
	if (with_peers)
		columns_put(&t, "PEER");
	columns_put(&t, "USER");
	columns_put(&t, "PID");
	columns_put(&t, "UNIT");
	columns_put(&t, "COMMAND");
	bool vsock = false;
	for (const struct holder *h; (h = holders_next(holders)); ++*count) {
		put_holder(&t, h, with_peers);
		vsock |= h->socket.local.addr.ss_family == AF_VSOCK;
	}
	int r = *count ? columns_print(&t, stdout) : 0;
	columns_deinit(&t);
	if (vsock)
		who_note_cid();
	return r;
}

/* ---- the command ---- */

static void who_note_gaps(unsigned gaps)
{
	static const char *const kinds[] = {"tcp", "udp", "sctp", "unix", "vsock"};

	if (gaps & HOLDER_GAP_PROCESSES)
		log_note("? is a process of another user, which only root is shown");
	if (gaps & HOLDER_GAP_OUTSIDE)
		log_note("? is a process in another container, or the kernel itself");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (gaps & (unsigned)HOLDER_GAP_TCP << i)
			log_note("%s sockets are missing here: this kernel does not list them",
				kinds[i]);
}

static int who_run(const struct command_line *line)
{
	const struct who_settings *settings = line->settings;
	cleanup(cleanup_holders) struct holders *holders = NULL;
	struct resolved wanted = {0};
	struct fault why = FAULT_NULL;
	size_t count = 0;

	if (line->count && wanted_parse(&wanted, line->words[0], &why) < 0)
		return command_failed(&why);
	if (holders_new(&holders, wanted.endpoints, wanted.count, &why) < 0)
		return command_failed(&why);
	int r = settings->json ? who_print_json(holders, &count)
			       : who_print_table(holders, line->count > 0, &count);
	if (r < 0) {
		fault_errno(&why, r, "who");
		return command_failed(&why);
	}
	who_note_gaps(holders_gaps(holders));
	if (!line->count || count)
		return EX_OK;
	log_note(holders_gaps(holders) ? "who holds %s cannot be told" : "no one holds %s",
		line->words[0]);
	return EX_UNAVAILABLE;
}

const struct command command_who = {
	.name = "who",
	.words = "[ADDRESS|PORT]",
	.summary = "shows which process holds a port or a socket",
	.about = "Without a word it lists every socket that waits for someone: listeners, and "
		 "those\n"
		 "that take datagrams. With an address it shows the sockets bound there, their\n"
		 "connections and who is at the other end; a bare port means that port of tcp, udp "
		 "and\n"
		 "the like, on any interface.\n\n"
		 "QUEUE is, for a listener, how many connections wait to be accepted, of how many "
		 "that\n"
		 "may; for others, the bytes that wait to be read and those on their way out (for "
		 "udp\n"
		 "and unix, as the kernel counts its memory).\n\n"
		 "Anyone may run it, but only root is shown other users' processes; what is not "
		 "known\n"
		 "is a question mark. It ends with 69 when no one holds the address.",
	.max_words = 1,
	.settings_size = sizeof(struct who_settings),
	.options = who_options,
	.examples = {{"ferry who 8080", "says what has port 8080"},
		{"sudo ferry who", "lists everything that listens on this machine"}},
	.run = who_run,
};
