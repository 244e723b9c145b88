#include "cli/editor.h"

#include "base/utf8.h"
#include "cli/terminal.h"

#include <errno.h>
#include <histedit.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

enum {
	EDITOR_HISTORY = 200,
	EDITOR_KEY_MS = 50, /* the bytes of one key are no further apart */
	EDITOR_COLUMNS = 80,
};

struct editor {
	EditLine *el;
	HistoryW *history;
	wchar_t *prompt;
	int fd;
	struct buffer typed; /* not yet given to libedit */
	struct buffer line;  /* the last one entered */
	bool entered;	     /* it is still on the screen, and in libedit */
	uint8_t end;	     /* the key that says so: ^D */
};

static struct editor *editor_of(EditLine *el)
{
	struct editor *e = NULL;

	el_wget(el, EL_CLIENTDATA, &e);
	return e;
}

static wchar_t *editor_prompt(EditLine *el)
{
	return editor_of(el)->prompt;
}

/* ---- characters in ---- */

/* Takes the first whole character; false when there is none. A byte that belongs to none is
 * dropped. */
static bool editor_take(struct editor *e, wchar_t *c)
{
	while (buffer_len(&e->typed)) {
		struct bytes typed = buffer_bytes(&e->typed);
		mbstate_t state = {0};
		size_t n = mbrtowc(c, (const char *)typed.data, typed.len, &state);
		if (n == (size_t)-2)
			return false;
		bool whole = n != (size_t)-1;
		buffer_consume(&e->typed, whole && n ? n : 1);
		if (whole)
			return true;
	}
	return false;
}

/* libedit's source of characters. It asks for more than was typed only within a key of several
 * bytes. */
static int editor_getc(EditLine *el, wchar_t *c)
{
	struct editor *e = editor_of(el);
	struct pollfd ready = {.fd = e->fd, .events = POLLIN};
	uint8_t more[64];

	while (!editor_take(e, c)) {
		if (poll(&ready, 1, EDITOR_KEY_MS) <= 0)
			return -1;
		ssize_t n = read(e->fd, more, sizeof(more));
		if (n <= 0 || buffer_append(&e->typed, more, (size_t)n) < 0)
			return -1;
	}
	return 1;
}

int editor_feed(struct editor *e, struct bytes typed)
{
	return buffer_append(&e->typed, typed.data, typed.len);
}

/* ---- lines out ---- */

static int editor_append_utf8(struct buffer *to, wchar_t c)
{
	char bytes[MB_LEN_MAX];
	mbstate_t state = {0};

	size_t n = wcrtomb(bytes, c, &state);
	return n == (size_t)-1 ? 0 : buffer_append(to, bytes, n);
}

static void editor_remember(struct editor *e, const wchar_t *line)
{
	HistEventW event;

	history_w(e->history, &event, H_ENTER, line);
}

/* libedit's line, which ends with LF, becomes ours. */
static void editor_enter(struct editor *e, const wchar_t *line, size_t len)
{
	buffer_deinit(&e->line);
	for (size_t i = 0; i < len; i++)
		editor_append_utf8(&e->line, line[i]);
	if (len)
		editor_remember(e, line);
	e->entered = true;
}

/* The next line begins: the prompt is shown. */
static void editor_begin(struct editor *e)
{
	e->entered = false;
	el_wset(e->el, EL_UNBUFFERED, 0);
	el_wset(e->el, EL_UNBUFFERED, 1);
}

/* The first character has come whole, or never will be one. */
static bool editor_has_character(const struct editor *e)
{
	struct bytes typed = buffer_bytes(&e->typed);
	struct bytes first = bytes_of(typed.data, typed.len < 4 ? typed.len : 4);

	return utf8_complete_prefix(first) > 0;
}

static bool editor_is_at_end(const struct editor *e)
{
	const LineInfoW *line = el_wline(e->el);

	return buffer_bytes(&e->typed).data[0] == e->end && line->lastchar == line->buffer;
}

int editor_next(struct editor *e, struct bytes *line)
{
	int len;

	if (e->entered)
		editor_begin(e);
	while (editor_has_character(e)) {
		if (editor_is_at_end(e))
			return EDITOR_END;
		const wchar_t *text = el_wgets(e->el, &len);
		if (!text || len <= 0)
			continue;
		if (text[len - 1] != L'\n' && text[len - 1] != L'\r')
			continue;
		editor_enter(e, text, (size_t)len - 1);
		*line = buffer_bytes(&e->line);
		return EDITOR_LINE;
	}
	return EDITOR_MORE;
}

/* ---- printing above ---- */

static size_t editor_width(const wchar_t *from, const wchar_t *to)
{
	size_t width = 0;

	for (; from < to; from++) {
		int columns = wcwidth(*from);
		width += columns >= 0 ? (size_t)columns : 2; /* a control character is ^X */
	}
	return width;
}

/* From the cursor back to the start of the prompt, which may be some rows up; all from there on is
 * cleared. */
static void editor_clear(struct editor *e)
{
	const LineInfoW *line = el_wline(e->el);
	struct winsize size = {0};

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	size_t width = editor_width(e->prompt, e->prompt + wcslen(e->prompt)) +
		       editor_width(line->buffer, line->cursor);
	size_t rows = width / (size.ws_col ? size.ws_col : EDITOR_COLUMNS);
	if (rows)
		printf("\033[%zuA", rows);
	fputs("\r\033[J", stdout);
}

void editor_print(struct editor *e, struct bytes lines)
{
	if (!e->entered)
		editor_clear(e);
	fwrite(lines.data, 1, lines.len, stdout);
	fflush(stdout);
	if (!e->entered)
		el_wset(e->el, EL_REFRESH);
}

void editor_redraw(struct editor *e)
{
	el_resize(e->el);
	if (e->entered)
		return;
	editor_clear(e);
	fflush(stdout);
	el_wset(e->el, EL_PREP_TERM, 1);
	el_wset(e->el, EL_REFRESH);
}

/* ---- life ---- */

/* What is typed and shown is UTF-8, whatever the locale says. */
static void editor_set_locale(void)
{
	setlocale(LC_CTYPE, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

static int editor_open(struct editor *e, const char *prompt)
{
	struct termios settings;
	HistEventW event;

	size_t len = strlen(prompt);
	e->prompt = calloc(len + 1, sizeof(*e->prompt));
	e->history = history_winit();
	e->el = el_init("ferry", stdin, stdout, stderr);
	if (!e->prompt || !e->history || !e->el)
		return -ENOMEM;
	mbstowcs(e->prompt, prompt, len);
	e->end = tcgetattr(STDIN_FILENO, &settings) == 0 ? settings.c_cc[VEOF] : 4;
	history_w(e->history, &event, H_SETSIZE, EDITOR_HISTORY);
	el_wset(e->el, EL_CLIENTDATA, e);
	el_wset(e->el, EL_PROMPT, editor_prompt);
	el_wset(e->el, EL_EDITOR, L"emacs");
	el_wset(e->el, EL_HIST, history_w, e->history);
	el_wset(e->el, EL_GETCFN, editor_getc);
	el_wset(e->el, EL_UNBUFFERED, 1);
	return 0;
}

struct editor *editor_new(const char *prompt, int fd)
{
	if (!terminal_moves_cursor())
		return NULL;
	struct editor *e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->fd = fd;
	editor_set_locale();
	if (editor_open(e, prompt) == 0)
		return e;
	e->entered = true; /* nothing is shown */
	return editor_free(e);
}

struct editor *editor_free(struct editor *e)
{
	if (!e)
		return NULL;
	if (e->el) {
		el_wset(e->el, EL_UNBUFFERED, 0);
		if (!e->entered)
			putchar('\n');
		fflush(stdout);
		el_end(e->el);
	}
	if (e->history)
		history_wend(e->history);
	free(e->prompt);
	buffer_deinit(&e->typed);
	buffer_deinit(&e->line);
	free(e);
	return NULL;
}
