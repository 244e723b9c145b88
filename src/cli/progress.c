#include "cli/progress.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/terminal.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	PROGRESS_TICK_MS = 200,
	PROGRESS_TAIL = 80, /* what the figures take, at most */
	PROGRESS_NAME_MIN = 12,
	PROGRESS_DAY_S = 24 * 60 * 60,
};

void progress_format_size(char text[PROGRESS_SIZE_TEXT], uint64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double amount = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1000) {
		snprintf(text, PROGRESS_SIZE_TEXT, "%u B", (unsigned)bytes);
		return;
	}
	for (; amount >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		amount /= 1024;
	snprintf(text, PROGRESS_SIZE_TEXT, amount < 9.95 ? "%.1f %s" : "%.0f %s", amount,
		units[unit]);
}

/* "0:07", "12:34", "3:00:00". */
static void progress_format_span(char *text, size_t size, double seconds)
{
	unsigned s = (unsigned)seconds;

	if (seconds >= PROGRESS_DAY_S)
		snprintf(text, size, "days");
	else if (s >= 3600)
		snprintf(text, size, "%u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
	else
		snprintf(text, size, "%u:%02u", s / 60, s % 60);
}

static int progress_format_figures(
	char *text, size_t size, const struct progress_state *state, double rate)
{
	char done[PROGRESS_SIZE_TEXT], total[PROGRESS_SIZE_TEXT], speed[PROGRESS_SIZE_TEXT];
	char left[16], files[48] = "";

	progress_format_size(done, state->done);
	progress_format_size(total, state->total);
	progress_format_size(speed, (uint64_t)rate);
	if (state->files > 1)
		snprintf(files, sizeof(files), "  %llu/%llu files", (unsigned long long)state->file,
			(unsigned long long)state->files);
	if (!state->total)
		return snprintf(text, size, "%s  %s/s%s", done, speed, files);
	double share = (double)state->done / (double)state->total;
	unsigned percent = share < 1 ? (unsigned)(100 * share) : 100;
	if (rate >= 1 && state->total >= state->done)
		progress_format_span(
			left, sizeof(left), (double)(state->total - state->done) / rate);
	else
		snprintf(left, sizeof(left), "-:--");
	return snprintf(text, size, "%3u %%  %s of %s  %s/s  %s left%s", percent, done, total,
		speed, left, files);
}

/* The first WIDTH characters of NAME. */
static int progress_cut(const char *name, unsigned width)
{
	int len = 0;

	for (; name[len]; len++)
		if (((unsigned char)name[len] & 0xc0) != 0x80 && !width--)
			break;
	return len;
}

void progress_format(
	char *text, size_t size, unsigned columns, const struct progress_state *state, double rate)
{
	char figures[160];
	unsigned width = (unsigned)progress_format_figures(figures, sizeof(figures), state, rate);

	if (columns < width + 2 + PROGRESS_NAME_MIN)
		snprintf(text, size, "%.*s", (int)columns, figures);
	else
		snprintf(text, size, "%.*s  %s", progress_cut(state->name, columns - width - 2),
			state->name, figures);
}

static unsigned progress_columns(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

/* ---- the rate ---- */

/* The mean of late: what is five seconds old counts for little. */
static void progress_take(struct progress *p, const struct progress_state *state)
{
	uint64_t now = clock_monotonic_ms();
	double span = (double)(now - p->last_ms) / 1000;
	uint64_t more = state->done > p->last_done ? state->done - p->last_done : 0;

	if (span <= 0)
		return;
	double rate = (double)more / span, weight = span < 2 ? span / 2 : 1;
	p->rate = p->brought ? p->rate + (rate - p->rate) * weight : rate;
	p->brought += more;
	p->last_ms = now;
	p->last_done = state->done;
}

static void progress_on_tick(uv_timer_t *timer)
{
	struct progress *p = container_of(timer, struct progress, timer);
	cleanup(buffer_deinit) struct buffer name = BUFFER_NULL;
	struct progress_state state = {0};
	char line[512];

	p->measure(p->data, &state);
	progress_take(p, &state);
	if (!state.name || terminal_append(&name, bytes_text(state.name)) < 0 ||
		buffer_append(&name, "", 1) < 0)
		return;
	state.name = (const char *)buffer_bytes(&name).data;
	progress_format(line, sizeof(line), progress_columns() - 1, &state, p->rate);
	fprintf(stderr, "\r%s\x1b[K", line);
}

void progress_init(struct progress *p, struct loop *l,
	void (*measure)(void *data, struct progress_state *state), void *data)
{
	struct progress_state state = {0};

	*p = (struct progress){.measure = measure, .data = data};
	p->shown =
		isatty(STDERR_FILENO) && log_get_level() >= LOG_NORMAL && terminal_moves_cursor();
	uv_timer_init(&l->uv, &p->timer);
	measure(data, &state);
	p->last_done = state.done;
	p->began_ms = p->last_ms = clock_monotonic_ms();
	if (p->shown)
		uv_timer_start(&p->timer, progress_on_tick, PROGRESS_TICK_MS, PROGRESS_TICK_MS);
}

void progress_clear(const struct progress *p)
{
	if (p->shown)
		fputs("\r\x1b[K", stderr);
}

void progress_end(struct progress *p, const char *what)
{
	char size[PROGRESS_SIZE_TEXT], rate[PROGRESS_SIZE_TEXT];
	struct progress_state state = {0};

	uv_timer_stop(&p->timer);
	progress_clear(p);
	if (!p->shown)
		return;
	p->measure(p->data, &state);
	progress_take(p, &state);
	double seconds = (double)(p->last_ms - p->began_ms) / 1000;
	progress_format_size(size, state.done);
	progress_format_size(rate, seconds > 0 ? (uint64_t)((double)p->brought / seconds) : 0);
	fprintf(stderr, "%s %llu file%s, %s in %.1f s (%s/s)\n", what,
		(unsigned long long)state.file, state.file == 1 ? "" : "s", size, seconds, rate);
}
