/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * baton-sim: run a workload through the scheduler server on a simulated machine.
 * Exit status: 0 done, 1 the simulation failed, 2 the command line or the workload is wrong.
 */
#include "../stall/stall.h"
#include "../workload/workload_file.h"
#include "output.h"
#include "sim.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_WRONG    2
#define CHECK_DEFAULT 16u

#define DURATION_NS_DEFAULT 10000000000u

struct options {
	struct sim_config config;
	const char *policy, *place, *workload, *json, *trace;
	bool duration_given;
	bool schedule;
};

static const char usage[] =
	"usage: baton-sim --policy NAME --workload FILE.json [--place NAME] [--cpus N]\n"
	"                 [--seed S] [--duration SECONDS] [--costs none|virtual|KEY=NS,...]\n"
	"                 [--filter on|off] [--successor on|off] [--again on|off]\n"
	"                 [--json FILE] [--schedule] [--trace FILE] [--check[=DECISIONS]]\n"
	"KEY: entry, decision, ipi, switch, call, slice_min.\n"
	"A FILE of - is the standard output; tables then go to the standard error.\n";

static _Noreturn void wrong(const char *format, const char *what)
{
	fputs("baton-sim: ", stderr);
	fprintf(stderr, format, what);
	fputc('\n', stderr);
	exit(EXIT_WRONG);
}

static uint64_t number_parse(const char *option, const char *text)
{
	const bool hex = strncmp(text, "0x", 2) == 0; /* and "010" is ten */
	char *end;

	errno = 0;
	unsigned long long value = strtoull(text, &end, hex ? 16 : 10);

	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0) {
		fprintf(stderr, "baton-sim: %s: \"%s\" is not a whole number\n", option, text);
		exit(EXIT_WRONG);
	}
	return value;
}

/* entry=NS,decision=NS,...; what is not named keeps its default. */
static void costs_parse(struct sim_costs *costs, char *text)
{
	static const char *const names[] = {"entry",  "decision", "ipi",
					    "switch", "call",     "slice_min"};
	uint64_t *const fields[] = {&costs->entry_ns,  &costs->decision_ns, &costs->ipi_ns,
				    &costs->switch_ns, &costs->call_ns,     &costs->slice_min_ns};
	const size_t count = sizeof(names) / sizeof(names[0]);
	uint32_t seen = 0;

	if (strcmp(text, "none") == 0) {
		*costs = (struct sim_costs){.slice_min_ns = 1};
		return;
	}
	if (strcmp(text, "virtual") == 0) {
		/* Instructions of a release build on one CPU, of which each takes 1 ns. */
		*costs = (struct sim_costs){.entry_ns = 1500,
					    .decision_ns = 2600,
					    .ipi_ns = 1000,
					    .switch_ns = 500,
					    .call_ns = 1100,
					    .slice_min_ns = SLICE_MIN_NS};
		return;
	}
	for (char *word; (word = strsep(&text, ",")) != NULL;) {
		char *value = strchr(word, '=');
		size_t i = 0;

		if (value != NULL)
			*value++ = '\0';
		while (i < count && (value == NULL || strcmp(word, names[i]) != 0))
			i++;
		if (i == count)
			wrong("--costs: \"%s\": say none, virtual, or entry=, decision=, ipi=, "
			      "switch=, call=, slice_min= and ns",
			      word);
		if ((seen & (1u << i)) != 0)
			wrong("--costs: %s is given twice", word);
		seen |= 1u << i;
		*fields[i] = number_parse("--costs", value);
		if (*fields[i] > 1000000000u)
			wrong("--costs: %s: more than a second", word);
	}
	if (costs->slice_min_ns == 0)
		costs->slice_min_ns = 1;
}

static bool switch_parse(const char *text)
{
	if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
		wrong("--filter, --successor, --again: \"%s\": say on or off", text);
	return strcmp(text, "on") == 0;
}

/* --filter, --successor, --again */
static void offer_take(struct sim_config *config, int option, const char *text)
{
	const uint32_t offer = option == 'F' ? POLICY_PICK_FILTER : POLICY_PICK_SUCCESSOR;
	const bool on = switch_parse(text);

	if (option == 'A')
		config->again = on;
	else if (on)
		config->offers |= offer;
	else
		config->offers &= ~offer;
}

static time_ns_t duration_parse(const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end != '\0' || !(seconds >= 1e-9) || seconds > 1e6)
		wrong("--duration: \"%s\" is not a number of seconds, from 1e-9 to 1e6", text);
	return (time_ns_t)(seconds * 1e9 + 0.5);
}

static const struct policy_ops *policy_choose(const char *name)
{
	const struct policy_ops *policy = policy_find(name, strlen(name));

	if (policy != NULL)
		return policy;
	fprintf(stderr, "baton-sim: unknown policy \"%s\"; known are:", name);
	for (uint32_t i = 0; i < policies_count; i++)
		fprintf(stderr, " %s", policies[i]->name);
	fputc('\n', stderr);
	exit(EXIT_WRONG);
}

static const struct place_ops *place_choose(const char *name, const struct policy_ops *policy)
{
	const struct place_ops *own = place_of_policy(policy->name);
	const struct place_ops *place = name == NULL ? places[0] : place_find(name, strlen(name));

	if (own != NULL && name != NULL)
		wrong("policy %s brings its own placement: leave out --place", policy->name);
	if (place != NULL || name == NULL)
		return own != NULL ? own : place;
	fprintf(stderr, "baton-sim: unknown placement \"%s\"; known are:", name);
	for (uint32_t i = 0; i < places_count; i++)
		fprintf(stderr, " %s", places[i]->name);
	fputc('\n', stderr);
	exit(EXIT_WRONG);
}

static void option_take(struct options *options, int option, char *value)
{
	struct sim_config *config = &options->config;

	switch (option) {
	case 'p':
		options->policy = value;
		break;
	case 'l':
		options->place = value;
		break;
	case 'n':
		config->cpus = (uint32_t)number_parse("--cpus", value);
		if (number_parse("--cpus", value) < 1 || number_parse("--cpus", value) > CPUS_MAX)
			wrong("--cpus: %s: a machine has 1 to 256", value);
		break;
	case 'w':
		options->workload = value;
		break;
	case 's':
		config->seed = number_parse("--seed", value);
		break;
	case 'd':
		config->duration_ns = duration_parse(value);
		options->duration_given = true;
		break;
	case 'c':
		/* A machine without costs shows what the policy specifies. */
		config->exact = strcmp(value, "none") == 0;
		costs_parse(&config->costs, value);
		break;
	case 'j':
		options->json = value;
		break;
	case 'S':
		options->schedule = true;
		break;
	case 't':
		options->trace = value;
		break;
	case 'C':
		config->check_every = value == NULL ? CHECK_DEFAULT
						    : number_parse("--check", value);
		break;
	case 'F':
	case 'N':
	case 'A':
		offer_take(config, option, value);
		break;
	case 'h':
		fputs(usage, stdout);
		exit(0);
	default:
		fputs(usage, stderr);
		exit(EXIT_WRONG);
	}
}

/* What could not be written, or would be lost, is told before the work. */
static void outputs_check(const struct options *options)
{
	const struct {
		const char *option, *path;
	} outputs[] = {{"--json", options->json}, {"--trace", options->trace}};

	for (size_t i = 0; i < 2; i++) {
		const char *path = outputs[i].path;
		const char *why = path != NULL ? output_refused(path) : NULL;

		if (why == NULL && output_same(path, options->workload))
			why = "is the workload";
		if (why == NULL && i > 0 && output_same(path, outputs[0].path))
			why = "goes where --json goes";
		if (why == NULL)
			continue;
		fprintf(stderr, "baton-sim: %s %s: %s; name another file\n", outputs[i].option,
			path, why);
		exit(EXIT_WRONG);
	}
}

static void options_parse(struct options *options, int count, char **words)
{
	static const struct option known[] = {
		{"policy", required_argument, NULL, 'p'},
		{"place", required_argument, NULL, 'l'},
		{"cpus", required_argument, NULL, 'n'},
		{"workload", required_argument, NULL, 'w'},
		{"seed", required_argument, NULL, 's'},
		{"duration", required_argument, NULL, 'd'},
		{"costs", required_argument, NULL, 'c'},
		{"json", required_argument, NULL, 'j'},
		{"schedule", no_argument, NULL, 'S'},
		{"trace", required_argument, NULL, 't'},
		{"check", optional_argument, NULL, 'C'},
		{"filter", required_argument, NULL, 'F'},
		{"successor", required_argument, NULL, 'N'},
		{"again", required_argument, NULL, 'A'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(count, words, "h", known, NULL)) != -1)
		option_take(options, option, optarg);
	if (optind < count)
		wrong("what is \"%s\"?  See --help", words[optind]);
	if (options->policy == NULL)
		wrong("%s", "--policy NAME is missing");
	if (options->workload == NULL || options->workload[0] == '\0')
		wrong("%s", "--workload FILE.json is missing");
	options->config.policy = policy_choose(options->policy);
	options->config.place = place_choose(options->place, options->config.policy);
	if (options->schedule && options->json == NULL)
		options->json = "-";
	outputs_check(options);
}

static void note(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "baton-sim: note: %s\n", text);
}

static struct workload_file *workload_open(const struct options *options)
{
	struct workload_options how = {.cpus = options->config.cpus, .note = note};
	struct workload_fault fault;
	struct workload_file *file = workload_file_load(options->workload, &how, &fault);

	if (file != NULL)
		return file;
	workload_fault_print(&fault, options->workload, stderr);
	exit(EXIT_WRONG);
}

static bool task_ends(const struct workload_task *task)
{
	for (uint32_t i = 0; i < task->phase_count; i++)
		if (task->phases[i].loop == WORKLOAD_LOOP_FOREVER)
			return false;
	return task->loop != WORKLOAD_LOOP_FOREVER;
}

/* rt-app runs such a file until somebody interrupts it; here nobody would. */
static void duration_limit(struct sim_config *config)
{
	if (config->duration_ns != TIME_NEVER)
		return;
	for (uint32_t i = 0; i < config->workload->task_count; i++) {
		if (task_ends(&config->workload->tasks[i]))
			continue;
		config->duration_ns = DURATION_NS_DEFAULT;
		config->duration_assumed = true;
		fprintf(stderr,
			"baton-sim: note: task \"%s\" never ends: %u s are simulated; "
			"--duration SECONDS says otherwise\n",
			config->workload->tasks[i].name,
			(unsigned int)(DURATION_NS_DEFAULT / 1000000000u));
		return;
	}
}

static bool to_stdout(const char *path)
{
	return path != NULL && strcmp(path, "-") == 0;
}

static void results_write(const struct options *options, struct sim *sim)
{
	double *ideal = calloc(SCHED_THREADS_MAX, sizeof(*ideal));
	struct sim_report report = {
		.sim = sim, .ideal = ideal, .wall_ns = sim->now_ns, .schedule = options->schedule};

	if (ideal == NULL)
		exit(1);
	for (uint32_t tid = 1; tid <= sim->threads_count; tid++)
		sim_samples_sort(&sim->threads[tid]->wake_ns);
	report_ideal(sim, ideal);
	report_table(&report,
		     to_stdout(options->json) || to_stdout(options->trace) ? stderr : stdout);
	if (options->json != NULL) {
		FILE *out = output_open(options->json);

		report_json(&report, out);
		output_close(out, options->json);
	}
	if (options->trace != NULL) {
		FILE *out = output_open(options->trace);

		report_trace(sim, out);
		output_close(out, options->trace);
	}
	free(ideal);
}

static const struct sim *watched; /* for stall.h */

static void stalled(void)
{
	fprintf(stderr,
		"baton-sim: policy %s does not return: %u s of CPU time are used up on CPU %u at "
		"%llu ns of "
		"the simulation\n",
		watched->config.policy->name, STALL_SECONDS, watched->acting_cpu,
		(unsigned long long)watched->now_ns);
}

static bool run(struct sim *sim)
{
	watched = sim;
	stall_watch(&sim->queue_number, STALL_SECONDS, stalled);

	const bool done = sim_run(sim);

	stall_unwatch();
	return done;
}

int main(int argc, char **argv)
{
	struct options options = {
		.config =
			{
				.costs = {.entry_ns = 300,
					  .decision_ns = 500,
					  .ipi_ns = 1000,
					  .switch_ns = 200,
					  .slice_min_ns = SLICE_MIN_NS},
				.cpus = 4,
				.offers = POLICY_PICK_FILTER | POLICY_PICK_SUCCESSOR,
				.again = true,
				.duration_ns = TIME_NEVER,
			},
	};

	options_parse(&options, argc, argv);

	struct workload_file *file = workload_open(&options);

	options.config.workload = workload_of(file);
	if (!options.duration_given)
		options.config.duration_ns = options.config.workload->duration_ns;
	duration_limit(&options.config);
	options.config.keep_schedule = options.schedule || options.trace != NULL;
	options.config.keep_marks = options.trace != NULL;

	struct sim *sim = sim_open(&options.config);
	const bool done = run(sim);

	if (done)
		results_write(&options, sim);
	else
		fprintf(stderr, "baton-sim: %s\n", sim->failure);
	sim_close(sim);
	workload_file_free(file);
	output_close(stdout, "the standard output");
	return done ? 0 : 1;
}
