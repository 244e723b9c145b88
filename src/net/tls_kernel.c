/*
 * The kernel keeps the part of a record that found no room, and sends it when there is some; but
 * shutdown(2) does not wait for that, and the rest is lost. Where there is room for a record of
 * control, all that waited goes before it, in the same call.
 */

#include "net/tls_kernel.h"

#include "net/sys.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

static const char tls_kernel_name[] = "tls";

static const struct {
	uint16_t type;
	socklen_t len;
} tls_kernel_ciphers[] = {
	{TLS_CIPHER_AES_GCM_128, sizeof(struct tls12_crypto_info_aes_gcm_128)},
	{TLS_CIPHER_AES_GCM_256, sizeof(struct tls12_crypto_info_aes_gcm_256)},
	{TLS_CIPHER_CHACHA20_POLY1305, sizeof(struct tls12_crypto_info_chacha20_poly1305)},
};

int tls_kernel_take(int fd, const struct tls_crypto_info *keys)
{
	size_t i = 0;

	while (i < COUNT(tls_kernel_ciphers) && tls_kernel_ciphers[i].type != keys->cipher_type)
		i++;
	if (i == COUNT(tls_kernel_ciphers))
		return -EOPNOTSUPP;
	int r = sys_setsockopt(fd, IPPROTO_TCP, TCP_ULP, tls_kernel_name, sizeof(tls_kernel_name));
	if (r < 0)
		return r;
	r = sys_setsockopt(fd, SOL_TLS, TLS_TX, keys, tls_kernel_ciphers[i].len);
	return r == -ENOENT ? -EOPNOTSUPP : r; /* no such cipher: only some sessions have it */
}

/* The type, aligned as it must be. */
union record_type {
	struct cmsghdr head;
	uint8_t room[CMSG_SPACE(sizeof(uint8_t))];
};

ssize_t tls_kernel_send(int fd, uint8_t type, const void *data, size_t len)
{
	union record_type control = {.head = {
					     .cmsg_len = CMSG_LEN(sizeof(type)),
					     .cmsg_level = SOL_TLS,
					     .cmsg_type = TLS_SET_RECORD_TYPE,
				     }};
	struct iovec iov = {(void *)data, len};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.room),
	};
	struct pollfd room = {.fd = fd, .events = POLLOUT};

	if (poll(&room, 1, 0) == 0)
		return -EAGAIN;
	*CMSG_DATA(&control.head) = type;
	return sys_sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}
