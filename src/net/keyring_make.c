#include "net/keyring_make.h"

#include <errno.h>
#include <limits.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

enum { SERIAL_BITS = 64 };

static bool certificate_extend(X509 *c, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool done = e && X509_add_ext(c, e, -1);

	X509_EXTENSION_free(e);
	return done;
}

static bool certificate_number(X509 *c)
{
	BIGNUM *n = BN_new();
	bool done = n && BN_rand(n, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
		    BN_to_ASN1_INTEGER(n, X509_get_serialNumber(c));

	BN_free(n);
	return done;
}

/* Always valid: a machine without a clock may have any date. */
static bool certificate_date(X509 *c)
{
	return ASN1_TIME_set_string(X509_getm_notBefore(c), "19700101000000Z") &&
	       ASN1_TIME_set_string(X509_getm_notAfter(c), "99991231235959Z");
}

static bool is_host_name(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789-.");

	return len && !name[len];
}

static bool certificate_name(X509 *c)
{
	X509_NAME *name = X509_get_subject_name(c);
	char host[HOST_NAME_MAX + 1] = "";
	char names[HOST_NAME_MAX + 64];

	if (gethostname(host, sizeof(host) - 1) < 0 || !is_host_name(host))
		strcpy(host, "localhost");
	snprintf(names, sizeof(names), "DNS:localhost,DNS:%s,IP:127.0.0.1,IP:::1", host);
	return X509_NAME_add_entry_by_txt(
		       name, "CN", MBSTRING_ASC, (const unsigned char *)"ferry", -1, -1, 0) &&
	       X509_set_issuer_name(c, name) && certificate_extend(c, NID_subject_alt_name, names);
}

static bool certificate_fill(X509 *c, EVP_PKEY *key)
{
	return X509_set_version(c, X509_VERSION_3) && certificate_number(c) &&
	       certificate_date(c) && certificate_name(c) &&
	       certificate_extend(c, NID_basic_constraints, "critical,CA:FALSE") &&
	       certificate_extend(c, NID_key_usage, "critical,digitalSignature") &&
	       certificate_extend(c, NID_ext_key_usage, "serverAuth,clientAuth") &&
	       X509_set_pubkey(c, key) && X509_sign(c, key, EVP_sha256());
}

int keyring_make(EVP_PKEY **key, X509 **certificate)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");
	X509 *c = X509_new();

	if (!k || !c || !certificate_fill(c, k)) {
		EVP_PKEY_free(k);
		X509_free(c);
		return -ENOMEM;
	}
	*key = k;
	*certificate = c;
	return 0;
}
