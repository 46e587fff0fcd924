/*
 * Fuzzer of src/bus/address.c and environment.c: the environment of a target, and the bus addresses
 * in it.
 */
#include "bus/address.h"
#include "bus/environment.h"
#include "fuzz.h"

static void expect_same_again(const struct pyi_bus_address *address)
{
	struct pyi_bus_address again;
	char *text = pyi_bus_address_format(address);
	const char *at = text;

	FUZZ_EXPECT(text);
	FUZZ_EXPECT(!fuzz_drop(pyi_bus_address_next(&at, &again)));
	FUZZ_EXPECT(!*at && again.transport == address->transport);
	FUZZ_EXPECT(!strcmp(again.name, address->name) && !again.guid[0]);
	free(text);
}

static void try_addresses(const char *text)
{
	while (*text) {
		struct pyi_bus_address address;
		const char *before = text;
		bool refused;

		memset(&address, 'x', sizeof(address));
		refused = fuzz_drop(pyi_bus_address_next(&text, &address));
		FUZZ_EXPECT(text > before);
		if (refused)
			continue;
		FUZZ_EXPECT(address.name[0] && memchr(address.name, '\0', sizeof(address.name)));
		FUZZ_EXPECT(!address.guid[0] || strlen(address.guid) == PYI_BUS_GUID_LENGTH);
		FUZZ_EXPECT(address.transport != PYI_BUS_UNIX_PATH || address.name[0] == '/');
		expect_same_again(&address);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input input = { bytes, size_bytes };
	struct pyi_bus_environment environment = {
		.size_bytes = size_bytes + 1,
		.text = fuzz_take_text(&input),
	};
	const char *value = pyi_bus_environment_get(&environment, "DBUS_SESSION_BUS_ADDRESS");

	try_addresses(environment.text);
	if (value) {
		FUZZ_EXPECT(*value && value > environment.text);
		try_addresses(value);
	}
	pyi_bus_environment_deinit(&environment);
	return 0;
}
