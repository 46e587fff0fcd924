/*
 * Tests of src/python/secrets.c: credentials of many makers (invented ones), and names that are
 * none. tests/schema/names_agree.py asks for all names of Python's own library.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "python/secrets.h"

static void test_secrets(void **state)
{
	static const char *const secrets[] = {
		/* Forms that are known. Split, for scanners of sources must not take them for real.
		 */
		"AKIA"
		"IOSFODNN7EXAMPLE",
		"ASIA"
		"Y34FZKBOKMUTVV7A",
		"ghp_"
		"16C7e42F292c6912E7710c838347Ae178B4a",
		"gho_"
		"abcdefghijklmnop",
		"github_pat_"
		"11ABCDEFG0abcdefghijk_more",
		"glpat-"
		"abcdefgh_1234",
		"xoxb-"
		"17653672481-19874698323-pdFZKVeTuE8sk7oOcBrzqqgy",
		"xoxp-"
		"17653672481",
		"sk_live_"
		"4eC39HqLyjWD",
		"rk_live_"
		"abcd",
		"pk_live_"
		"TYooMQauvdEDq54NiTphI7jx",
		"AIza"
		"SyDaGmWKa4JsXZ-HjGw7ISLn_3namBGewQe",
		"ya29."
		"a0AfH6SMB",
		"npm_"
		"abcdefghijklmnopqrstuvwxyz",
		"pypi-"
		"AgEIcHlwaS5vcmcCJGNhYmNkZWZn",
		"eyJ"
		"hbGciOiJIUzI1NiJ9.eyJzdWIiOiIx",
		"-----BEGIN",
		"SG."
		"ngeVfQFYQlKU0ufo8x5d1A",
		"dop_v1_"
		"b7d03a69",
		"hf_"
		"abcdefghijklmnopqrstuvwxyz",
		"sk-"
		"abcdEFGHijklMNOPqrst",
		"sk-proj-"
		"abcd",
		/* A word, and something that somebody chose. */
		"hunter2_password_of_alice",
		"alice_token_hunter42",
		"s3cr3t-secret",
		"user_token_8842",
		/* Numbers and what is random. */
		"deadbeef12345678",
		"session-9f86d081884c7d659a2feaa0c55ad015",
		"123e4567-e89b-12d3-a456-426614174000",
		"k_123e4567_e89b_12d3_a456_426614174000",
		"card_4111111111111111",
		"user_20311987",
		"wJalrXUtnFEMIK7MDENGbPxRfiCY",
		"q7x2k9m4z1p8w3v6t5r0",
		"JBSWY3DPEHPK3PXPJBSWY3DPEHPK",
		"qzjxkvwpmtrbnhgdfslc",
		"V1StGXR8_Z5jdHi6B-myT",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		if (!pyi_secrets_looks_secret(secrets[i]))
			fail_msg("%s is taken for a name", secrets[i]);
}

static void test_names(void **state)
{
	static const char *const names[] = {
		"",
		"x",
		"_",
		"__",
		"password",
		"api_token",
		"passwd",
		"SECRET_KEY",
		"password1",
		"password2",
		"token_v2",
		"oauth2_token",
		"sha256_password",
		"get_secret_value",
		"invalidate_all_session_tokens",
		"_Foo__bar_baz_handler",
		"test_response_with_http2_upgrade",
		"ThreadPoolExecutor_0",
		"ThreadPoolExecutor-12_3",
		"getfilesystemencodeerrors",
		"DocXMLRPCRequestHandler",
		"HTTPSConnectionPoolManagerFactory",
		"SimpleNamespace",
		"max_number_of_retries_before_failure",
		"IPPROTO_IPV6_ROUTE_HEADER",
		"X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
		"_PyEval_EvalFrameDefault",
		"utf_8_sig",
		"x86_64",
		"iso8859_15",
		"npm_config_registry",
		"sk-learn-estimators",
		"xml.etree.ElementTree",
		"content-type",
		"Donaudampfschifffahrtsgesellschaft",
		"facade_added",
		("sch\xc3\xb6ne_gr\xc3\xb6\xc3\x9f"
		 "e"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (pyi_secrets_looks_secret(names[i]))
			fail_msg("%s is taken for a secret", names[i]);
}

/* Any bytes, also cut off: no reading behind the end. */
static void test_any_bytes(void **state)
{
	(void)state;
	srand(1);
	for (int round = 0; round < 20000; round++) {
		size_t length = (size_t)rand() % 64;
		char *text = malloc(length + 1);

		for (size_t i = 0; i < length; i++)
			text[i] =
				(char)(round % 2 ? 1 + rand() % 255 : "aB3_-.AKIAeyJ"[rand() % 13]);
		text[length] = '\0';
		pyi_secrets_looks_secret(text);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests_name("secrets", tests, NULL, NULL);
}
