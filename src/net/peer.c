#include "net/peer.h"

#include "net/sys.h"

#include <errno.h>
#include <stdio.h>
#include <sys/un.h>

int peer_credentials(int fd, struct ucred *who)
{
	socklen_t len = sizeof(*who);

	int r = sys_getsockopt(fd, SOL_SOCKET, SO_PEERCRED, who, &len);
	if (r < 0)
		return r;
	return who->uid == (uid_t)-1 ? -ENOTCONN : 0;
}

void peer_name(int fd, const struct endpoint *peer, char text[ENDPOINT_TEXT_SIZE])
{
	struct ucred who;
	bool unnamed = peer->addr.ss_family == AF_UNIX &&
		       peer->len <= offsetof(struct sockaddr_un, sun_path);

	endpoint_format(peer, text);
	if (!unnamed || peer_credentials(fd, &who) < 0)
		return;
	if (who.pid)
		snprintf(text, ENDPOINT_TEXT_SIZE, "unix:pid/%d", who.pid);
	else
		snprintf(text, ENDPOINT_TEXT_SIZE, "unix:uid/%u", who.uid);
}
