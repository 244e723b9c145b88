#include "hub/store.h"

#include <errno.h>
#include <string.h>

const char *store_error(int error)
{
	switch (-error) {
	case EBADMSG:
		return "the store's file is damaged";
	case EROFS:
		return "the store's file cannot be written";
	case EDQUOT:
		return "the hub has too many topics";
	default:
		return strerror(-error);
	}
}
