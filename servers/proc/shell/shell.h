/* SPDX-License-Identifier: BSD-2-Clause */
/* The console shell: an ordinary program; all it knows it asks proc. */
#pragma once

#include <abi/error.h>
#include <libsys/process.h>

#define WORDS_MAX 64

struct command {
	const char *name;
	const char *arguments;
	const char *help;
	/* words[0] is the name.  Errors are printed. */
	void (*run)(int count, char **words);
};

extern const struct command commands[];
extern const unsigned commands_count;

/* "ps: what: why" */
void complain(const char *command, const char *what, enum error error);

/* A number; false, with a line, if it is none. */
bool number_get(const char *command, const char *text, int64_t *value);

/* look.c */
void command_ps(int count, char **words);
void command_top(int count, char **words);
void command_sched(int count, char **words);
void command_mem(int count, char **words);
void command_ls(int count, char **words);

/* act.c */
void command_run(int count, char **words);
void command_kill(int count, char **words);
void command_nice(int count, char **words);
void command_taskset(int count, char **words);
void command_poweroff(int count, char **words);

/* group.c */
void command_group(int count, char **words);

/* Whom Ctrl-C kills; 0: nobody. */
void foreground_take(void);
/* Children in the background that have ended. */
void children_report(void);
