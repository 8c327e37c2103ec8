/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * baton-workload FILE.json [-o OUT.bwl] [--cpus N] [--list]
 *
 * Exit status: 0 good; 1 a file could not be read or written; 2 the workload or the command line
 * is wrong.
 */
#include "workload_file.h"

#include <base/parse.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: baton-workload FILE.json [-o OUT.bwl] [--cpus N] [--list] [--quiet]\n"
	"\n"
	"Checks a workload file (rt-app JSON) and writes its text form for the booted\n"
	"system.\n"
	"  -o FILE    write the text form to FILE (- for standard output)\n"
	"  --cpus N   the machine has N CPUs; naming others is an error\n"
	"  --list     print the threads that the file makes\n"
	"  --quiet    no notes about what is accepted and ignored\n";

static void print_note(void *context, const char *text)
{
	fprintf(stderr, "%s: note: %s\n", (const char *)context, text);
}

static void list(const struct workload *workload)
{
	printf("%-24s %8s %10s  %s\n", "thread", "weight", "slice_us", "cpus");
	for (uint32_t i = 0; i < workload->task_count; i++) {
		const struct workload_task *at = &workload->tasks[i];
		char cpus[CPU_LIST_BYTES_MAX] = "all";
		char slice[24] = "default";

		if ((at->params.set & WORKLOAD_SET_CPUS) != 0)
			format_cpu_list(&at->params.cpus, cpus);
		if (at->params.slice_ns != 0)
			snprintf(slice, sizeof(slice), "%" PRIu64, at->params.slice_ns / 1000);
		printf("%-24s %8" PRIu32 " %10s  %s%s\n", at->name, at->params.weight, slice, cpus,
		       at->start ? "" : "  (when forked)");
	}
	if (workload->duration_ns == TIME_NEVER)
		printf("no limit of time\n");
	else
		printf("%.6g s\n", (double)workload->duration_ns / 1e9);
}

static bool write_file(const struct workload *workload, const char *path)
{
	FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
	bool good = out != NULL && workload_write_bwl(workload, out);

	if (out != NULL && out != stdout)
		good = fclose(out) == 0 && good;
	if (!good)
		fprintf(stderr, "baton-workload: cannot write %s\n", path);
	return good;
}

static int run(const char *path, const char *out, bool do_list,
	       const struct workload_options *options)
{
	struct workload_fault fault;
	struct workload_file *file = workload_file_load(path, options, &fault);
	int status = 0;

	if (file == NULL) {
		workload_fault_print(&fault, path, stderr);
		return fault.io ? 1 : 2;
	}
	if (do_list)
		list(workload_of(file));
	if (out != NULL && !write_file(workload_of(file), out))
		status = 1;
	workload_file_free(file);
	return status;
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{"cpus", required_argument, NULL, 'c'}, {"list", no_argument, NULL, 'l'},
		{"quiet", no_argument, NULL, 'q'},      {"output", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0}};
	struct workload_options options = {.note = print_note};
	const char *out = NULL;
	bool do_list = false;
	uint64_t cpus;
	int option;

	while ((option = getopt_long(argc, argv, "o:h", long_options, NULL)) != -1) {
		switch (option) {
		case 'o':
			out = optarg;
			break;
		case 'c':
			if (parse_u64(optarg, strlen(optarg), &cpus) != ERR_OK || cpus == 0 ||
			    cpus > CPUS_MAX) {
				fprintf(stderr, "baton-workload: --cpus takes 1 to %u, not %s\n",
					CPUS_MAX, optarg);
				return 2;
			}
			options.cpus = (uint32_t)cpus;
			break;
		case 'l':
			do_list = true;
			break;
		case 'q':
			options.note = NULL;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind + 1 != argc) {
		fputs(usage, stderr);
		return 2;
	}
	options.context = argv[optind];
	return run(argv[optind], out, do_list, &options);
}
