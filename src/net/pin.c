#include "net/pin.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

#define PIN_PREFIX "sha256:"

enum {
	PREFIX_LEN = sizeof(PIN_PREFIX) - 1,
	DIGEST_TEXT = (PIN_SIZE + 2) / 3 * 4, /* padded */
	LETTERS = DIGEST_TEXT - 1,	      /* 32 bytes are padded by one `=` */
};

static int pin_of_info(struct pin *p, const X509_PUBKEY *info)
{
	unsigned char *der = NULL;

	int len = i2d_X509_PUBKEY(info, &der);
	if (len < 0)
		return -ENOMEM;
	int done = EVP_Digest(der, (size_t)len, p->digest, NULL, EVP_sha256(), NULL);
	OPENSSL_free(der);
	return done ? 0 : -ENOMEM;
}

int pin_of_certificate(struct pin *p, const X509 *certificate)
{
	return pin_of_info(p, X509_get_X509_PUBKEY(certificate));
}

int pin_of_key(struct pin *p, EVP_PKEY *key)
{
	X509_PUBKEY *info = NULL;

	if (!X509_PUBKEY_set(&info, key))
		return -ENOMEM;
	int r = pin_of_info(p, info);
	X509_PUBKEY_free(info);
	return r;
}

void pin_format(const struct pin *p, char text[PIN_TEXT_SIZE])
{
	unsigned char padded[DIGEST_TEXT + 1];

	EVP_EncodeBlock(padded, p->digest, PIN_SIZE);
	memcpy(text, PIN_PREFIX, PREFIX_LEN);
	for (size_t i = 0; i < LETTERS; i++) {
		char c = (char)padded[i];
		text[PREFIX_LEN + i] = (char)(c == '+' ? '-' : c == '/' ? '_' : c);
	}
	text[PREFIX_LEN + LETTERS] = '\0';
}

/* OpenSSL also reads what is not canonical; only what would be written back the same is a pin. */
int pin_parse(struct pin *p, const char *text)
{
	unsigned char padded[DIGEST_TEXT + 1] = {0}, digest[DIGEST_TEXT / 4 * 3];
	char again[PIN_TEXT_SIZE];

	if (strlen(text) != PIN_TEXT_SIZE - 1)
		return -EINVAL;
	for (size_t i = 0; i < LETTERS; i++) {
		char c = text[PREFIX_LEN + i];
		padded[i] = (unsigned char)(c == '-' ? '+' : c == '_' ? '/' : c);
	}
	padded[LETTERS] = '=';
	if (EVP_DecodeBlock(digest, padded, DIGEST_TEXT) != sizeof(digest))
		return -EINVAL;
	memcpy(p->digest, digest, PIN_SIZE);
	pin_format(p, again);
	return strcmp(text, again) == 0 ? 0 : -EINVAL;
}

bool pin_equal(const struct pin *a, const struct pin *b)
{
	return memcmp(a->digest, b->digest, PIN_SIZE) == 0;
}
