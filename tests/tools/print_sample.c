/*
 * For tests: measures a Python process as `check` does, and writes the sample to stdout as JSON:
 * {"incomplete", "time_s", "age_s", "milliseconds", "attempts", "process": {name: value},
 * "types" and "trees": {name: [count, bytes]}, "containers" and "longest": {name: length}, "cut"}.
 *
 *     print_sample PID [LEAST [type:TYPE | container:NAME | anywhere | if-missing]...]
 *
 * "longest" has those of containers that are several; "cut" says that not all were looked at.
 * `anywhere` and `if-missing` are PYI_REACH_ALL and PYI_REACH_IF_MISSING; `graph:BYTES` the room.
 *
 * Does not judge: it exits with 5 if the sample is incomplete, else as pyinspect.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>

#include "base/clock.h"
#include "heap/measure.h"
#include "tracee/wait.h"
#include "own_broker.h"

enum {
	TIMEOUT_MS = 120000,
	MAX_PAUSE_MS = 10000,
	NUMBER_BYTES = 24,
	GRAPH_BYTES = 1 << 30,
};

static cJSON *number(uint64_t value)
{
	char text[NUMBER_BYTES];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return cJSON_CreateRaw(text);
}

static int write_out(const struct pyi_session *session, const struct pyi_sample *sample)
{
	cJSON *process = cJSON_CreateObject();
	cJSON *containers = cJSON_CreateObject();
	cJSON *longest = cJSON_CreateObject();
	cJSON *types = cJSON_CreateObject();
	cJSON *trees = cJSON_CreateObject();
	cJSON *all = cJSON_CreateObject();
	char *text;

	for (size_t f = 0; f < sample->figure_count; f++) {
		const struct pyi_figure *figure = &sample->figures[f];
		cJSON *pair = cJSON_CreateArray();

		cJSON_AddItemToArray(pair, number(figure->count));
		cJSON_AddItemToArray(pair, number(figure->bytes));
		if (figure->kind == PYI_FIGURE_TYPE) {
			cJSON_AddItemToObject(types, figure->name, pair);
		} else if (figure->kind == PYI_FIGURE_TYPE_TREE) {
			cJSON_AddItemToObject(trees, figure->name, pair);
		} else {
			cJSON_Delete(pair);
			cJSON_AddItemToObject(figure->kind == PYI_FIGURE_PROCESS   ? process
					      : figure->kind == PYI_FIGURE_LONGEST ? longest
										   : containers,
					      figure->name, number(figure->count));
		}
	}
	cJSON_AddBoolToObject(all, "incomplete", sample->incomplete);
	cJSON_AddItemToObject(all, "time_s", number((uint64_t)sample->time_s));
	cJSON_AddItemToObject(all, "age_s", number(sample->age_s));
	cJSON_AddNumberToObject(all, "milliseconds", pyi_clock_ms_since(session->begun_ns));
	cJSON_AddItemToObject(all, "attempts", number(session->attempts));
	cJSON_AddItemToObject(all, "process", process);
	cJSON_AddItemToObject(all, "types", types);
	cJSON_AddItemToObject(all, "trees", trees);
	cJSON_AddItemToObject(all, "containers", containers);
	cJSON_AddItemToObject(all, "longest", longest);
	cJSON_AddBoolToObject(all, "cut", sample->containers_cut);
	text = cJSON_PrintUnformatted(all);
	cJSON_Delete(all);
	if (!text || puts(text) < 0 || fflush(stdout)) {
		fprintf(stderr, "print_sample: cannot write the sample\n");
		free(text);
		return PYI_EXIT_FAILED;
	}
	free(text);
	return sample->incomplete ? PYI_EXIT_INCOMPLETE : PYI_EXIT_OK;
}

static struct pyi_error *run(pid_t pid, const struct pyi_measure_request *request, int *ret_exit)
{
	struct pyi_session_options options = {
		.max_pause_ms = MAX_PAUSE_MS,
		.max_total_pause_ms = 4.0 * MAX_PAUSE_MS,
		.deadline_ns = pyi_clock_deadline(TIMEOUT_MS, PYI_CLOCK_NEVER),
	};
	struct pyi_sample sample = { 0 };
	struct pyi_session session;
	struct pyi_error *error = own_broker_start(&options.broker_fd);

	if (error)
		return error;
	error = pyi_session_open(pid, &options, &session);
	if (!error)
		error = pyi_session_measure(&session, request, &sample);
	if (!error)
		*ret_exit = write_out(&session, &sample);
	pyi_sample_deinit(&sample);
	pyi_session_close(&session);
	return error;
}

/* What stands behind a label, or NULL. */
static const char *behind(const char *argument, const char *label)
{
	size_t length = strlen(label);

	return strncmp(argument, label, length) == 0 ? argument + length : NULL;
}

int main(int argc, char **argv)
{
	struct pyi_measure_request request = { .graph_bytes = GRAPH_BYTES };
	const char **containers = calloc((size_t)argc + 1, sizeof(*containers));
	const char **types = calloc((size_t)argc + 1, sizeof(*types));
	int exit_code = PYI_EXIT_OK;
	struct pyi_error *error;

	if (argc < 2 || !containers || !types) {
		fprintf(stderr, "usage: print_sample PID [LEAST [type:T | container:C]...]\n");
		return PYI_EXIT_USAGE;
	}
	if (argc > 2)
		request.container_least = strtoull(argv[2], NULL, 10);
	for (int i = 3; i < argc; i++) {
		const char *type = behind(argv[i], "type:");
		const char *container = behind(argv[i], "container:");
		const char *graph = behind(argv[i], "graph:");

		if (type)
			types[request.type_count++] = type;
		if (container)
			containers[request.container_count++] = container;
		if (graph)
			request.graph_bytes = strtoull(graph, NULL, 10);
		if (strcmp(argv[i], "anywhere") == 0)
			request.reach = PYI_REACH_ALL;
		if (strcmp(argv[i], "if-missing") == 0)
			request.reach = PYI_REACH_IF_MISSING;
	}
	request.types = types;
	request.containers = containers;
	pyi_wait_init();
	error = run((pid_t)strtol(argv[1], NULL, 10), &request, &exit_code);
	if (error) {
		fprintf(stderr, "print_sample: %s (%s)\n", error->message,
			pyi_error_code_name(error->code));
		exit_code = error->exit;
		pyi_error_destroy(error);
	}
	free(containers);
	free(types);
	return exit_code;
}
