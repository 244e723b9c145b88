#include "cli/who_json.h"

#include "base/bytes.h"
#include "net/vsock.h"
#include "wire/json.h"

#include <netinet/tcp.h>
#include <stdio.h>

/* One line in the making; the first error stays and is the result. */
struct line {
	struct buffer text;
	int error;
};

static void line_put(struct line *l, struct bytes text)
{
	if (!l->error)
		l->error = buffer_append(&l->text, text.data, text.len);
}

static void line_quote(struct line *l, const char *text)
{
	struct bytes value = bytes_text(text);
	uint8_t *to;

	if (!l->error)
		l->error = buffer_reserve(&l->text, json_quote_size(value), &to);
	if (!l->error)
		buffer_commit(&l->text, json_quote(value, to));
}

/* The comma between two members or elements. */
static void line_next(struct line *l)
{
	struct bytes text = buffer_bytes(&l->text);
	uint8_t last = text.len ? text.data[text.len - 1] : '{';

	if (last != '{' && last != '[')
		line_put(l, BYTES_LITERAL(","));
}

static void line_name(struct line *l, const char *name)
{
	line_next(l);
	line_quote(l, name);
	line_put(l, BYTES_LITERAL(":"));
}

static void line_text(struct line *l, const char *name, const char *value)
{
	line_name(l, name);
	line_quote(l, value);
}

static void line_number(struct line *l, const char *name, uint64_t value)
{
	line_name(l, name);
	if (!l->error)
		l->error = buffer_print(&l->text, "%llu", (unsigned long long)value);
}

static void line_user(struct line *l, uid_t uid)
{
	char user[PROCESS_USER_SIZE];

	process_user(uid, user);
	line_number(l, "uid", uid);
	line_text(l, "user", user);
}

static void line_process(struct line *l, const struct process *p)
{
	line_next(l);
	line_put(l, BYTES_LITERAL("{"));
	line_number(l, "pid", (uint64_t)p->pid);
	line_text(l, "name", p->name);
	if (*p->command)
		line_text(l, "command", p->command);
	line_user(l, p->uid);
	if (*p->unit)
		line_text(l, "unit", p->unit);
	if (*p->cgroup)
		line_text(l, "cgroup", p->cgroup);
	line_put(l, BYTES_LITERAL("}"));
}

static void line_processes(struct line *l, const struct process_socket *list, size_t count)
{
	struct process p;

	line_name(l, "processes");
	line_put(l, BYTES_LITERAL("["));
	for (size_t i = 0; i < count; i++)
		if (!process_read(&p, list[i].pid))
			line_process(l, &p);
	line_put(l, BYTES_LITERAL("]"));
}

static void line_peer(struct line *l, const struct holder *h)
{
	char text[ENDPOINT_TEXT_SIZE];

	if (!h->socket.peer.len && !h->peer_count)
		return;
	line_name(l, "peer");
	line_put(l, BYTES_LITERAL("{"));
	if (h->socket.peer.len) {
		endpoint_format(&h->socket.peer, text);
		line_text(l, "address", text);
	} else {
		line_processes(l, h->peers, h->peer_count);
	}
	line_put(l, BYTES_LITERAL("}"));
}

static void line_unknown(struct line *l, const struct holder *h)
{
	const struct diag_socket *s = &h->socket;
	const struct {
		const char *name;
		bool unknown;
	} members[] = {
		{"processes", s->inode && !h->process_count},
		{"peer", s->peer_inode && !h->peer_count},
		{"queues", !s->has_queues},
		{"user", s->inode && !s->has_uid},
	};

	line_name(l, "unknown");
	line_put(l, BYTES_LITERAL("["));
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		if (!members[i].unknown)
			continue;
		line_next(l);
		line_quote(l, members[i].name);
	}
	line_put(l, BYTES_LITERAL("]"));
}

static void line_queues(struct line *l, const struct holder *h)
{
	if (!h->socket.has_queues)
		return;
	line_number(l, holder_listens(h) ? "waiting" : "received", h->socket.received);
	line_number(l, holder_listens(h) ? "backlog" : "sent", h->socket.sent);
}

static void line_cid(struct line *l, const struct holder *h)
{
	uint32_t cid;

	if (h->socket.local.addr.ss_family == AF_VSOCK && vsock_own_cid(&cid) == 0)
		line_number(l, "cid", cid);
}

static void line_holder(struct line *l, const struct holder *h)
{
	char address[HOLDER_ADDRESS_SIZE];

	holder_format(h, address);
	line_put(l, BYTES_LITERAL("{"));
	line_text(l, "address", address);
	line_text(l, "state", holder_state(h));
	line_queues(l, h);
	line_cid(l, h);
	if (h->socket.has_uid)
		line_user(l, h->socket.uid);
	line_processes(l, h->processes, h->process_count);
	line_peer(l, h);
	line_unknown(l, h);
	line_put(l, BYTES_LITERAL("}\n"));
}

int who_print_json(struct holders *holders, size_t *count)
{
	struct line l = {0};

	for (const struct holder *h; !l.error && (h = holders_next(holders)); ++*count) {
		line_holder(&l, h);
		struct bytes text = buffer_bytes(&l.text);
		if (!l.error)
			fwrite(text.data, 1, text.len, stdout);
		buffer_consume(&l.text, text.len);
	}
	buffer_deinit(&l.text);
	return l.error;
}
