/*
 * The forms of secrets, and what tells random text from words.
 *
 * Only ASCII is judged: letters of other scripts separate, as '_' does.
 */
#include "python/secrets.h"

#include <math.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

enum {
	HEX_DIGITS = 16,
	/* Of all letters and digits. */
	RANDOM_LEAST = 20,
	DIGITS_LEAST = 8,
	/* Of letters and digits without anything between them. */
	INTERLEAVED_LEAST = 10,
	UNSPEAKABLE_LEAST = 16,
	RARE_LEAST = 4,
	/* "v2", "p99", "h264" say nothing that is secret. */
	MIXED_LEAST = 5,
	NAME_WITH_DIGITS_LEAST = 4,
	BYTE_VALUES = 256,
};

enum class {
	OTHER,
	LOWER,
	UPPER,
	DIGIT,
};

static enum class class_of(char letter) {
	if (letter >= 'a' && letter <= 'z') return LOWER;
	if (letter >= 'A' && letter <= 'Z') return UPPER;
	if (letter >= '0' && letter <= '9') return DIGIT;
	return OTHER;
}

static bool is_hex(char letter)
{
	return class_of(letter) == DIGIT || (letter >= 'a' && letter <= 'f') ||
	       (letter >= 'A' && letter <= 'F');
}

/* How many letters and digits `text` begins with. */
static size_t run_length(const char *text)
{
	size_t length = 0;

	while (class_of(text[length]) != OTHER)
		length++;
	return length;
}

/* What credentials begin with, and how many letters and digits follow at least, in one piece. */
static bool has_known_form(const char *text)
{
	static const struct {
		const char *prefix;
		size_t rest;
	} forms[] = {
		/* Amazon */
		{ "AKIA", 12 },
		{ "ASIA", 12 },
		{ "ABIA", 12 },
		{ "ACCA", 12 },
		{ "AGPA", 12 },
		{ "AIDA", 12 },
		{ "AROA", 12 },
		/* GitHub, GitLab */
		{ "ghp_", 12 },
		{ "gho_", 12 },
		{ "ghu_", 12 },
		{ "ghs_", 12 },
		{ "ghr_", 12 },
		{ "github_pat_", 12 },
		{ "glpat-", 8 },
		/* Slack */
		{ "xoxa-", 4 },
		{ "xoxb-", 4 },
		{ "xoxe-", 4 },
		{ "xoxp-", 4 },
		{ "xoxr-", 4 },
		{ "xoxs-", 4 },
		{ "xapp-", 1 },
		/* Stripe */
		{ "sk_live_", 4 },
		{ "rk_live_", 4 },
		{ "pk_live_", 4 },
		{ "sk_test_", 16 },
		{ "rk_test_", 16 },
		{ "whsec_", 16 },
		/* Google */
		{ "AIza", 16 },
		{ "ya29.", 4 },
		{ "GOCSPX-", 8 },
		/* Package registries */
		{ "npm_", 20 },
		{ "pypi-", 20 },
		/* DigitalOcean, Hugging Face, SendGrid, OpenAI, Anthropic, Shopify */
		{ "dop_v1_", 8 },
		{ "doo_v1_", 8 },
		{ "hf_", 20 },
		{ "SG.", 12 },
		{ "sk-", 16 },
		{ "sk-proj-", 4 },
		{ "sk-ant-", 4 },
		{ "shpat_", 16 },
		/* JSON Web Token */
		{ "eyJ", 10 },
		{ "-----BEGIN", 0 },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		size_t length = strlen(forms[i].prefix);

		if (strncmp(text, forms[i].prefix, length) == 0 &&
		    run_length(text + length) >= forms[i].rest)
			return true;
	}
	return false;
}

/* A number of so many digits that nobody chose it. Letters alone could be words. */
static bool has_hex(const char *text)
{
	size_t digits = 0;
	size_t length = 0;

	for (; *text; text++) {
		length = is_hex(*text) ? length + 1 : 0;
		digits = !length ? 0 : digits + (class_of(*text) == DIGIT);
		if (length >= HEX_DIGITS && digits)
			return true;
	}
	return false;
}

/* "123e4567-e89b-12d3-a456-426614174000", also with '_'. */
static bool has_uuid(const char *text)
{
	static const char form[] = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";

	for (; *text; text++) {
		size_t i = 0;

		while (form[i] &&
		       (form[i] == 'h' ? is_hex(text[i]) : text[i] == '-' || text[i] == '_'))
			i++;
		if (!form[i])
			return true;
	}
	return false;
}

static bool has_secret_word(const char *text)
{
	static const char *const words[] = {
		"password", "passwd",	  "passphrase", "secret",     "token",
		"apikey",   "api_key",	  "api-key",	"credential", "private_key",
		"bearer",   "session_id", "sessionid",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasestr(text, words[i]))
			return true;
	return false;
}

/* Words that have digits in them, whatever digits follow. */
static bool is_technical_word(const char *word, size_t length)
{
	static const char *const words[] = {
		"aes",	 "arg",	  "auth",  "base",  "blake",   "bytes", "chacha", "crc",
		"ecdsa", "ed",	  "fido",  "float", "grpc",    "hash",	"hmac",	  "hs",
		"http",	 "https", "int",   "ipv",   "iso",     "json",	"kerb",	  "krb",
		"latin", "level", "line",  "login", "md",      "mysql", "ntlm",	  "oauth",
		"oidc",	 "part",  "pbkdf", "pkcs",  "psycopg", "py",	"python", "rfc",
		"rsa",	 "saml",  "sha",   "socks", "sql",     "ssl",	"test",	  "tls",
		"totp",	 "uint",  "ucs",   "utf",   "version", "win",	"x",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == length && strncasecmp(words[i], word, length) == 0)
			return true;
	return false;
}

/* Letters, then digits: a name that somebody chose for himself, such as "hunter2". */
static bool is_somebodys(const char *run, size_t length)
{
	size_t letters = 0;
	size_t digits = 0;

	for (size_t i = 0; i < length; i++)
		digits += class_of(run[i]) == DIGIT;
	letters = length - digits;
	if (!digits)
		return false;
	if (!letters)
		return digits >= NAME_WITH_DIGITS_LEAST;
	/* "password1", "token2": the word itself, counted. */
	if (class_of(run[letters]) == DIGIT && digits <= 2) {
		static const char *const counted[] = { "password", "passwd", "secret", "token",
						       "tokens",   "key",    "apikey" };

		for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++)
			if (strlen(counted[i]) == letters &&
			    strncasecmp(counted[i], run, letters) == 0)
				return false;
	}
	for (size_t i = 0; i < length; i++)
		if (class_of(run[i]) == DIGIT)
			return length >= MIXED_LEAST && !is_technical_word(run, i);
	return false;
}

static bool carries_a_secret(const char *text)
{
	if (!has_secret_word(text))
		return false;
	for (size_t length; *text; text += length ? length : 1) {
		length = run_length(text);
		if (is_somebodys(text, length))
			return true;
	}
	return false;
}

/* What a text looks like, letter by letter. */
struct shape {
	size_t count[DIGIT + 1];
	/* Words as camel case and '_' divide them, and groups of digits. */
	size_t pieces;
	size_t letters_and_digits;
	size_t frequency[BYTE_VALUES];
};

static struct shape shape_of(const char *text, size_t length)
{
	struct shape shape = { 0 };
	enum class before = OTHER;

	for (size_t i = 0; i < length; i++) {
		enum class now = class_of(text[i]);

		shape.count[now]++;
		shape.frequency[(unsigned char)text[i]]++;
		/* A capital begins a word: no new one with its first small letter. */
		if (now != OTHER && now != before && !(before == UPPER && now == LOWER))
			shape.pieces++;
		before = now;
	}
	shape.letters_and_digits = length - shape.count[OTHER];
	return shape;
}

/* Shannon, bits of each character. */
static double entropy_of(const struct shape *shape, size_t length)
{
	double bits = 0;

	for (size_t i = 0; i < BYTE_VALUES; i++) {
		double share = (double)shape->frequency[i] / (double)length;

		if (shape->frequency[i])
			bits -= share * log2(share);
	}
	return bits;
}

/* Whether a letter hardly ever comes behind another in names: 1 of 5000 pairs, or less, of those in
 * the names of Python's own library and others. Half of all possible pairs. */
static bool is_rare_pair(char first, char second)
{
	static const char *const followers[] = { "aehjoqz",
						 "bdfghkmnqtvwxz",
						 "bgjnqvwxz",
						 "ghjkmpqvwxz",
						 "hjkz",
						 "bcghjkmnpqvwxz",
						 "bcdfjkmpqvwxyz",
						 "bcdfghjklnpqvwxz",
						 "hijkquwy",
						 "abcdfghijklmnopqrstuvwxyz",
						 "bdfhjklmopqrtvxyz",
						 "hjkmnqrwxz",
						 "cfghjknqrvwxyz",
						 "bhjqrwxz",
						 "ehqyz",
						 "bfgjmqwxz",
						 "abcdefghijkmnopqrstvwxyz",
						 "bhjqwxz",
						 "bfjxz",
						 "bgjkqvz",
						 "hjkquvwxyz",
						 "bcdfghjklmnqrstuvwxyz",
						 "bcdfgjklmpqtuvwxyz",
						 "abdfghjklnoqrsuvwxz",
						 "bcdefghijkoqruvxyz",
						 "abcdfghjklmnopqrstuvwxyz" };

	return strchr(followers[(first | 0x20) - 'a'], second | 0x20) != NULL;
}

static bool is_letter(char character)
{
	return class_of(character) == LOWER || class_of(character) == UPPER;
}

/* Letters that make no words. */
static bool is_unspeakable(const char *text)
{
	size_t pairs = 0;
	size_t rare = 0;

	for (; *text; text++) {
		if (!is_letter(text[0]) || !is_letter(text[1]) ||
		    (class_of(text[0]) == LOWER && class_of(text[1]) == UPPER))
			continue;
		pairs++;
		rare += is_rare_pair(text[0], text[1]);
	}
	return rare >= RARE_LEAST && rare * 10 > pairs * 3;
}

static size_t digit_groups(const char *run, size_t length)
{
	size_t groups = 0;

	for (size_t i = 0; i < length; i++)
		groups += class_of(run[i]) == DIGIT && (!i || class_of(run[i - 1]) != DIGIT);
	return groups;
}

/* Letters and digits in one piece. */
static bool is_random_run(const char *run, size_t length)
{
	struct shape shape = shape_of(run, length);

	if (length >= INTERLEAVED_LEAST && digit_groups(run, length) >= 3)
		return true;
	if (length < RANDOM_LEAST)
		return false;
	return shape.count[DIGIT] && shape.count[LOWER] && shape.count[UPPER] &&
	       entropy_of(&shape, length) >= 4.0 && length < shape.pieces * 4;
}

/* Short pieces of many letters: words of names are longer. */
static bool is_random(const char *text)
{
	size_t length = strlen(text);
	struct shape shape = shape_of(text, length);
	bool mixed = shape.count[DIGIT] >= 2 && (shape.count[LOWER] || shape.count[UPPER]);

	if (shape.letters_and_digits >= UNSPEAKABLE_LEAST && is_unspeakable(text))
		return true;
	if (shape.letters_and_digits < RANDOM_LEAST)
		return false;
	mixed = mixed || (shape.count[LOWER] && shape.count[UPPER]);
	return mixed && entropy_of(&shape, length) >= 3.5 &&
	       shape.letters_and_digits * 2 < shape.pieces * 5;
}

static bool is_mostly_digits(const char *text)
{
	struct shape shape = shape_of(text, strlen(text));

	return shape.count[DIGIT] >= DIGITS_LEAST &&
	       shape.count[DIGIT] * 3 >= shape.letters_and_digits;
}

bool pyi_secrets_looks_secret(const char *text)
{
	if (has_known_form(text) || has_hex(text) || has_uuid(text) || is_mostly_digits(text) ||
	    carries_a_secret(text) || is_random(text))
		return true;
	for (size_t length; *text; text += length ? length : 1) {
		length = run_length(text);
		if (is_random_run(text, length))
			return true;
	}
	return false;
}
