#pragma once

/*
 * The page at `/`: a chat for browsers. Its files (src/server/page/) are in the program.
 */

#include "server/exchange.h"

#include <stddef.h>
#include <stdint.h>

extern const uint8_t page_index_html[];
extern const size_t page_index_html_size;
extern const uint8_t page_ferry_css[];
extern const size_t page_ferry_css_size;
extern const uint8_t page_ferry_js[];
extern const size_t page_ferry_js_size;

extern const struct handler page_root;	/* GET / */
extern const struct handler page_asset; /* GET /assets/… */
