/*
 * top-types of several processes: their censuses added up, and types of which one has far more than
 * the others.
 */
#include "cli/add_up.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/census.h"
#include "base/cleanup.h"
#include "cli/inspection.h"
#include "report/top_types.h"

static struct pyi_error *add_types(struct pyi_census *census, const struct pyi_part *part)
{
	const cJSON *types = cJSON_GetObjectItemCaseSensitive(part->result, "types");
	struct pyi_error *error = NULL;
	const cJSON *type;

	cJSON_ArrayForEach(type, types)
	{
		const char *name = pyi_part_text(type, "type");

		if (!error && name)
			error = pyi_census_add(
				census, strdup(name), pyi_part_unsigned(type, "count"),
				pyi_part_unsigned(type, "bytes"),
				cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(type, "estimated")));
	}
	if (!error)
		pyi_census_merge(census);
	/* Not how many processes have it. */
	for (size_t t = 0; t < census->type_count; t++)
		census->types[t].classes = 1;
	return error;
}

static int by_name(const void *name, const void *type)
{
	return strcmp(name, ((const struct pyi_census_type *)type)->name);
}

/* `censuses` has one for each member; `all` and they are ordered by name. */
static struct pyi_error *compare_types(struct pyi_sum *sum, const struct pyi_census *all,
				       const struct pyi_census *censuses)
{
	size_t members = sum->group.member_count;
	PYI_CLEANUP(pyi_guard_free) double *counts = calloc(members + 1, sizeof(*counts));
	struct pyi_error *error = NULL;

	if (!counts)
		return pyi_error_no_memory();
	for (size_t t = 0; t < all->type_count && !error; t++) {
		for (size_t m = 0; m < members; m++) {
			const struct pyi_census_type *type =
				censuses[m].type_count
					? bsearch(all->types[t].name, censuses[m].types,
						  censuses[m].type_count, sizeof(*type), by_name)
					: NULL;

			counts[m] = type ? (double)type->count : 0;
		}
		/* Of builtins one has more because it has more of something else. */
		if (strchr(all->types[t].name, '.'))
			error = pyi_sum_compare(sum, all->types[t].name, counts);
	}
	return error;
}

static struct pyi_error *read_all(struct pyi_sum *sum, struct pyi_census *all,
				  struct pyi_census *censuses, struct pyi_top_types *report)
{
	struct pyi_error *error = NULL;
	size_t m = 0;

	for (size_t p = 0; p < sum->parts->count && !error; p++) {
		const struct pyi_part *part = &sum->parts->items[p];
		const cJSON *frozen = cJSON_GetObjectItemCaseSensitive(part->result, "frozen");

		if (!part->result)
			continue;
		error = add_types(all, part);
		if (!error)
			error = add_types(&censuses[m++], part);
		report->frozen_objects += pyi_part_unsigned(frozen, "objects");
		report->frozen_bytes += pyi_part_unsigned(frozen, "bytes");
		report->skipped_objects += pyi_part_unsigned(part->result, "skipped");
	}
	return error;
}

/* The worst of what came of them. */
static enum pyi_exit exit_of(const struct pyi_parts *parts)
{
	enum pyi_exit exit = PYI_EXIT_OK;

	for (size_t p = 0; p < parts->count; p++) {
		const struct pyi_part *part = &parts->items[p];

		if (part->not_restored)
			return PYI_EXIT_NOT_RESTORED;
		if (!pyi_part_is_left_out(part) &&
		    (!part->result || part->exit_code == PYI_EXIT_INCOMPLETE))
			exit = PYI_EXIT_INCOMPLETE;
	}
	return exit;
}

static struct pyi_error *add_up(struct pyi_sum *sum, struct pyi_census *all,
				struct pyi_census *censuses)
{
	const struct pyi_options *options = sum->options;
	struct pyi_top_types report = {
		.scope = options->tracked_only ? "tracked" : "all",
		.order = options->by == PYI_BY_COUNT ? PYI_CENSUS_BY_COUNT : PYI_CENSUS_BY_BYTES,
		.census = all,
		.filter = { options->type, options->module, options->no_builtins },
		.limit = options->limit,
	};
	struct pyi_error *error = read_all(sum, all, censuses, &report);

	if (!error)
		error = compare_types(sum, all, censuses);
	if (error)
		return error;
	pyi_sum_end(sum);
	pyi_census_sort(all, report.order);
	if (options->format == PYI_FORMAT_TABLE && options->limit)
		report.modules_first = pyi_census_put_modules_first(all, options->limit);
	return pyi_report_top_types(options->out, options->format, pyi_inspection_columns(options),
				    sum->envelope, &report);
}

struct pyi_error *pyi_add_up_types(const struct pyi_options *options, struct pyi_envelope *envelope,
				   struct pyi_parts *parts, enum pyi_exit *ret_exit)
{
	PYI_CLEANUP(pyi_sum_deinit)
	struct pyi_sum sum = { .options = options, .parts = parts, .envelope = envelope };
	PYI_CLEANUP(pyi_census_deinit) struct pyi_census all = { 0 };
	struct pyi_census *censuses = NULL;
	struct pyi_error *error = pyi_sum_begin(&sum);

	if (error)
		return error;
	censuses = calloc(sum.group.member_count, sizeof(*censuses));
	error = censuses ? add_up(&sum, &all, censuses) : pyi_error_no_memory();
	for (size_t m = 0; censuses && m < sum.group.member_count; m++)
		pyi_census_deinit(&censuses[m]);
	free(censuses);
	if (!error)
		*ret_exit = exit_of(parts);
	return error;
}
