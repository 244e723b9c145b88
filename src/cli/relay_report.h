#pragma once

/*
 * What a relay prints: where it listens, a line for each connection that is over (--json), a
 * summary at the end (--stats).
 *
 * Crossings end in several threads. What they have to say is gathered under a lock and written by
 * the first loop; a reader of standard output that does not read holds up nothing: what does not
 * fit is left out and counted.
 */

#include "net/loop.h"
#include "relay/relay.h"

struct relay_report;

/* SILENT: standard output is one side of a connection, and nothing is printed there. NULL when
 * memory or descriptors are out. */
struct relay_report *relay_report_new(struct loop *l, bool json, bool silent);

/* Writes what is left, as far as that does not block. Takes NULL, returns NULL. */
struct relay_report *relay_report_free(struct relay_report *r);

void relay_report_listening(struct relay_report *r, const char *address);

/* From any thread; a relay's `ended`. */
void relay_report_ended(void *report, const struct crossing_record *record);

/* The summary, once nothing is under way any more. */
void relay_report_stats(struct relay_report *r);

/* Negative errno of the last crossing that did not end by itself, 0 when the last one did. */
int relay_report_error(const struct relay_report *r);
