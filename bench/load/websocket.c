#include "websocket.h"

#include "connection.h"
#include "pubsub.h"

#include <stdint.h>
#include <string.h>

void websocket_open(int fd)
{
	connection_send_text(fd, "GET /topics/lobby HTTP/1.1\r\n"
				 "Host: localhost\r\n"
				 "Upgrade: websocket\r\n"
				 "Connection: Upgrade\r\n"
				 "Sec-WebSocket-Version: 13\r\n"
				 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
	/* Anything but a 101 has no such header, and ends the wait with an error. */
	connection_receive_until(fd, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	connection_receive_until(fd, "\r\n\r\n");
}

size_t websocket_frame(char *to, enum websocket_opcode opcode, const char *payload, size_t len)
{
	static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};

	to[0] = (char)(0x80 | opcode);
	to[1] = (char)(0x80 | len);
	memcpy(to + 2, mask, sizeof(mask));
	for (size_t i = 0; i < len; i++)
		to[6 + i] = (char)((uint8_t)payload[i] ^ mask[i % 4]);
	return 6 + len;
}

size_t websocket_encode(char *to, const char *body)
{
	return websocket_frame(to, WEBSOCKET_TEXT, body, BODY_LEN);
}
