/*
 * Sentences are made once, for people and for programs. None says more than its figures do.
 */
#include "report/explanation.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/collector.h"
#include "report/ndjson.h"
#include "report/table.h"

enum {
	PARAGRAPH_LIMIT = 8 + PYI_SUSPECT_LIMIT,
	/* Memory that is no object is worth advice from half of all on, and from so much. */
	OTHER_LEAST_BYTES = 32 << 20,
};

struct paragraph {
	const char *about;
	char *text;
	/* What shows more; NULL: nothing. */
	char *command;
};

struct page {
	const struct pyi_explanation_report *report;
	struct paragraph paragraphs[PARAGRAPH_LIMIT];
	size_t count;
	bool failed;
};

struct figure {
	char text[PYI_TABLE_FIGURE_BYTES];
};

static struct figure figure(uint64_t value)
{
	struct figure result;

	pyi_table_figure(result.text, value);
	return result;
}

static struct figure estimate(uint64_t value, bool estimated)
{
	struct figure result;

	pyi_table_estimate(result.text, value, estimated);
	return result;
}

static double share(uint64_t part, uint64_t all)
{
	return all ? 100.0 * (double)part / (double)all : 0;
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

__attribute__((format(printf, 3, 4))) static void say(struct page *page, const char *about,
						      const char *format, ...)
{
	struct paragraph *paragraph = &page->paragraphs[page->count];
	va_list arguments;

	va_start(arguments, format);
	if (page->count == PARAGRAPH_LIMIT || vasprintf(&paragraph->text, format, arguments) < 0) {
		paragraph->text = NULL;
		page->failed = true;
	} else {
		paragraph->about = about;
		page->count++;
	}
	va_end(arguments);
}

/* The command behind the paragraph that was said last. */
__attribute__((format(printf, 2, 3))) static void show_more(struct page *page, const char *format,
							    ...)
{
	PYI_CLEANUP(pyi_guard_free) char *words = NULL;
	struct paragraph *paragraph;
	va_list arguments;
	int length;

	if (page->failed || !page->count)
		return;
	paragraph = &page->paragraphs[page->count - 1];
	va_start(arguments, format);
	length = vasprintf(&words, format, arguments);
	va_end(arguments);
	if (length < 0) {
		words = NULL;
		page->failed = true;
	} else if (asprintf(&paragraph->command, "pyinspect %s %s", page->report->target, words) <
		   0) {
		paragraph->command = NULL;
		page->failed = true;
	}
}

/* What is said of the largest objects; "" if that is nothing, NULL without memory. */
static char *largest_words(const struct pyi_explanation *facts)
{
	char *words = strdup("");

	for (size_t l = 0; l < facts->largest_count && words; l++) {
		const struct pyi_largest *largest = &facts->largest[l];
		PYI_CLEANUP(pyi_guard_free) char *before = words;

		if (asprintf(&words,
			     "%s One %s at 0x%" PRIx64 " has %s of these bytes, %.0f%%.%s%s%s",
			     before, largest->type, largest->addr,
			     estimate(largest->bytes, largest->estimated).text,
			     share(largest->bytes, facts->object_bytes),
			     largest->path ? " It is " : "", largest->path ? largest->path : "",
			     largest->path ? "." : "") < 0)
			words = NULL;
	}
	return words;
}

static void say_memory(struct page *page)
{
	const struct pyi_explanation *facts = page->report->facts;
	PYI_CLEANUP(pyi_guard_free) char *largest = largest_words(facts);
	uint64_t shared = facts->rss_bytes > facts->anonymous_bytes
				  ? facts->rss_bytes - facts->anonymous_bytes
				  : 0;

	if (!largest) {
		page->failed = true;
		return;
	}
	if (page->report->of_core) {
		say(page, "memory",
		    "The core has %s bytes of the process's memory, without that of mapped files. "
		    "It had %u thread%s. There are %s Python objects of %s bytes, %.0f%% of "
		    "that.%s",
		    figure(facts->rss_bytes).text, facts->thread_count, plural(facts->thread_count),
		    figure(facts->objects).text,
		    estimate(facts->object_bytes, facts->object_bytes_estimated).text,
		    share(facts->object_bytes, facts->rss_bytes), largest);
		show_more(page, "top-types");
		return;
	}
	say(page, "memory",
	    "The process has %s bytes resident: %s of its own, and %s of mapped files and "
	    "shared memory; %s bytes are swapped out. It has %u thread%s. There are %s Python "
	    "objects of %s bytes, %.0f%% of what is resident.%s",
	    figure(facts->rss_bytes).text, figure(facts->anonymous_bytes).text, figure(shared).text,
	    figure(facts->swapped_bytes).text, facts->thread_count, plural(facts->thread_count),
	    figure(facts->objects).text,
	    estimate(facts->object_bytes, facts->object_bytes_estimated).text,
	    share(facts->object_bytes, facts->rss_bytes), largest);
	show_more(page, "top-types");
}

static void say_growth(struct page *page)
{
	if (page->report->of_core) {
		say(page, "growth",
		    "Whether it grew cannot be seen in one core: dumps of two cores of the process "
		    "can be compared.");
		show_more(page, "dump FILE");
		return;
	}
	say(page, "growth",
	    "Whether it grows cannot be seen in one look: growth takes several. A check that is "
	    "run "
	    "by a timer remembers, and history shows it.");
	show_more(page, "growth");
}

/* `above`: another one keeps them, too; or NULL. */
static void say_suspect(struct page *page, const struct pyi_suspect *suspect,
			const struct pyi_suspect *above)
{
	const struct pyi_explanation *facts = page->report->facts;
	struct figure bytes = estimate(suspect->retained_bytes, suspect->estimated);
	bool plain = suspect->classes && strcmp(suspect->type, "type") == 0;
	const char *of = suspect->classes && !plain ? "classes of type " : "";
	const char *type = plain ? "classes" : suspect->type;
	double percent = share(suspect->retained_bytes, facts->object_bytes);

	if (suspect->container_addr) {
		say(page, "suspect",
		    "One %s keeps %s %s alive, and %s bytes in all, %.0f%% of all objects: they "
		    "would be freed with it. It is%s%s.",
		    suspect->container_type, figure(suspect->objects).text, suspect->type,
		    bytes.text, percent, suspect->path ? " " : " at no path that is known",
		    suspect->path ? suspect->path : "");
		show_more(page, "show 0x%" PRIx64, suspect->container_addr);
		return;
	}
	if (suspect->path)
		say(page, "suspect",
		    "%s %s%s keep %s bytes alive, %.0f%% of all objects: they would be freed "
		    "with them. %s of them %s %s%s%s.",
		    figure(suspect->objects).text, of, type, bytes.text, percent,
		    figure(suspect->path_objects).text, suspect->path_objects == 1 ? "is" : "are",
		    /* It may say of itself by whom: C code, or nothing. */
		    strncmp(suspect->path, "held by ", 8) == 0 ? "" : "held through ",
		    suspect->path, above ? ", as a part of the above" : "");
	else
		say(page, "suspect",
		    "%s %s%s keep %s bytes alive, %.0f%% of all objects: they would be freed "
		    "with them.",
		    figure(suspect->objects).text, of, type, bytes.text, percent);
	show_more(page, "path %s", suspect->type);
}

static void say_suspects(struct page *page)
{
	const struct pyi_explanation *facts = page->report->facts;

	for (size_t s = 0; s < facts->suspect_count; s++) {
		const struct pyi_suspect *suspect = &facts->suspects[s];

		say_suspect(page, suspect,
			    suspect->path ? pyi_explanation_above_way(facts, s, suspect->path)
					  : NULL);
	}
	if (facts->suspect_count)
		return;
	say(page, "suspect",
	    "There is no suspect: no type of the program, and no single object with many that "
	    "are alike, keeps %d%% of the bytes of all objects and %s bytes.",
	    PYI_SUSPECT_SHARE, figure(PYI_SUSPECT_LEAST_BYTES).text);
	show_more(page, "dominators");
}

static void say_garbage(struct page *page)
{
	const struct pyi_explanation *facts = page->report->facts;
	PYI_CLEANUP(pyi_guard_free) char *words = pyi_report_collector_words(&facts->collector);

	if (!words) {
		page->failed = true;
		return;
	}
	if (facts->garbage_objects)
		say(page, "garbage",
		    "gc.collect() would free %s%s object%s of %s bytes, %.1f%% of all; %s.",
		    page->report->complete ? "" : "at least ", figure(facts->garbage_objects).text,
		    plural(facts->garbage_objects), figure(facts->garbage_bytes).text,
		    share(facts->garbage_bytes, facts->object_bytes), words);
	else
		say(page, "garbage", "gc.collect() would free nothing%s; %s.",
		    page->report->complete ? "" : " that is known of", words);
	show_more(page, "garbage");
}

/* One keeps most of what C code holds; "" if none does, NULL without memory. */
static char *one_held(const struct pyi_explanation *facts)
{
	char *words;

	if (facts->held_objects < 2 || facts->held_largest_bytes < facts->held_bytes / 2)
		return strdup("");
	if (asprintf(&words, " One %s alone keeps %s of these bytes.", facts->held_largest_type,
		     figure(facts->held_largest_bytes).text) < 0)
		return NULL;
	return words;
}

static void say_held(struct page *page)
{
	const struct pyi_explanation *facts = page->report->facts;
	PYI_CLEANUP(pyi_guard_free) char *one = one_held(facts);

	if (!page->report->complete) {
		say(page, "held",
		    "What only C code holds is not known, for not all references could be read.");
		return;
	}
	if (!one) {
		page->failed = true;
		return;
	}
	if (!pyi_explanation_is_much_held(facts)) {
		say(page, "held",
		    "Little is held by C code alone: %s object%s of %s bytes with what they keep; "
		    "the "
		    "interpreter itself has some.",
		    figure(facts->held_objects).text, plural(facts->held_objects),
		    figure(facts->held_bytes).text);
		return;
	}
	say(page, "held",
	    "%s object%s with references that no object and no root explains, and no others, keep "
	    "%s bytes alive, %.1f%% of all; %s of them %s %s. Only C code can hold them: an "
	    "extension module that has lost count, or keeps them where it does not tell; or the "
	    "interpreter, as it keeps handlers of signals.%s",
	    figure(facts->held_objects).text, plural(facts->held_objects),
	    figure(facts->held_bytes).text, share(facts->held_bytes, facts->object_bytes),
	    figure(facts->held_type_objects).text, facts->held_type_objects == 1 ? "is a" : "are",
	    facts->held_type, one);
	show_more(page, "show 0x%" PRIx64,
		  *one ? facts->held_largest_addr : facts->held_example_addr);
}

static void say_other(struct page *page)
{
	const struct pyi_explanation *facts = page->report->facts;
	uint64_t other = pyi_explanation_other_bytes(facts);
	uint64_t own = facts->anonymous_bytes + facts->swapped_bytes + facts->huge_pool_bytes;

	if (!other) {
		say(page, "other",
		    "All of the memory of its own is Python objects, as far as their "
		    "sizes are known.");
		return;
	}
	if (other < OTHER_LEAST_BYTES || other < own / 2) {
		say(page, "other",
		    "About %s bytes of its own, %.0f%%, are no objects: what allocators keep free "
		    "or "
		    "round up, memory of C code, stacks of threads. They are not told apart.",
		    figure(other).text, share(other, own));
		return;
	}
	say(page, "other",
	    "Most of the memory is no objects: about %s bytes of its own, %.0f%%. It is memory of "
	    "C "
	    "code, or what allocators keep free after a peak; pyinspect does not tell these apart, "
	    "and no list of objects will explain it. Look at extension modules with a profiler of "
	    "malloc; if it does not grow, it may be free and not given back.",
	    figure(other).text, share(other, own));
}

static void write_page(struct page *page)
{
	say_memory(page);
	say_growth(page);
	say_suspects(page);
	say_garbage(page);
	say_held(page);
	say_other(page);
}

static void free_page(struct page *page)
{
	for (size_t p = 0; p < page->count; p++) {
		free(page->paragraphs[p].text);
		free(page->paragraphs[p].command);
	}
}

static struct pyi_error *render_table(FILE *stream, unsigned columns,
				      const struct pyi_envelope *envelope, const struct page *page)
{
	const struct pyi_table bare = {
		.stream = stream,
		.columns = columns,
		.envelope = envelope,
	};
	const struct pyi_table table = pyi_table_for_sentences(&bare);
	bool ok = pyi_table_put_target(&table);

	for (size_t p = 0; p < page->count && ok; p++) {
		const struct paragraph *paragraph = &page->paragraphs[p];
		PYI_CLEANUP(pyi_guard_free) char *command = NULL;

		fputc('\n', stream);
		ok = pyi_table_put_note(&table, "%s", paragraph->text);
		if (!ok || !paragraph->command)
			continue;
		command = pyi_output_fit(paragraph->command, 0);
		ok = command != NULL;
		if (ok)
			fprintf(stream, "    %s\n", command);
	}
	fputc('\n', stream);
	if (!ok || !pyi_table_put_warnings(&table, page->report->skipped_objects))
		return pyi_error_no_memory();
	pyi_table_put_cost(&bare);
	return pyi_output_finish(stream);
}

static bool add_paragraphs(cJSON *result, const struct page *page)
{
	cJSON *paragraphs = cJSON_AddArrayToObject(result, "paragraphs");

	for (size_t p = 0; p < page->count && paragraphs; p++) {
		const struct paragraph *paragraph = &page->paragraphs[p];
		cJSON *json = pyi_output_append_object(paragraphs);

		if (!json || !pyi_output_add_text(json, "about", paragraph->about) ||
		    !pyi_output_add_text(json, "text", paragraph->text) ||
		    !pyi_output_add_text(json, "command", paragraph->command))
			return false;
	}
	return paragraphs != NULL;
}

static bool add_memory(cJSON *result, const struct pyi_explanation *facts)
{
	cJSON *json = cJSON_AddObjectToObject(result, "memory");

	return json && pyi_output_add_unsigned(json, "resident", facts->rss_bytes) &&
	       pyi_output_add_unsigned(json, "anonymous", facts->anonymous_bytes) &&
	       pyi_output_add_unsigned(json, "swapped", facts->swapped_bytes) &&
	       pyi_output_add_unsigned(json, "huge_pool", facts->huge_pool_bytes) &&
	       pyi_output_add_unsigned(json, "other", pyi_explanation_other_bytes(facts)) &&
	       pyi_output_add_unsigned(json, "threads", facts->thread_count);
}

static bool add_objects(cJSON *result, const struct pyi_explanation *facts)
{
	cJSON *json = cJSON_AddObjectToObject(result, "objects");

	return json && pyi_output_add_unsigned(json, "count", facts->objects) &&
	       pyi_output_add_unsigned(json, "bytes", facts->object_bytes) &&
	       (!facts->object_bytes_estimated || cJSON_AddTrueToObject(json, "estimated"));
}

static bool add_suspects(cJSON *result, const struct pyi_explanation *facts)
{
	cJSON *suspects = cJSON_AddArrayToObject(result, "suspects");

	for (size_t s = 0; s < facts->suspect_count && suspects; s++) {
		const struct pyi_suspect *suspect = &facts->suspects[s];
		cJSON *json = pyi_output_append_object(suspects);

		if (!json || !pyi_output_add_text(json, "type", suspect->type) ||
		    !pyi_output_add_unsigned(json, "objects", suspect->objects) ||
		    !pyi_output_add_unsigned(json, "retained", suspect->retained_bytes) ||
		    (suspect->estimated && !cJSON_AddTrueToObject(json, "estimated")) ||
		    !pyi_output_add_address(json, "container", suspect->container_addr) ||
		    !pyi_output_add_text(json, "container_type", suspect->container_type) ||
		    !pyi_output_add_text(json, "path", suspect->path) ||
		    !pyi_output_add_unsigned(json, "path_objects", suspect->path_objects))
			return false;
	}
	return suspects != NULL;
}

static bool add_garbage(cJSON *result, const struct pyi_explanation *facts)
{
	cJSON *json = cJSON_AddObjectToObject(result, "garbage");

	return json && pyi_output_add_unsigned(json, "found", facts->garbage_found) &&
	       pyi_output_add_unsigned(json, "objects", facts->garbage_objects) &&
	       pyi_output_add_unsigned(json, "bytes", facts->garbage_bytes) &&
	       pyi_report_add_collector(result, &facts->collector);
}

static bool add_held(cJSON *result, const struct pyi_explanation *facts)
{
	cJSON *json = cJSON_AddObjectToObject(result, "held");

	return json && pyi_output_add_unsigned(json, "objects", facts->held_objects) &&
	       pyi_output_add_unsigned(json, "bytes", facts->held_bytes) &&
	       pyi_output_add_text(json, "type", facts->held_type) &&
	       pyi_output_add_unsigned(json, "type_objects", facts->held_type_objects) &&
	       pyi_output_add_address(json, "example", facts->held_example_addr) &&
	       pyi_output_add_address(json, "largest", facts->held_largest_addr);
}

static bool add_result(cJSON *json, const struct page *page)
{
	const struct pyi_explanation_report *report = page->report;
	cJSON *result = cJSON_AddObjectToObject(json, "result");

	return result && add_paragraphs(result, page) && add_memory(result, report->facts) &&
	       add_objects(result, report->facts) && add_suspects(result, report->facts) &&
	       add_garbage(result, report->facts) && add_held(result, report->facts) &&
	       cJSON_AddBoolToObject(result, "complete", report->complete) &&
	       pyi_output_add_unsigned(result, "skipped", report->skipped_objects);
}

struct pyi_error *pyi_report_explanation(FILE *stream, enum pyi_format format, unsigned columns,
					 const struct pyi_envelope *envelope,
					 const struct pyi_explanation_report *report)
{
	PYI_CLEANUP(free_page) struct page page = { .report = report };
	cJSON *json;

	write_page(&page);
	if (page.failed)
		return pyi_error_no_memory();
	switch (format) {
	case PYI_FORMAT_JSON:
		json = pyi_envelope_to_json(envelope);
		return pyi_output_json_done(stream, json, json && add_result(json, &page), true);
	case PYI_FORMAT_NDJSON:
		json = pyi_ndjson_begin_report(envelope);
		return pyi_ndjson_end(stream, json, json && add_result(json, &page));
	default:
		break;
	}
	return render_table(stream, columns, envelope, &page);
}
