/*
 * Fuzzer of src/process/maps.c: a file /proc/PID/maps, in which a target chooses paths.
 */
#include "fuzz.h"
#include "process/elf_module.h"
#include "process/maps.h"

static void expect_maps(const struct pyi_maps *maps, const char *end)
{
	for (size_t i = 0; i < maps->count; i++) {
		const struct pyi_map *map = &maps->items[i];

		FUZZ_EXPECT(map->start_addr < map->end_addr);
		FUZZ_EXPECT(!i || maps->items[i - 1].end_addr <= map->start_addr);
		FUZZ_EXPECT(map->path >= maps->text && map->path + strlen(map->path) < end);
		FUZZ_EXPECT(pyi_maps_find(maps, map->start_addr) == map);
		FUZZ_EXPECT(pyi_maps_find(maps, map->end_addr - 1) == map);
		FUZZ_EXPECT(pyi_maps_find(maps, map->end_addr) != map);
		FUZZ_EXPECT(pyi_map_same_file(map, map) == (map->inode != 0));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input input = { bytes, size_bytes };
	char *text = fuzz_take_text(&input);
	const char *end = text + size_bytes + 1;
	struct pyi_maps maps;

	if (fuzz_drop(pyi_maps_parse(text, &maps)))
		return 0;
	expect_maps(&maps, end);
	pyi_maps_deinit(&maps);
	return 0;
}
