/*
 * OpenSSL does the work, in blocks, since it counts in ints. What it lets pass when it reads (white
 * space around, padding anywhere) is refused before.
 */

#include "wire/base64.h"

#include <openssl/evp.h>

enum { BLOCK = 3 << 20 }; /* a multiple of 3 and of 4 */

static size_t next_block(size_t left)
{
	return left < BLOCK ? left : BLOCK;
}

size_t base64_encode(struct bytes b, uint8_t *to)
{
	for (size_t done = 0; done < b.len; done += BLOCK)
		EVP_EncodeBlock(to + done / 3 * 4, b.data + done, (int)next_block(b.len - done));
	return base64_size(b.len);
}

static bool is_letter(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '+' || c == '/';
}

bool base64_valid(struct bytes text, size_t *len)
{
	size_t letters = text.len;

	while (letters && text.len - letters < 2 && text.data[letters - 1] == '=')
		letters--;
	*len = text.len / 4 * 3 - (text.len - letters);
	for (size_t i = 0; i < letters; i++)
		if (!is_letter(text.data[i]))
			return false;
	return text.len % 4 == 0;
}

bool base64_decode(struct bytes text, uint8_t *to, size_t *len)
{
	if (!base64_valid(text, len))
		return false;
	for (size_t done = 0; done < text.len; done += BLOCK)
		if (EVP_DecodeBlock(to + done / 4 * 3, text.data + done,
			    (int)next_block(text.len - done)) < 0)
			return false;
	return true;
}
