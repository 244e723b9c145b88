#include "hub/name.h"

#include "base/utf8.h"

static bool name_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

bool name_valid(struct bytes name)
{
	if (!name.len || name.len > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!name_byte(name.data[i]))
			return false;
	return true;
}

bool sender_valid(struct bytes sender)
{
	if (sender.len > SENDER_MAX_LEN)
		return false;
	for (size_t i = 0; i < sender.len; i++)
		if (sender.data[i] < 0x20 || sender.data[i] == 0x7f)
			return false;
	return utf8_valid(sender);
}
