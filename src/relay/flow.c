#include "relay/flow.h"

#include "net/sys.h"

#include <errno.h>
#include <fcntl.h>

enum {
	FLOW_BLOCK = 256 * 1024,
	FLOW_PACKETS_A_TURN = 64,
	/* Packets that were pushed wait for a connection to come up, or for room. */
	FLOW_HELD_MAX = 1024 * 1024,
	FLOW_LARGE = 64 * 1024,
	FLOW_BULK = 16, /* so many large blocks make a flow bulk */
	FLOW_PIPE = 1024 * 1024,
	FLOW_NEVER = -2, /* in pipe[0]: there is none to be had */
};

void flow_init(struct flow *f, struct leg *from, struct leg *to)
{
	*f = (struct flow){.from = from, .to = to, .pipe = {-1, -1}};
}

static void flow_close_pipe(struct flow *f)
{
	if (f->pipe[0] < 0)
		return;
	sys_close(f->pipe[0]);
	sys_close(f->pipe[1]);
	f->pipe[0] = -1;
	f->piped = 0;
}

void flow_deinit(struct flow *f)
{
	buffer_deinit(&f->held);
	flow_close_pipe(f);
	f->over = true;
}

/* ---- out ---- */

/* The other side reads no more: what is on its way has nowhere to go. */
static void flow_cut(struct flow *f)
{
	flow_deinit(f);
	f->ended = true;
	f->cut = true;
}

static int flow_hold(struct flow *f, struct bytes data)
{
	uint32_t packet = (uint32_t)data.len;

	int r = f->to->packets ? buffer_append(&f->held, &packet, sizeof(packet)) : 0;
	return r < 0 ? r : buffer_append(&f->held, data.data, data.len);
}

/* A datagram that is too large, or whose queue is full, is lost, as datagrams are. */
static bool flow_loses(const struct flow *f, ssize_t error)
{
	return f->to->datagrams && (error == -EMSGSIZE || error == -ENOBUFS ||
					   (error == -EAGAIN && f->to->shared >= 0));
}

/* Writes DATA: how much of it is done, 0 when the other side takes no more for now, or a negative
 * errno. */
static ssize_t flow_write(struct flow *f, struct bytes data)
{
	ssize_t n = leg_write(f->to, data.data, data.len);

	if (flow_loses(f, n)) {
		f->to->error = 0;
		f->to->writable = true;
		f->lost++;
		return (ssize_t)data.len;
	}
	if (n == -EAGAIN)
		return 0;
	return n;
}

/* Hands on DATA, as packets that any socket takes where a stream goes over to them; holds what is
 * not taken. */
static int flow_pass(struct flow *f, struct bytes data)
{
	bool cut_up = f->to->packets && !f->from->packets;

	if (f->watch)
		f->watch->passed(f->watch, f, data);
	f->bytes += data.len;
	do {
		struct bytes piece = data;
		if (cut_up && piece.len > LEG_PACKET_MAX)
			piece.len = LEG_PACKET_MAX;
		ssize_t n = f->to->writable && !buffer_len(&f->held) ? flow_write(f, piece) : 0;
		if (n < 0)
			return (int)n;
		bool taken = f->to->packets ? f->to->writable && !buffer_len(&f->held)
					    : (size_t)n == piece.len;
		if (!taken) {
			int r = flow_hold(f, bytes_skip(piece, f->to->packets ? 0 : (size_t)n));
			if (r < 0)
				return r;
		}
		data = bytes_skip(data, piece.len);
	} while (data.len);
	return 0;
}

/* What is held goes first. 0 when it is all out or the other side is blocked. */
static int flow_flush(struct flow *f)
{
	while (f->to->writable && buffer_len(&f->held)) {
		struct bytes left = buffer_bytes(&f->held);
		uint32_t head = 0;
		if (f->to->packets) {
			uint32_t packet;
			memcpy(&packet, left.data, sizeof(packet));
			head = sizeof(packet);
			left = bytes_of(left.data + head, packet);
		}
		ssize_t n = flow_write(f, left);
		if (n < 0)
			return (int)n;
		if (f->to->writable)
			buffer_consume(&f->held, head + (size_t)n);
		else if (!f->to->packets)
			buffer_consume(&f->held, (size_t)n);
	}
	if (!buffer_len(&f->held))
		buffer_deinit(&f->held);
	return 0;
}

/* ---- splice ---- */

static bool flow_splices(struct flow *f)
{
	if (f->pipe[0] >= 0)
		return true;
	if (f->bulk < FLOW_BULK || f->watch || f->pipe[0] == FLOW_NEVER)
		return false;
	if (!f->from->splices_in || !f->to->splices_out ||
		sys_pipe2(f->pipe, O_NONBLOCK | O_CLOEXEC) < 0) {
		f->pipe[0] = FLOW_NEVER;
		return false;
	}
	fcntl(f->pipe[0], F_SETPIPE_SZ, FLOW_PIPE); /* a smaller one does too */
	return true;
}

/* Moves the pipe's content on; 0 or a negative errno of writing. */
static int flow_drain(struct flow *f)
{
	while (f->to->writable && f->piped) {
		ssize_t n = leg_splice_out(f->to, f->pipe[0], f->piped);
		if (n == -EAGAIN)
			return 0;
		if (n < 0)
			return (int)n;
		f->piped -= (size_t)n;
	}
	return 0;
}

/* ---- in ---- */

/* One block or packet. FLOW_MOVED; or FLOW_NOTHING at the end or when nothing is there; or a
 * negative errno. *failed is set when that was writing's. */
static int flow_copy(struct flow *f, bool *failed)
{
	struct leg *from = f->from;
	uint8_t *scratch = from->loop->scratch;
	size_t room = from->packets ? LOOP_SCRATCH_SIZE : FLOW_BLOCK;

	ssize_t n = leg_read(from, scratch, room);
	if (n == -EAGAIN)
		return FLOW_NOTHING;
	if (n < 0)
		return (int)n;
	if (!n && !from->datagrams) {
		f->ended = true;
		return FLOW_NOTHING;
	}
	f->bulk += n >= FLOW_LARGE;
	if (!n && !f->to->packets)
		return FLOW_MOVED; /* an empty packet is nothing in a stream */
	int r = flow_pass(f, bytes_of(scratch, (size_t)n));
	*failed = r < 0;
	return r < 0 ? r : FLOW_MOVED;
}

static int flow_splice(struct flow *f, bool *failed)
{
	ssize_t n = leg_splice_in(f->from, f->pipe[1], FLOW_PIPE);

	if (n == -EAGAIN)
		return FLOW_NOTHING;
	if (n < 0)
		return (int)n;
	f->ended = n == 0;
	f->piped += (size_t)n;
	f->bytes += (uint64_t)n;
	int r = flow_drain(f);
	*failed = r < 0;
	return r < 0 ? r : FLOW_MOVED;
}

static int flow_finish(struct flow *f)
{
	flow_deinit(f);
	leg_end(f->to);
	return FLOW_MOVED;
}

/* Out goes what waits, then in comes more; FLOW_MOVED when there is reason to go on at once. */
static int flow_step(struct flow *f, bool *failed)
{
	bool waited = flow_is_stuck(f);

	int r = flow_flush(f);
	if (!r)
		r = flow_drain(f);
	*failed = r < 0;
	if (r < 0)
		return r;
	if (flow_is_stuck(f))
		return FLOW_NOTHING;
	if (f->ended)
		return flow_finish(f);
	if (!f->from->readable)
		return waited ? FLOW_MOVED : FLOW_NOTHING;
	r = flow_splices(f) ? flow_splice(f, failed) : flow_copy(f, failed);
	if (f->ended && !flow_is_stuck(f))
		return flow_finish(f);
	return r;
}

/* What has been read, and each byte that has been written: it changes when something moves. */
static uint64_t flow_moved(const struct flow *f)
{
	return 2 * f->bytes - buffer_len(&f->held) - f->piped;
}

int flow_run(struct flow *f)
{
	int budget = f->from->packets ? FLOW_PACKETS_A_TURN : 1;
	uint64_t before = flow_moved(f);

	while (!f->over && budget--) {
		bool failed = false;
		int r = flow_step(f, &failed);
		if (failed && r != -ENOMEM) {
			flow_cut(f);
			return FLOW_MOVED;
		}
		if (r < 0)
			return r;
		if (r == FLOW_NOTHING)
			break;
	}
	if (!f->over && f->from->readable && !flow_is_stuck(f))
		return FLOW_MORE;
	return f->over || flow_moved(f) != before ? FLOW_MOVED : FLOW_NOTHING;
}

int flow_prepend(struct flow *f, struct bytes data)
{
	return flow_hold(f, data);
}

void flow_push(struct flow *f, struct bytes packet)
{
	if (f->over || buffer_len(&f->held) + packet.len > FLOW_HELD_MAX) {
		f->lost++;
		return;
	}
	if (!packet.len && !f->to->packets)
		return;
	if (flow_pass(f, packet) < 0)
		flow_cut(f);
}
