#include "wire/handshake.h"

#include <errno.h>

#include <openssl/evp.h>

#include "wire/base64.h"
#include "wire/put.h"

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

bool handshake_is_asked(const struct http_request *request)
{
	return request->method == HTTP_GET &&
	       http_fields_list_has(&request->fields, "Upgrade", "websocket");
}

static bool is_key(struct bytes key)
{
	size_t len;

	return base64_valid(key, &len) && len == 16;
}

struct bytes handshake_key(const struct http_request *request)
{
	return http_fields_get_only(&request->fields, "Sec-WebSocket-Key");
}

struct http_refusal handshake_check(const struct http_request *request)
{
	const struct http_fields *fields = &request->fields;

	if (request->minor < 1)
		return (struct http_refusal){400, "WebSocket needs HTTP/1.1"};
	if (!http_fields_list_has(fields, "Connection", "upgrade"))
		return (struct http_refusal){400, "Upgrade without Connection: Upgrade"};
	if (request->framing != HTTP_NO_BODY)
		return (struct http_refusal){400, "a WebSocket request has no body"};
	if (!bytes_equal(http_fields_get_only(fields, "Sec-WebSocket-Version"),
		    BYTES_LITERAL(HANDSHAKE_VERSION)))
		return (struct http_refusal){426, "Sec-WebSocket-Version must be 13"};
	if (!is_key(handshake_key(request)))
		return (struct http_refusal){
			400, "Sec-WebSocket-Key must be the Base64 of 16 bytes"};
	return HTTP_REFUSAL_NULL;
}

void handshake_new_key(const uint8_t random[16], char key[HANDSHAKE_KEY_LEN])
{
	uint8_t text[HANDSHAKE_KEY_LEN + 1];

	base64_encode(bytes_of(random, 16), text);
	memcpy(key, text, HANDSHAKE_KEY_LEN);
}

int handshake_accept(struct bytes key, char accept[HANDSHAKE_ACCEPT_LEN])
{
	uint8_t input[HANDSHAKE_KEY_LEN + sizeof(GUID)];
	uint8_t hash[EVP_MAX_MD_SIZE];
	uint8_t text[HANDSHAKE_ACCEPT_LEN + 1];
	unsigned len;

	if (key.len != HANDSHAKE_KEY_LEN)
		return -EINVAL;
	uint8_t *end = put_literal(put_bytes(input, key), GUID);
	if (!EVP_Digest(input, (size_t)(end - input), hash, &len, EVP_sha1(), NULL))
		return -EIO;
	base64_encode(bytes_of(hash, len), text);
	memcpy(accept, text, HANDSHAKE_ACCEPT_LEN);
	return 0;
}

int handshake_check_answer(
	const struct http_response *response, struct bytes key, struct fault *why)
{
	const struct http_fields *fields = &response->fields;
	char accept[HANDSHAKE_ACCEPT_LEN];

	int r = handshake_accept(key, accept);
	if (r < 0)
		return fault_errno(why, r, "cannot check the answer to the WebSocket handshake");
	if (!bytes_equal_nocase(
		    http_fields_get_only(fields, "Upgrade"), BYTES_LITERAL("websocket")) ||
		!http_fields_list_has(fields, "Connection", "upgrade"))
		return fault_set(why, -EPROTO, "the answer does not upgrade to WebSocket");
	if (!bytes_equal(http_fields_get_only(fields, "Sec-WebSocket-Accept"),
		    bytes_of(accept, HANDSHAKE_ACCEPT_LEN)))
		return fault_set(why, -EPROTO, "the answer has a wrong Sec-WebSocket-Accept");
	if (http_fields_get(fields, "Sec-WebSocket-Extensions").data ||
		http_fields_get(fields, "Sec-WebSocket-Protocol").data)
		return fault_set(why, -EPROTO,
			"the answer has a WebSocket extension or subprotocol that was not "
			"asked for");
	return 0;
}
