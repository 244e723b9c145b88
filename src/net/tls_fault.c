#include "net/tls_fault.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

int tls_fault_file(struct fault *why, const char *file, const char *what)
{
	unsigned long first = ERR_peek_error();

	ERR_clear_error();
	if (ERR_SYSTEM_ERROR(first)) {
		int error = -ERR_GET_REASON(first);
		return fault_errno(why, error, "cannot read %s", file);
	}
	return fault_set(why, -EINVAL, "%s: holds no %s that can be used: %s", file, what,
		first ? ERR_reason_error_string(first) : "there is none in it");
}

/* Several of OpenSSL's reasons are one to a person. Alerts that came are reasons of their own. */
static const struct {
	int reason;
	int error;
	const char *text;
} known[] = {
	{SSL_R_WRONG_VERSION_NUMBER, -EPROTO, "it does not speak TLS"},
	{SSL_R_WRONG_SSL_VERSION, -EPROTO, "it does not speak TLS"},
	{SSL_R_HTTP_REQUEST, -EPROTO, "it does not speak TLS"},
	{SSL_R_HTTPS_PROXY_REQUEST, -EPROTO, "it does not speak TLS"},
	{SSL_R_UNKNOWN_PROTOCOL, -EPROTO, "it does not speak TLS"},
	{SSL_R_UNSUPPORTED_PROTOCOL, -EPROTO, "it speaks neither TLS 1.3 nor 1.2"},
	{SSL_R_VERSION_TOO_LOW, -EPROTO, "it speaks neither TLS 1.3 nor 1.2"},
	{SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, -EPROTO, "it speaks neither TLS 1.3 nor 1.2"},
	{SSL_R_NO_SHARED_CIPHER, -EPROTO, "it has no cipher in common with this side"},
	{SSL_R_NO_SUITABLE_KEY_SHARE, -EPROTO, "it has no key exchange in common with this side"},
	{SSL_R_NO_APPLICATION_PROTOCOL, -EPROTO, "it speaks nothing of ours inside TLS (ALPN)"},
	{SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL, -EPROTO,
		"it wants another protocol inside TLS (ALPN)"},
	{SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, -EPROTO,
		"it refused the handshake: it has no key, or no version or cipher in common"},
	{SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, -EACCES,
		"it lets in only those it knows by their key, and none was shown"},
	{SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, -EPERM, "it showed no key"},
	{SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, -EACCES, "it does not accept the key it was shown"},
	{SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, -EACCES,
		"it does not accept the kind of key it was shown"},
	{SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, -EACCES,
		"it says that the key it was shown is revoked"},
	{SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, -EACCES,
		"it says that the certificate it was shown has expired"},
	{SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, -EACCES, "it does not accept the key it was shown"},
	{SSL_R_TLSV1_ALERT_UNKNOWN_CA, -EACCES,
		"it does not trust who signed the certificate it was shown"},
	{SSL_R_TLSV1_ALERT_ACCESS_DENIED, -EACCES, "it denied access"},
	{SSL_R_NO_RENEGOTIATION, -EPROTO, "it wants to renegotiate, which is not done here"},
};

int tls_fault_session(struct fault *why, bool established)
{
	unsigned long first = ERR_peek_error();
	int reason = ERR_GET_REASON(first);

	ERR_clear_error();
	if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return fault_set(why, -ECONNRESET,
			established ? "it was cut off: TLS did not end before the connection did"
				    : "it closed the connection during the TLS handshake");
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].reason == reason)
			return fault_set(why, known[i].error, "%s", known[i].text);
	const char *text = first ? ERR_reason_error_string(first) : NULL;
	return fault_set(why, -EPROTO, "TLS failed: %s", text ? text : "for no reason it tells");
}
