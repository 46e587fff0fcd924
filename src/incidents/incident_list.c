/*
 * Reads the files of all processes, then the names of the folders of evidence.
 */
#include "incidents/incident_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file_replace.h"
#include "incidents/incidents.h"
#include "incidents/kept_folder.h"

void pyi_listed_incident_deinit(struct pyi_listed_incident *item)
{
	free(item->target);
	free(item->rule);
	free(item->subject);
	free(item->evidence);
}

void pyi_incident_list_deinit(struct pyi_incident_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		pyi_listed_incident_deinit(&list->items[i]);
	free(list->items);
	*list = (struct pyi_incident_list){ 0 };
}

/* Takes over what the item owns, in any case. */
static struct pyi_error *append(struct pyi_incident_list *list, struct pyi_listed_incident *item)
{
	struct pyi_listed_incident *items =
		reallocarray(list->items, list->count + 1, sizeof(*items));

	if (!items) {
		pyi_listed_incident_deinit(item);
		return pyi_error_no_memory();
	}
	list->items = items;
	items[list->count++] = *item;
	return NULL;
}

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static struct pyi_error *append_all(struct pyi_incident_list *list,
				    const struct pyi_incidents *incidents, const char *evidence)
{
	struct pyi_error *error = NULL;

	for (size_t i = 0; i < incidents->count && !error; i++) {
		const struct pyi_incident *incident = &incidents->items[i];
		bool kept =
			incident->evidence && pyi_kept_folder_exists(evidence, incident->evidence);
		struct pyi_listed_incident item = {
			.target = copy(incidents->target),
			.pid = incidents->pid,
			.start_ticks = incidents->start_ticks,
			.status = incident->status,
			.found = incident->found,
			.since_s = incident->since_s,
			.rule = copy(incident->rule),
			.subject = copy(incident->subject),
			.evidence = kept ? copy(incident->evidence) : NULL,
		};

		snprintf(item.boot_id, sizeof(item.boot_id), "%s", incidents->boot_id);
		error = append(list, &item);
	}
	return error;
}

static bool is_file_of_process(const char *name)
{
	static const char suffix[] = ".json";
	size_t length = strlen(name);

	return name[0] != '.' && length > strlen(suffix) &&
	       strcmp(name + length - strlen(suffix), suffix) == 0;
}

static struct pyi_error *read_file(struct pyi_incident_list *list, int fd, const char *name,
				   const char *evidence)
{
	PYI_CLEANUP(pyi_incidents_close) struct pyi_incidents incidents = { .lock_fd = -1 };
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	struct pyi_error *error;
	size_t size;

	error = pyi_file_read_at(fd, name, name, PYI_INCIDENT_FILE_BYTES, &text, &size);
	if (error || (text && !pyi_incidents_parse_any(text, &incidents))) {
		pyi_error_destroy(error);
		list->damaged++;
		return NULL;
	}
	/* It may have gone meanwhile. */
	return text ? append_all(list, &incidents, evidence) : NULL;
}

static bool is_named(const struct pyi_incident_list *list, const char *evidence)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].evidence && strcmp(list->items[i].evidence, evidence) == 0)
			return true;
	return false;
}

/* "unit_foo-1234-20260131T235959Z", as pyi_kept_folder_name() makes it. */
static struct pyi_error *append_folder(struct pyi_incident_list *list, const char *name)
{
	const char *when = strrchr(name, '-');
	const char *number = when;
	struct pyi_listed_incident item = { .over = true };
	struct tm parts = { 0 };

	while (number > name && number[-1] != '-')
		number--;
	if (!strptime(when + 1, "%Y%m%dT%H%M%SZ", &parts))
		return NULL;
	item.since_s = timegm(&parts);
	item.evidence = strdup(name);
	if (number > name + 1) {
		item.target = strndup(name, (size_t)(number - 1 - name));
		item.pid = strtoll(number, NULL, 10);
	}
	return append(list, &item);
}

static int last_first(const void *left, const void *right)
{
	const struct pyi_listed_incident *a = left;
	const struct pyi_listed_incident *b = right;
	int order;

	if (a->since_s != b->since_s)
		return a->since_s > b->since_s ? -1 : 1;
	/* Both of one second: what is over was before that. */
	if (a->over != b->over)
		return a->over ? 1 : -1;
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	order = strcmp(a->rule ? a->rule : "", b->rule ? b->rule : "");
	return order ? order : strcmp(a->subject ? a->subject : "", b->subject ? b->subject : "");
}

static struct pyi_error *read_files(const char *folder, const char *evidence,
				    struct pyi_incident_list *list)
{
	PYI_CLEANUP(pyi_folder_entries_deinit) struct pyi_folder_entries names = { 0 };
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	struct pyi_error *error = pyi_kept_folder_names(folder, &fd, &names);

	for (size_t n = 0; n < names.count && !error; n++)
		if (is_file_of_process(names.names[n]))
			error = read_file(list, fd, names.names[n], evidence);
	return error;
}

static struct pyi_error *read_folders(const char *evidence, struct pyi_incident_list *list)
{
	PYI_CLEANUP(pyi_folder_entries_deinit) struct pyi_folder_entries names = { 0 };
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	struct pyi_error *error = pyi_kept_folder_names(evidence, &fd, &names);

	for (size_t n = 0; n < names.count && !error; n++)
		if (pyi_kept_folder_is_name(names.names[n]) && !is_named(list, names.names[n]))
			error = append_folder(list, names.names[n]);
	return error;
}

struct pyi_error *pyi_incident_list_read(const char *state, struct pyi_incident_list *ret_list)
{
	PYI_CLEANUP(pyi_incident_list_deinit) struct pyi_incident_list list = { 0 };
	PYI_CLEANUP(pyi_guard_free) char *incidents = NULL;
	PYI_CLEANUP(pyi_guard_free) char *evidence = NULL;
	struct pyi_error *error;

	if (asprintf(&incidents, "%s/incidents", state) < 0) {
		incidents = NULL;
		return pyi_error_no_memory();
	}
	if (asprintf(&evidence, "%s/evidence", state) < 0) {
		evidence = NULL;
		return pyi_error_no_memory();
	}
	error = read_files(incidents, evidence, &list);
	if (!error)
		error = read_folders(evidence, &list);
	if (error)
		return error;
	if (list.count)
		qsort(list.items, list.count, sizeof(*list.items), last_first);
	*ret_list = list;
	list = (struct pyi_incident_list){ 0 };
	return NULL;
}
