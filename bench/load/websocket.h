#pragma once

/* WebSocket (RFC 6455), the client's part that a load needs: the opening handshake on the topic
 * lobby, and masked frames. */

#include <stddef.h>

enum websocket_opcode { WEBSOCKET_TEXT = 1, WEBSOCKET_PING = 9 };

void websocket_open(int fd);

/* One masked frame with a payload of at most 125 bytes; its length. */
size_t websocket_frame(char *to, enum websocket_opcode opcode, const char *payload, size_t len);

/* A text frame of BODY_LEN bytes. */
size_t websocket_encode(char *to, const char *body);
