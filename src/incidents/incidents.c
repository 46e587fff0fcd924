/*
 * Incidents of one process: what a check changes in them, and the file that they are kept in.
 *
 * The file is replaced as a whole, so SIGKILL leaves the state before or after. The lock is on a
 * file beside it, which is never replaced.
 */
#include "incidents/incidents.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "base/cleanup.h"
#include "base/file_replace.h"
#include "incidents/kept_folder.h"

enum {
	/* Files in the folder: two for each process. */
	KEPT_FILES = 128,
};

static bool same(const char *left, const char *right)
{
	return left && right ? strcmp(left, right) == 0 : left == right;
}

static void free_incident(struct pyi_incident *incident)
{
	free(incident->rule);
	free(incident->subject);
	free(incident->evidence);
}

static struct pyi_incident *find(const struct pyi_incidents *incidents, const char *rule,
				 const char *subject)
{
	for (size_t i = 0; i < incidents->count; i++)
		if (same(incidents->items[i].rule, rule) &&
		    same(incidents->items[i].subject, subject))
			return &incidents->items[i];
	return NULL;
}

/* NULL without memory; takes copies. */
static struct pyi_incident *add(struct pyi_incidents *incidents, const char *rule,
				const char *subject)
{
	struct pyi_incident *items =
		reallocarray(incidents->items, incidents->count + 1, sizeof(*items));
	struct pyi_incident *incident;

	if (!items)
		return NULL;
	incidents->items = items;
	incident = &items[incidents->count];
	*incident = (struct pyi_incident){
		.rule = strdup(rule),
		.subject = subject ? strdup(subject) : NULL,
	};
	if (!incident->rule || (subject && !incident->subject)) {
		free_incident(incident);
		return NULL;
	}
	incidents->count++;
	return incident;
}

static struct pyi_error *note_change(struct pyi_incidents *incidents, const char *rule,
				     const char *subject, enum pyi_check_status before,
				     enum pyi_check_status now)
{
	struct pyi_incident_change *changes =
		reallocarray(incidents->changes, incidents->change_count + 1, sizeof(*changes));
	struct pyi_incident_change *change;

	if (!changes)
		return pyi_error_no_memory();
	incidents->changes = changes;
	change = &changes[incidents->change_count++];
	*change = (struct pyi_incident_change){
		.rule = strdup(rule),
		.subject = subject ? strdup(subject) : NULL,
		.before = before,
		.now = now,
	};
	return change->rule && (!subject || change->subject) ? NULL : pyi_error_no_memory();
}

static void forget_changes(struct pyi_incidents *incidents)
{
	for (size_t c = 0; c < incidents->change_count; c++) {
		free(incidents->changes[c].rule);
		free(incidents->changes[c].subject);
	}
	free(incidents->changes);
	incidents->changes = NULL;
	incidents->change_count = 0;
}

static struct pyi_error *begin_or_go_on(struct pyi_incidents *incidents,
					const struct pyi_check_finding *finding, int64_t now_s)
{
	struct pyi_incident *incident = find(incidents, finding->rule, finding->subject);
	enum pyi_check_status before = incident ? incident->status : PYI_CHECK_OK;

	if (!incident) {
		if (incidents->count >= PYI_INCIDENT_LIMIT)
			return NULL;
		incident = add(incidents, finding->rule, finding->subject);
		if (!incident)
			return pyi_error_no_memory();
		incident->since_s = now_s;
	}
	incident->status = finding->status;
	incident->found = true;
	return before == finding->status ? NULL
					 : note_change(incidents, finding->rule, finding->subject,
						       before, finding->status);
}

static bool has_rule(const struct pyi_check *check, const char *rule)
{
	for (size_t f = 0; f < check->count; f++)
		if (strcmp(check->findings[f].rule, rule) == 0)
			return true;
	return false;
}

/* Of the rules that the check has; from now on, it is what this check finds that counts. */
static enum pyi_check_status take_status_before(struct pyi_incidents *incidents,
						const struct pyi_check *check)
{
	enum pyi_check_status worst = PYI_CHECK_OK;

	for (size_t i = 0; i < incidents->count; i++) {
		struct pyi_incident *incident = &incidents->items[i];

		if (!has_rule(check, incident->rule))
			continue;
		if (incident->found && pyi_check_status_is_worse(incident->status, worst))
			worst = incident->status;
		incident->found = false;
	}
	return worst;
}

/* Whether the check had the rule of an incident, and did not find it broken. */
static bool is_over(const struct pyi_incident *incident, const struct pyi_check *check)
{
	bool judged = false;

	for (size_t f = 0; f < check->count; f++) {
		const struct pyi_check_finding *finding = &check->findings[f];

		if (strcmp(finding->rule, incident->rule) != 0)
			continue;
		/* A rule that could not be judged says nothing of any subject. */
		if (finding->status == PYI_CHECK_UNKNOWN ||
		    (finding->status != PYI_CHECK_OK && same(finding->subject, incident->subject)))
			return false;
		judged = true;
	}
	return judged;
}

static struct pyi_error *end_those_over(struct pyi_incidents *incidents,
					const struct pyi_check *check)
{
	struct pyi_error *error = NULL;
	size_t kept = 0;

	for (size_t i = 0; i < incidents->count; i++) {
		struct pyi_incident *incident = &incidents->items[i];

		if (!is_over(incident, check)) {
			incidents->items[kept++] = *incident;
			continue;
		}
		if (!error)
			error = note_change(incidents, incident->rule, incident->subject,
					    incident->status, PYI_CHECK_OK);
		free_incident(incident);
	}
	incidents->count = kept;
	return error;
}

struct pyi_error *pyi_incidents_update(struct pyi_incidents *incidents,
				       const struct pyi_check *check, bool doubtful, int64_t now_s)
{
	struct pyi_error *error = NULL;

	forget_changes(incidents);
	incidents->status_before = take_status_before(incidents, check);
	incidents->status_changed = incidents->status_before != check->status;
	for (size_t f = 0; !error && f < check->count; f++)
		if (check->findings[f].status != PYI_CHECK_OK)
			error = begin_or_go_on(incidents, &check->findings[f], now_s);
	if (!error && !doubtful)
		error = end_those_over(incidents, check);
	return error;
}

bool pyi_incident_wants_evidence(const struct pyi_incident *incident)
{
	return incident->status == PYI_CHECK_CRITICAL && !incident->evidence_done &&
	       incident->evidence_tries < PYI_INCIDENT_TRIES;
}

static bool parse_status(const cJSON *item, enum pyi_check_status *ret_status)
{
	for (int status = PYI_CHECK_OK; status <= (int)PYI_CHECK_UNKNOWN; status++)
		if (cJSON_IsString(item) &&
		    strcmp(item->valuestring,
			   pyi_check_status_name((enum pyi_check_status)status)) == 0) {
			*ret_status = (enum pyi_check_status)status;
			return true;
		}
	return false;
}

/* Whole, and so small that a double is exact; else 0. */
static uint64_t parse_number(const cJSON *item)
{
	double value = cJSON_IsNumber(item) ? item->valuedouble : 0;

	return value > 0 && value < 9e15 ? (uint64_t)value : 0;
}

static const char *parse_text(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsString(item) ? item->valuestring : NULL;
}

static void parse_incident(const cJSON *item, struct pyi_incidents *incidents)
{
	const char *rule = parse_text(item, "rule");
	const char *evidence = parse_text(item, "evidence");
	enum pyi_check_status status;
	struct pyi_incident *incident;

	if (!rule || incidents->count >= PYI_INCIDENT_LIMIT ||
	    !parse_status(cJSON_GetObjectItemCaseSensitive(item, "status"), &status) ||
	    status == PYI_CHECK_OK || find(incidents, rule, parse_text(item, "subject")))
		return;
	incident = add(incidents, rule, parse_text(item, "subject"));
	if (!incident)
		return;
	incident->status = status;
	incident->found = !cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(item, "found"));
	incident->since_s =
		(int64_t)parse_number(cJSON_GetObjectItemCaseSensitive(item, "since_s"));
	/* It is the name of a folder, and is used as one. */
	if (evidence && pyi_kept_folder_is_name(evidence))
		incident->evidence = strdup(evidence);
	incident->evidence_done =
		cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "evidence_done"));
	incident->evidence_tries =
		(unsigned)(parse_number(cJSON_GetObjectItemCaseSensitive(item, "evidence_tries")) &
			   0xff);
}

bool pyi_incidents_parse(const char *text, struct pyi_incidents *incidents)
{
	cJSON *json = cJSON_Parse(text);
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "incidents");
	const char *boot_id = parse_text(json, "boot_id");
	const char *start_ticks = parse_text(json, "start_ticks");
	const cJSON *item;
	char ticks[32];
	bool ours;

	snprintf(ticks, sizeof(ticks), "%" PRIu64, incidents->start_ticks);
	ours = boot_id && strcmp(boot_id, incidents->boot_id) == 0 && start_ticks &&
	       strcmp(start_ticks, ticks) == 0;
	if (ours)
		cJSON_ArrayForEach(item, list) parse_incident(item, incidents);
	cJSON_Delete(json);
	return ours;
}

bool pyi_incidents_parse_any(const char *text, struct pyi_incidents *incidents)
{
	cJSON *json = cJSON_Parse(text);
	const char *boot_id = parse_text(json, "boot_id");
	const char *start_ticks = parse_text(json, "start_ticks");
	const char *target = parse_text(json, "target");
	bool ok = boot_id && start_ticks;

	if (ok) {
		snprintf(incidents->boot_id, sizeof(incidents->boot_id), "%s", boot_id);
		incidents->start_ticks = strtoull(start_ticks, NULL, 10);
		incidents->pid =
			(int64_t)parse_number(cJSON_GetObjectItemCaseSensitive(json, "pid"));
		incidents->target = target ? strdup(target) : NULL;
	}
	cJSON_Delete(json);
	return ok && pyi_incidents_parse(text, incidents);
}

static bool add_incident(cJSON *list, const struct pyi_incident *incident)
{
	cJSON *json = cJSON_CreateObject();

	if (!json || !cJSON_AddItemToArray(list, json)) {
		cJSON_Delete(json);
		return false;
	}
	return cJSON_AddStringToObject(json, "rule", incident->rule) &&
	       (!incident->subject ||
		cJSON_AddStringToObject(json, "subject", incident->subject)) &&
	       cJSON_AddStringToObject(json, "status", pyi_check_status_name(incident->status)) &&
	       cJSON_AddBoolToObject(json, "found", incident->found) &&
	       cJSON_AddNumberToObject(json, "since_s", (double)incident->since_s) &&
	       (!incident->evidence ||
		cJSON_AddStringToObject(json, "evidence", incident->evidence)) &&
	       cJSON_AddBoolToObject(json, "evidence_done", incident->evidence_done) &&
	       cJSON_AddNumberToObject(json, "evidence_tries", incident->evidence_tries);
}

/* NULL without memory; to be freed with cJSON_free(). */
static char *make_text(const struct pyi_incidents *incidents)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *list;
	char ticks[32];
	char *text = NULL;
	bool ok;

	snprintf(ticks, sizeof(ticks), "%" PRIu64, incidents->start_ticks);
	ok = json && cJSON_AddStringToObject(json, "boot_id", incidents->boot_id) &&
	     cJSON_AddNumberToObject(json, "pid", (double)incidents->pid) &&
	     /* As text: 64 bits do not fit a double. */
	     cJSON_AddStringToObject(json, "start_ticks", ticks) &&
	     (!incidents->target || cJSON_AddStringToObject(json, "target", incidents->target));
	list = ok ? cJSON_AddArrayToObject(json, "incidents") : NULL;
	ok = list != NULL;
	for (size_t i = 0; ok && i < incidents->count; i++)
		ok = add_incident(list, &incidents->items[i]);
	if (ok)
		text = cJSON_Print(json);
	cJSON_Delete(json);
	return text;
}

static const char *name_in_folder(const char *path)
{
	return strrchr(path, '/') + 1;
}

static struct pyi_error *lock(struct pyi_incidents *incidents)
{
	PYI_CLEANUP(pyi_guard_free) char *path = NULL;

	if (asprintf(&path, "%s.lock", incidents->path) < 0) {
		path = NULL;
		return pyi_error_no_memory();
	}
	incidents->lock_fd = openat(incidents->folder_fd, name_in_folder(path),
				    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (incidents->lock_fd < 0)
		return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_NO_INCIDENTS, errno,
					      "cannot write %s", path);
	if (flock(incidents->lock_fd, LOCK_EX | LOCK_NB) == 0) {
		/* As young as the file that it is for. */
		futimens(incidents->lock_fd, NULL);
		return NULL;
	}
	if (errno == EWOULDBLOCK)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_INCIDENTS_BUSY,
					"another check of this process is at work, which keeps "
					"what is found");
	return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_NO_INCIDENTS, errno,
				      "cannot lock %s", path);
}

/* Not by the boot: a file for each number and start is enough, what is in it decides. */
static char *file_of(const char *state, const struct pyi_incident_process *process)
{
	char *path;

	return asprintf(&path, "%s/incidents/%" PRId64 "-%" PRIu64 ".json", state, process->pid,
			process->start_ticks) < 0
		       ? NULL
		       : path;
}

static struct pyi_error *open_folder(const char *state, bool make, int *ret_fd)
{
	PYI_CLEANUP(pyi_guard_free) char *folder = NULL;

	if (asprintf(&folder, "%s/incidents", state) < 0) {
		folder = NULL;
		return pyi_error_no_memory();
	}
	return pyi_kept_folder_open(folder, make, ret_fd);
}

bool pyi_incidents_are_known(const char *state, const struct pyi_incident_process *process)
{
	PYI_CLEANUP(pyi_guard_free) char *path = file_of(state, process);
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	struct pyi_error *error = open_folder(state, false, &fd);
	bool known = !error && path &&
		     faccessat(fd, name_in_folder(path), F_OK, AT_SYMLINK_NOFOLLOW) == 0;

	pyi_error_destroy(error);
	return known;
}

struct pyi_error *pyi_incidents_open(const char *state, const struct pyi_incident_process *process,
				     struct pyi_incidents *ret_incidents)
{
	PYI_CLEANUP(pyi_guard_free) char *path = file_of(state, process);
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	struct pyi_error *error;
	size_t size;

	*ret_incidents = (struct pyi_incidents){
		.lock_fd = -1,
		.pid = process->pid,
		.start_ticks = process->start_ticks,
	};
	snprintf(ret_incidents->boot_id, sizeof(ret_incidents->boot_id), "%s", process->boot_id);
	if (!path)
		return pyi_error_no_memory();
	error = open_folder(state, true, &ret_incidents->folder_fd);
	if (error)
		return error;
	ret_incidents->path = pyi_return_ptr(path);
	ret_incidents->target = process->target ? strdup(process->target) : NULL;
	error = lock(ret_incidents);
	if (!error)
		error = pyi_file_read_at(ret_incidents->folder_fd,
					 name_in_folder(ret_incidents->path), ret_incidents->path,
					 PYI_INCIDENT_FILE_BYTES, &text, &size);
	/* A file that is broken is as good as none. */
	if (!error && text)
		pyi_incidents_parse(text, ret_incidents);
	if (error) {
		pyi_incidents_close(ret_incidents);
		ret_incidents->pid = process->pid;
		ret_incidents->start_ticks = process->start_ticks;
	}
	return error;
}

struct pyi_error *pyi_incidents_save(struct pyi_incidents *incidents)
{
	struct pyi_error *error;
	char *text;

	if (incidents->lock_fd < 0)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_INCIDENTS,
					"incidents are not kept without their file");
	text = make_text(incidents);
	if (!text)
		return pyi_error_no_memory();
	error = pyi_file_replace_at(incidents->folder_fd, name_in_folder(incidents->path),
				    incidents->path, 0600, text, strlen(text));
	cJSON_free(text);
	if (error)
		return error;
	return pyi_kept_folder_prune_files(incidents->folder_fd, incidents->path, KEPT_FILES);
}

void pyi_incidents_close(struct pyi_incidents *incidents)
{
	for (size_t i = 0; i < incidents->count; i++)
		free_incident(&incidents->items[i]);
	free(incidents->items);
	forget_changes(incidents);
	if (incidents->path)
		close(incidents->folder_fd);
	free(incidents->path);
	free(incidents->target);
	/* This also unlocks. */
	if (incidents->lock_fd >= 0)
		close(incidents->lock_fd);
	*incidents = (struct pyi_incidents){ .lock_fd = -1 };
}
