/*
 * Tells texts that look like secrets (keys of an API, tokens, passwords, identifiers of sessions)
 * from names that a programmer gave.
 *
 * A guess by form alone: what it takes for a secret by mistake is merely not shown. Does not read
 * the target.
 */
#ifndef PYI_PYTHON_SECRETS_H
#define PYI_PYTHON_SECRETS_H

#include <stdbool.h>

/*
 * True for the forms of well-known credentials; a word such as "password" in what also carries
 * something like "hunter2"; hexadecimal numbers of 16 digits and more, UUIDs; what is mostly
 * digits; and what is too random for words. A plain name such as "password", "api_token" or
 * "sha256_secret" is none: it is what it stands for that is secret.
 */
bool pyi_secrets_looks_secret(const char *text);

#endif
