#pragma once

/*
 * What others sent, on a person's terminal: a body must not move the cursor, change the title or
 * answer in the person's name. UTF-8 passes; control characters (C0 but the tab, DEL, C1) and bytes
 * that are no UTF-8 are shown as \xHH. A pipe or a file gets the bytes as they are.
 */

#include "base/bytes.h"

/* Appends DATA to OUT, made safe. 0 or -ENOMEM. */
int terminal_append(struct buffer *out, struct bytes data);

/* Whether the terminal can do more than print line after line, as TERM has it. */
bool terminal_moves_cursor(void);
