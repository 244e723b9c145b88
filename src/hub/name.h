#pragma once

/*
 * The rules for names: of topics and services, 1 to 128 of A-Z a-z 0-9 . _ -; of senders, which
 * stand in front of a message on everybody's terminal, up to 128 bytes of UTF-8 without control
 * characters.
 */

#include <stdbool.h>

#include "base/bytes.h"

enum { NAME_MAX_LEN = 128, SENDER_MAX_LEN = 128 };

bool name_valid(struct bytes name);
bool sender_valid(struct bytes sender);
