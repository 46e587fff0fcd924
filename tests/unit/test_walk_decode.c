/*
 * Tests of src/heap/walk_decode.c: streams that are right, that are broken, that are noise.
 *
 * Each stream is decoded from a buffer of exactly its size, so that a sanitizer sees one byte too
 * many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "heap/walk_run.h"

enum {
	STREAM_BYTES = 4096,
	FUZZ_ROUNDS = 100000,
	FUZZ_BYTES = 400,
};

struct stream {
	uint8_t bytes[STREAM_BYTES];
	size_t size_bytes;
};

struct seen {
	size_t count;
	struct pyi_record_object last;
};

static void put(struct stream *stream, const void *record, size_t size_bytes)
{
	assert_true(sizeof(stream->bytes) - stream->size_bytes >= size_bytes);
	memcpy(stream->bytes + stream->size_bytes, record, size_bytes);
	stream->size_bytes += size_bytes;
}

static void put_type(struct stream *stream, uint64_t addr, uint64_t count)
{
	const struct pyi_record_type record = {
		.kind = PYI_RECORD_TYPE,
		.size_bytes = sizeof(record),
		.type_addr = addr,
		.count = count,
		.bytes = count * 100,
		.object_kind = PYI_KIND_DICT,
	};

	put(stream, &record, sizeof(record));
}

static void put_object(struct stream *stream, uint64_t addr)
{
	const struct pyi_record_object record = {
		.kind = PYI_RECORD_OBJECT,
		.size_bytes = sizeof(record),
		.addr = addr,
		.type_addr = 0x1000,
		.bytes = 56,
	};

	put(stream, &record, sizeof(record));
}

static void put_summary(struct stream *stream)
{
	const struct pyi_record_summary record = {
		.kind = PYI_RECORD_SUMMARY,
		.size_bytes = sizeof(record),
		.objects = 7,
		.bytes = 700,
		.trouble = PYI_TROUBLE_DICT,
		.trouble_addr = 0x7000,
	};

	put(stream, &record, sizeof(record));
}

static void take_object(void *argument, const struct pyi_record_object *record)
{
	struct seen *seen = argument;

	seen->count++;
	seen->last = *record;
}

/* Decodes a copy that begins at an odd address and ends with its allocation. */
static struct pyi_error *decode(const uint8_t *bytes, size_t size_bytes, struct seen *seen,
				struct pyi_walk_result *result)
{
	const struct pyi_walk_request request = {
		.object = seen ? take_object : NULL,
		.object_argument = seen,
	};
	uint8_t *copy = malloc(size_bytes + 1);
	struct pyi_error *error;

	assert_non_null(copy);
	memcpy(copy + 1, bytes, size_bytes);
	error = pyi_walk_decode(copy + 1, size_bytes, &request, result);
	free(copy);
	return error;
}

static void expect_broken(const struct stream *stream)
{
	struct pyi_walk_result result = { 0 };
	struct seen seen = { 0 };
	struct pyi_error *error = decode(stream->bytes, stream->size_bytes, &seen, &result);

	assert_non_null(error);
	assert_string_equal(pyi_error_code_name(error->code), "payload-failed");
	assert_int_equal(error->exit, PYI_EXIT_FAILED);
	pyi_error_destroy(error);
	pyi_walk_result_deinit(&result);
}

static void test_good(void **state)
{
	struct pyi_walk_result result = { 0 };
	struct stream stream = { 0 };
	struct seen seen = { 0 };

	(void)state;
	put_type(&stream, 0x1000, 3);
	put_object(&stream, 0x5000);
	put_object(&stream, 0x6000);
	put_type(&stream, 0x2000, 4);
	put_summary(&stream);
	assert_null(decode(stream.bytes, stream.size_bytes, &seen, &result));
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.last.addr, 0x6000);
	assert_int_equal(seen.last.type_addr, 0x1000);
	assert_int_equal(seen.last.bytes, 56);
	assert_int_equal(result.type_count, 2);
	assert_int_equal(result.types[1].type_addr, 0x2000);
	assert_int_equal(result.types[1].count, 4);
	assert_int_equal(result.types[1].bytes, 400);
	assert_int_equal(result.types[1].object_kind, PYI_KIND_DICT);
	assert_int_equal(result.summary.objects, 7);
	assert_int_equal(result.summary.trouble, PYI_TROUBLE_DICT);
	assert_int_equal(result.summary.trouble_addr, 0x7000);

	/* More is appended; nobody has to listen to objects. */
	assert_null(decode(stream.bytes, stream.size_bytes, NULL, &result));
	assert_int_equal(result.type_count, 4);
	assert_int_equal(result.types[3].type_addr, 0x2000);
	pyi_walk_result_deinit(&result);
	assert_null(result.types);
	assert_int_equal(result.type_count, 0);
	pyi_walk_result_deinit(&result);
}

static void test_empty(void **state)
{
	struct pyi_walk_result result = { 0 };

	(void)state;
	assert_null(decode((const uint8_t *)"", 0, NULL, &result));
	assert_int_equal(result.type_count, 0);
	assert_int_equal(result.summary.kind, 0);
	pyi_walk_result_deinit(&result);
}

static void test_many_types(void **state)
{
	struct pyi_walk_result result = { 0 };

	(void)state;
	for (uint64_t i = 0; i < 5000; i++) {
		struct stream stream = { 0 };

		put_type(&stream, i, i);
		assert_null(decode(stream.bytes, stream.size_bytes, NULL, &result));
	}
	assert_int_equal(result.type_count, 5000);
	for (uint64_t i = 0; i < 5000; i++)
		assert_int_equal(result.types[i].type_addr, i);
	pyi_walk_result_deinit(&result);
}

static void test_sizes(void **state)
{
	static const uint32_t kinds[] = { PYI_RECORD_TYPE, PYI_RECORD_OBJECT, PYI_RECORD_SUMMARY };
	static const size_t right[] = { sizeof(struct pyi_record_type),
					sizeof(struct pyi_record_object),
					sizeof(struct pyi_record_summary) };
	static const uint32_t huge[] = { UINT32_MAX, UINT32_MAX - 7, 1u << 31, 1u << 30, 1032 };

	(void)state;
	for (size_t k = 0; k < 3; k++) {
		struct stream stream = { .size_bytes = 1024 };

		memcpy(stream.bytes, &kinds[k], 4);
		/* With all that it needs behind it, and with any size but the right one. */
		for (uint32_t size = 0; size <= 1024; size++) {
			if (size == right[k])
				continue;
			memcpy(stream.bytes + 4, &size, 4);
			expect_broken(&stream);
		}
		for (size_t h = 0; h < sizeof(huge) / sizeof(huge[0]); h++) {
			memcpy(stream.bytes + 4, &huge[h], 4);
			expect_broken(&stream);
		}
	}
}

static void test_kinds(void **state)
{
	static const uint32_t kinds[] = { 0, 4, 5, 255, 256, 0x01000000, UINT32_MAX };

	(void)state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct stream stream = { 0 };

		put_object(&stream, 0x5000);
		put_type(&stream, 0x1000, 1);
		memcpy(stream.bytes + sizeof(struct pyi_record_object), &kinds[k], 4);
		expect_broken(&stream);
	}
}

/* Cut off at each byte: only the borders of records are ends. */
static void test_truncated(void **state)
{
	struct stream stream = { 0 };
	size_t ends[5];
	size_t whole = 0;

	(void)state;
	put_type(&stream, 0x1000, 3);
	ends[0] = stream.size_bytes;
	put_object(&stream, 0x5000);
	ends[1] = stream.size_bytes;
	put_type(&stream, 0x2000, 4);
	ends[2] = stream.size_bytes;
	put_object(&stream, 0x6000);
	ends[3] = stream.size_bytes;
	put_summary(&stream);
	ends[4] = stream.size_bytes;
	for (size_t size = 1; size <= ends[4]; size++) {
		struct stream cut = stream;

		cut.size_bytes = size;
		if (size == ends[whole]) {
			struct pyi_walk_result result = { 0 };
			struct seen seen = { 0 };

			assert_null(decode(cut.bytes, cut.size_bytes, &seen, &result));
			whole++;
			assert_int_equal(
				seen.count + result.type_count + (result.summary.kind != 0), whole);
			pyi_walk_result_deinit(&result);
		} else {
			expect_broken(&cut);
		}
	}
	assert_int_equal(whole, 5);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Noise, every other time with headers that are nearly right. */
static void test_random(void **state)
{
	static const uint32_t headers[][2] = {
		{ PYI_RECORD_TYPE, sizeof(struct pyi_record_type) },
		{ PYI_RECORD_OBJECT, sizeof(struct pyi_record_object) },
		{ PYI_RECORD_SUMMARY, sizeof(struct pyi_record_summary) },
	};
	uint64_t seed = UINT64_C(0x2545f4914f6cdd1d);
	size_t good = 0;
	size_t broken = 0;

	(void)state;
	for (int round = 0; round < FUZZ_ROUNDS; round++) {
		struct pyi_walk_result result = { 0 };
		struct seen seen = { 0 };
		uint8_t bytes[FUZZ_BYTES];
		size_t size = (size_t)(next_random(&seed) % (FUZZ_BYTES + 1));
		struct pyi_error *error;

		for (size_t i = 0; i < size; i++)
			bytes[i] = (uint8_t)next_random(&seed);
		for (size_t at = 0; round & 1 && size - at >= 8;) {
			const uint32_t *header = headers[next_random(&seed) % 3];

			memcpy(bytes + at, header, 8);
			if (next_random(&seed) % 16 == 0)
				bytes[at + next_random(&seed) % 8] ^=
					(uint8_t)(1 << next_random(&seed) % 8);
			/* Ends where a record does, every other time. */
			if (next_random(&seed) % 8 == 0 && size - at >= header[1])
				size = at + header[1];
			at += header[1] < size - at ? header[1] : size - at;
		}
		error = decode(bytes, size, &seen, &result);
		if (error)
			assert_string_equal(pyi_error_code_name(error->code), "payload-failed");
		/* No record is smaller than an object's. */
		assert_true(seen.count + result.type_count <=
			    size / sizeof(struct pyi_record_object));
		good += !error;
		broken += error != NULL;
		pyi_error_destroy(error);
		pyi_walk_result_deinit(&result);
	}
	/* Both ways were taken, often. */
	assert_true(good > FUZZ_ROUNDS / 20);
	assert_true(broken > FUZZ_ROUNDS / 20);
}

/* Decodes until it is refused; returns after how many bytes. */
static uint64_t decode_for_ever(const struct stream *stream, uint64_t heap_bytes)
{
	const struct pyi_walk_request request = { .heap_bytes = heap_bytes };
	struct pyi_walk_result result = { 0 };
	struct pyi_error *error = NULL;
	uint64_t bytes;

	while (!error)
		error = pyi_walk_decode(stream->bytes, stream->size_bytes, &request, &result);
	assert_int_equal(error->code, PYI_ERROR_PAYLOAD_FAILED);
	assert_true(result.type_count <= 1 << 19);
	bytes = result.stream_bytes;
	pyi_error_destroy(error);
	pyi_walk_result_deinit(&result);
	return bytes;
}

/* The payload only passes on the roots that it was given, and has room for so many types. */
static void test_limits_of_graphs(void **state)
{
	const struct pyi_record_graph_root root = { .kind = PYI_RECORD_GRAPH_ROOT,
						    .size_bytes = sizeof(root) };
	const struct pyi_record_graph_type type = { .kind = PYI_RECORD_GRAPH_TYPE,
						    .size_bytes = sizeof(type) };
	struct pyi_walk_result result = { .root_count = 3 };
	struct stream roots = { 0 };
	struct stream types = { 0 };

	(void)state;
	put(&roots, &root, sizeof(root));
	put(&types, &type, sizeof(type));
	for (int r = 0; r < 3; r++)
		assert_null(decode(roots.bytes, roots.size_bytes, NULL, &result));
	for (int t = 0; t < 1 << 18; t++)
		assert_null(decode(types.bytes, types.size_bytes, NULL, &result));
	for (int r = 0; r < 2; r++) {
		struct stream *stream = r ? &roots : &types;
		struct pyi_error *error = decode(stream->bytes, stream->size_bytes, NULL, &result);

		assert_non_null(error);
		assert_int_equal(error->code, PYI_ERROR_PAYLOAD_FAILED);
		pyi_error_destroy(error);
	}
	pyi_walk_result_deinit(&result);
}

/* What the payload itself would never send ends, whatever it is. */
static void test_endless(void **state)
{
	struct stream objects = { 0 };
	struct stream types = { 0 };

	(void)state;
	while (sizeof(objects.bytes) - objects.size_bytes >= sizeof(struct pyi_record_object))
		put_object(&objects, 0x5000);
	put_type(&types, 0x1000, 1);
	assert_true(decode_for_ever(&objects, 0) <= (256 << 20) + STREAM_BYTES);
	/* A large heap has more to be said about. */
	assert_true(decode_for_ever(&objects, 64 << 20) > 512 << 20);
	assert_true(decode_for_ever(&types, UINT64_MAX) <= sizeof(struct pyi_record_type) << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_many_types),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_limits_of_graphs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
