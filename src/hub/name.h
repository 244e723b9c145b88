#pragma once

/*
 * The rule for names (topics, services): 1 to 128 of A-Z a-z 0-9 . _ -
 */

#include <stdbool.h>

#include "base/bytes.h"

enum { NAME_MAX_LEN = 128 };

bool name_valid(struct bytes name);
