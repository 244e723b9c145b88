#include "server/trouble.h"

#include "hub/store.h"

#include <errno.h>

void trouble_storing(struct trouble *t, int error)
{
	bool of_one_message = error == -EDQUOT || error == -EMSGSIZE;

	if (error == t->error || of_one_message || !log_limit_allows(&t->storing))
		return;
	t->error = error;
	if (error)
		log_error("messages are not stored: %s", store_error(error));
	else
		log_note("messages are stored again");
}

bool trouble_reading(struct trouble *t, const char *peer, int error)
{
	if (error && log_limit_allows(&t->reading))
		log_error("%s cannot be sent what is stored: %s", peer, store_error(error));
	return error;
}
