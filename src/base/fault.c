#include "base/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static void fault_clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

__attribute__((format(printf, 3, 0))) static void fault_format(
	struct fault *why, int error, const char *format, va_list args)
{
	why->error = error;
	vsnprintf(why->text, sizeof(why->text), format, args);
}

int fault_set(struct fault *why, int error, const char *format, ...)
{
	va_list args;

	if (!why)
		return error;
	va_start(args, format);
	fault_format(why, error, format, args);
	va_end(args);
	fault_clean(why->text);
	return error;
}

int fault_errno(struct fault *why, int error, const char *format, ...)
{
	va_list args;

	if (!why)
		return error;
	va_start(args, format);
	fault_format(why, error, format, args);
	va_end(args);
	size_t len = strlen(why->text);
	snprintf(why->text + len, sizeof(why->text) - len, ": %s", strerror(-error));
	fault_clean(why->text);
	return error;
}

int fault_exit_code(int error)
{
	switch (-error) {
	case 0:
		return EX_OK;
	case EINVAL:
	case EISDIR:
	case ENOTDIR:
	case EAFNOSUPPORT:
	case EPROTONOSUPPORT:
	case ESOCKTNOSUPPORT:
		return EX_USAGE;
	case EBADMSG:
	case EILSEQ:
	case ENOTSUP:
	case EMSGSIZE:
		return EX_DATAERR;
	case EPROTO:
		return EX_PROTOCOL;
	case EACCES:
	case EPERM:
		return EX_NOPERM;
	case ECONNREFUSED:
	case ECONNRESET:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EADDRINUSE:
	case EADDRNOTAVAIL:
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return EX_UNAVAILABLE;
	case EPIPE:
	case EIO:
	case EROFS:
		return EX_IOERR;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOSPC:
	case EBUSY:
	case EAGAIN:
		return EX_TEMPFAIL;
	case ETIMEDOUT:
		return 124;
	default:
		return EX_SOFTWARE;
	}
}
