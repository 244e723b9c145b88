#pragma once

/*
 * The pairs of a relay, as its command line has them: FROM TO, for each --also FROM one more TO,
 * and with each the further targets of the --or that follow it.
 */

#include "cli/command.h"
#include "net/address.h"

struct relay_pair {
	struct address from;
	struct address *to; /* tried in this order */
	size_t to_count;
};

struct relay_pairs {
	struct relay_pair *at;
	size_t count;
};

/* The options of the list that both stand in. */
#define RELAY_ALSO "also"
#define RELAY_OR   "or"

/* How many --also there are in MORE. */
size_t relay_pairs_count_also(const struct option_list *more);

/* Of WORDS there is one more than pairs. 0, or a negative errno with a line; what was read before
 * is freed by relay_pairs_deinit() as well. */
int relay_pairs_read(
	struct relay_pairs *p, char **words, const struct option_list *more, struct fault *why);
void relay_pairs_deinit(struct relay_pairs *p);

/* Whether one of them starts programs (exec:). */
bool relay_pairs_start_programs(const struct relay_pairs *p);
