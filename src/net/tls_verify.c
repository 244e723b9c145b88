#include "net/tls_verify.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

/* ---- what is wrong, in words ---- */

static void doubt_time(char *doubt, const char *what, const ASN1_TIME *at)
{
	char day[32] = "a day that cannot be read";
	struct tm tm;

	if (ASN1_TIME_to_tm(at, &tm))
		strftime(day, sizeof(day), "%Y-%m-%d %H:%M UTC", &tm);
	snprintf(doubt, TLS_DOUBT_SIZE, "its certificate %s %s", what, day);
}

static void name_text(const GENERAL_NAME *name, char *text, size_t size)
{
	const ASN1_STRING *value = name->d.ia5;
	const unsigned char *data = ASN1_STRING_get0_data(value);
	int len = ASN1_STRING_length(value);

	*text = '\0';
	if (name->type == GEN_DNS)
		snprintf(text, size, "%.*s", len, (const char *)data);
	else if (name->type == GEN_IPADD && (len == 4 || len == 16))
		inet_ntop(len == 4 ? AF_INET : AF_INET6, data, text, (socklen_t)size);
}

/* Its names, as many as fit. */
static void doubt_names(char *doubt, const X509 *certificate, const char *host)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	size_t at = (size_t)snprintf(doubt, TLS_DOUBT_SIZE, "its certificate is for ");
	size_t start = at;
	char text[64];

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		name_text(sk_GENERAL_NAME_value(names, i), text, sizeof(text));
		if (*text && at + strlen(text) + 80 < TLS_DOUBT_SIZE)
			at += (size_t)snprintf(doubt + at, TLS_DOUBT_SIZE - at, "%s%s",
				at > start ? ", " : "", text);
	}
	GENERAL_NAMES_free(names);
	snprintf(doubt + at, TLS_DOUBT_SIZE - at, "%s, not for %.60s",
		at > start ? "" : "no host by name", host ? host : "this one");
}

static void doubt_write(char *doubt, const X509 *certificate, int error, const char *host)
{
	switch (error) {
	case X509_V_OK:
		*doubt = '\0';
		return;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		doubt_time(doubt, "expired on", X509_get0_notAfter(certificate));
		return;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		doubt_time(doubt, "is valid from", X509_get0_notBefore(certificate));
		return;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		doubt_names(doubt, certificate, host);
		return;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		snprintf(doubt, TLS_DOUBT_SIZE, "its certificate is signed by itself");
		return;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		snprintf(doubt, TLS_DOUBT_SIZE,
			"its certificate is not signed by an authority that is trusted here");
		return;
	default:
		snprintf(doubt, TLS_DOUBT_SIZE, "its certificate is not valid: %s",
			X509_verify_cert_error_string(error));
	}
}

/* ---- the decision ---- */

/* CERTIFICATE is what the doubt is about: the peer's, or one of those it leads to. */
static int judge_decide(
	struct tls_judge *judge, const X509 *own, const X509 *certificate, int error)
{
	struct tls_peer peer = {.has_certificate = own, .certificate = own};

	if (own && pin_of_certificate(&peer.pin, own) < 0)
		return fault_errno(&judge->why, -ENOMEM, "cannot look at its certificate");
	if (own)
		doubt_write(peer.doubt, certificate ? certificate : own, error, judge->host);
	if (judge->check)
		return judge->check(judge->check_arg, &peer, &judge->why);
	return *peer.doubt ? fault_set(&judge->why, -EACCES, "%s", peer.doubt) : 0;
}

static int verify(X509_STORE_CTX *store, struct tls_context *context)
{
	tls_context_need_authorities(context);
	bool valid = X509_verify_cert(store) > 0;
	int error = X509_STORE_CTX_get_error(store);
	return valid || error != X509_V_OK ? error : X509_V_ERR_UNSPECIFIED;
}

int tls_verify(X509_STORE_CTX *store, void *arg)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_judge *judge = SSL_get_app_data(ssl);

	if (!judge)
		return 0;
	int error = judge->unverified ? X509_V_OK : verify(store, arg);
	judge->verdict = judge_decide(judge, X509_STORE_CTX_get0_cert(store),
		X509_STORE_CTX_get_current_cert(store), error);
	if (judge->verdict == 0)
		return 1; /* with its error, which the session keeps for its ticket */
	if (judge->check) /* it is the key that is refused: the alert is bad_certificate */
		X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
	return 0;
}

int tls_verify_unseen(const SSL *ssl, struct tls_judge *judge)
{
	judge->verdict = judge_decide(
		judge, SSL_get0_peer_certificate(ssl), NULL, (int)SSL_get_verify_result(ssl));
	return judge->verdict;
}
