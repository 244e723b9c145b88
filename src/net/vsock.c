#include "net/vsock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int vsock_own_cid(uint32_t *cid)
{
	int fd = open("/dev/vsock", O_RDONLY | O_CLOEXEC);
	unsigned own = VMADDR_CID_ANY;

	if (fd < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	int r = ioctl(fd, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &own) < 0 ? -errno : 0;
	close(fd);
	if (r < 0)
		return r;
	if (own == VMADDR_CID_ANY || own == VMADDR_CID_LOCAL)
		return -ENODEV;
	*cid = own;
	return 0;
}

void vsock_name_self(struct endpoint *e)
{
	struct sockaddr_vm vm;

	if (e->addr.ss_family != AF_VSOCK)
		return;
	memcpy(&vm, &e->addr, sizeof(vm));
	if (vm.svm_cid == VMADDR_CID_ANY && vsock_own_cid(&vm.svm_cid) == 0)
		memcpy(&e->addr, &vm, sizeof(vm));
}
