/* SPDX-License-Identifier: BSD-2-Clause */
#include <abi/bootinfo.h>

#include "options.h"

#include <base/bootargs.h>
#include <base/bytes.h>
#include <base/text.h>

#include "log.h"

#define DECISION_NS_DEFAULT   1000000000ull /* an emulated CPU may be stopped for long by its host */
/*
 * Above what fairness itself makes a thread wait: EEVDF lets one of nice 19 beside one of nice -20 run
 * 3 ms in 18 s, and its bound is twice that (servers/sched/policy/eevdf/eevdf.h).
 */
#define STARVATION_NS_DEFAULT 100000000000ull
#define MS_NS                 1000000ull

/* X(name, kind, min, max, meaning) */
#define OPTION_LIST(X)                                                                        \
	X("sched", STRING, 0, 0, "policy by name; none: the kernel's fallback")               \
	X("place", STRING, 0, 0, "placement")                                                 \
	X("run", STRING, 0, 0, "first program, with arguments after commas")                  \
	X("exit", FLAG, 0, 0, "power off when it ends (default on)")                          \
	X("cpus", NUMBER, 1, CPUS_MAX, "read by the kernel")                                  \
	X("device", STRING, 0, 0,                                                             \
	  "PROGRAM:NODE, one device for a program; also read by the kernel")                  \
	X("trace", STRING, 0, 0, "read by the kernel: file of the host for the schedule")     \
	X("selftest", FLAG, 0, 0, "read by the kernel: misuse locks, check registers")        \
	X("loglevel", NUMBER, 0, 2, "0 errors, 1 information, 2 debugging")                   \
	X("sched.decision_ms", NUMBER, 1, 10000, "longest decision of a dispatcher")          \
	X("sched.starve_ms", NUMBER, 0, 100000, "longest wait of a ready thread, 0 off")      \
	X("sched.exact", FLAG, 0, 0, "the policy as specified, without refinements")          \
	X("sched.filter", FLAG, 0, 0, "wakes that decide nothing do not ask (default on)")    \
	X("sched.successor", FLAG, 0, 0, "decisions say who is next, too (default on)")       \
	X("sched.again", FLAG, 0, 0, "an idle CPU runs more than one of itself (default on)") \
	X("mem.process_mib", NUMBER, 0, 1ull << 30, "memory limit of each process, 0 none")

enum option {
	OPTION_SCHED,
	OPTION_PLACE,
	OPTION_RUN,
	OPTION_EXIT,
	OPTION_CPUS,
	OPTION_DEVICE,
	OPTION_TRACE,
	OPTION_SELFTEST,
	OPTION_LOGLEVEL,
	OPTION_DECISION,
	OPTION_STARVE,
	OPTION_EXACT,
	OPTION_FILTER,
	OPTION_SUCCESSOR,
	OPTION_AGAIN,
	OPTION_MEMORY,
	OPTION_COUNT
};

struct options options;

static const struct bootarg_key keys[OPTION_COUNT] = {
#define X(name, kind, min, max, meaning) {name, BOOTARG_##kind, min, max},
	OPTION_LIST(X)
#undef X
};

static void report(void *context, enum bootarg_reason reason, const char *word, size_t len)
{
	char known[256];
	struct text text = text_make(known, sizeof(known));

	(void)context;
	log_line(LOG_ERROR, "boot argument \"%.*s\": %s", (int)len, word,
		 bootarg_reason_text(reason));
	if (reason != BOOTARG_UNKNOWN_KEY)
		return;
	for (unsigned i = 0; i < OPTION_COUNT; i++) {
		text_char(&text, ' ');
		text_string(&text, keys[i].name);
	}
	log_line(LOG_ERROR, "the known boot arguments are:%s", known);
}

static void option_text(char *to, size_t bytes, const struct bootarg_value *values,
			enum option option, const char *standard)
{
	const struct bootarg_value *value = &values[option];
	struct text text = text_make(to, bytes);

	if (!value->present) {
		text_string(&text, standard);
		return;
	}
	for (size_t i = 0; i < value->len; i++)
		text_char(&text, value->text[i]);
	if (value->len >= bytes)
		log_line(LOG_ERROR, "boot argument \"%s=%s...\": is longer than %lu bytes; cut",
			 keys[option].name, to, (unsigned long)bytes - 1);
}

static uint64_t option_number(const struct bootarg_value *value, uint64_t standard)
{
	return value->present ? value->number : standard;
}

void options_init(const struct bootinfo *info)
{
	static struct bootarg_value values[OPTION_COUNT];
	const struct bootarg_report to = {report, NULL};
	uint64_t starvation = STARVATION_NS_DEFAULT;
	/* Every fault was reported; the other values hold. */
	enum error error = bootargs_parse(info->bootargs, sizeof(info->bootargs), keys, values,
					  OPTION_COUNT, &to);

	(void)error;
	option_text(options.policy, sizeof(options.policy), values, OPTION_SCHED, "eevdf");
	option_text(options.place, sizeof(options.place), values, OPTION_PLACE, "");
	option_text(options.device, sizeof(options.device), values, OPTION_DEVICE, "");
	option_text(options.run, sizeof(options.run), values, OPTION_RUN, "workload");
	options.log_level = option_number(&values[OPTION_LOGLEVEL], LOG_INFO);
	options.exit = option_number(&values[OPTION_EXIT], 1) != 0;
	options.sched = !str_equal(options.policy, "none");
	if (str_equal(options.policy, "fifo"))
		starvation = 0; /* it starves by design */
	options.decision_ns_max = option_number(&values[OPTION_DECISION],
						DECISION_NS_DEFAULT / MS_NS) *
				  MS_NS;
	options.starvation_ns_max = option_number(&values[OPTION_STARVE], starvation / MS_NS) *
				    MS_NS;
	options.sched_exact = option_number(&values[OPTION_EXACT], 0) != 0;
	options.sched_filter = option_number(&values[OPTION_FILTER], 1) != 0;
	options.sched_successor = option_number(&values[OPTION_SUCCESSOR], 1) != 0;
	options.sched_again = option_number(&values[OPTION_AGAIN], 1) != 0;
	options.memory_bytes_max = option_number(&values[OPTION_MEMORY], 0) << 20;
	log_level_set((unsigned)options.log_level);
}
