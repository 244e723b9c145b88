#pragma once

/*
 * What the hub says of itself: GET /status as JSON, GET /metrics as Prometheus text. Both print one
 * table of figures.
 */

#include "server/exchange.h"

extern const struct handler status_json;
extern const struct handler status_metrics;
