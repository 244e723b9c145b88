#pragma once

/*
 * Printer: standard output, one write a turn
 *
 * What a turn prints is written when it ends. A reader that is slower than what comes is told of by
 * printer_is_full(): whoever prints then has its own source wait until `room`.
 */

#include "base/message.h"
#include "cli/prompt.h"
#include "net/stream.h"

struct printer_handler {
	/* It was full and is no longer. */
	void (*room)(void *data);
	/* Nobody reads it any more: a negative errno. */
	void (*failed)(void *data, int error);
};

struct printer {
	struct stream out;
	struct buffer text; /* printed in this turn */
	struct ending flush;
	const struct printer_handler *handler;
	void *data;
	struct prompt *prompt; /* of the same terminal, or NULL */
	bool json;	       /* messages as objects */
	bool is_terminal;      /* they are made safe for it */
	bool full;
};

#define PRINTER_NULL ((struct printer){.out = STREAM_NULL})

/* 0 or a negative errno. JSON: messages are printed as objects. */
int printer_init(struct printer *p, struct loop *l, bool json,
	const struct printer_handler *handler, void *data);

/* Safe on PRINTER_NULL and twice. What was not written is lost; see printer_drain(). */
void printer_deinit(struct printer *p);

/* Writes what is left, and blocks for it: the last thing before the command ends. 0 or a negative
 * errno. */
int printer_drain(struct printer *p);

void printer_message(struct printer *p, const struct message *m);
/* The notice that COUNT messages are missing, 0: an unknown number. */
void printer_skipped(struct printer *p, uint64_t count);

/* A remark of ours: above the prompt, or to standard error. */
void printer_note(struct printer *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* From now on everything is printed above PROMPT's line; NULL: no longer. To be called while the
 * last one still is. */
void printer_set_prompt(struct printer *p, struct prompt *prompt);

bool printer_is_full(struct printer *p);
