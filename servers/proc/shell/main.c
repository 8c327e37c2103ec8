/* SPDX-License-Identifier: BSD-2-Clause */
/* Read a line, split it, run the command; an end of file ends the shell. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/parse.h>
#include <libsys/errno.h>

#include "cmdline.h"
#include "shell.h"

#define LINE_MAX 256

static void command_help(int count, char **words);
static void command_exit(int count, char **words);

const struct command commands[] = {
	{"help", "[COMMAND]", "this list, or one line of it", command_help},
	{"ps", "[-t]", "processes, or all threads", command_ps},
	{"top", "[SECONDS]", "what uses the CPUs, until a key is pressed", command_top},
	{"run", "PROG [ARG...] [&]", "start a program; & does not wait for it", command_run},
	{"confine", "PROG [ARG...] [&]", "start one that may act on nothing but itself",
	 command_run},
	{"kill", "[-SIGNAL] PID | sched", "end a process, or the scheduler server", command_kill},
	{"nice", "N PID", "-20 gets most of the CPU, 19 least", command_nice},
	{"taskset", "CPULIST PID", "where a process may run, such as 0-1,3", command_taskset},
	{"group", "[ACTION ...]", "scheduling groups; \"group help\" says more", command_group},
	{"sched", "", "policy, CPUs, why the dispatchers were entered", command_sched},
	{"mem", "[PID]", "memory in use", command_mem},
	{"ls", "", "files of the boot archive", command_ls},
	{"exit", "[STATUS]", "leave the shell", command_exit},
	{"poweroff", "", "end the machine", command_poweroff},
};
const unsigned commands_count = sizeof(commands) / sizeof(commands[0]);

void complain(const char *command, const char *what, enum error error)
{
	printf("%s: %s: %s\n", command, what, error_text(error));
}

bool number_get(const char *command, const char *text, int64_t *value)
{
	if (text != NULL && parse_i64(text, strlen(text), value) == ERR_OK)
		return true;
	printf("%s: \"%s\" is not a number\n", command, text != NULL ? text : "");
	return false;
}

/* NULL: there is none of that name. */
static const struct command *command_named(const char *name)
{
	for (unsigned i = 0; i < commands_count; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void help_show(const struct command *command)
{
	printf("  %-9s %-22s %s\n", command->name, command->arguments, command->help);
}

static void command_help(int count, char **words)
{
	const struct command *command = count > 1 ? command_named(words[1]) : NULL;

	if (command != NULL) {
		help_show(command);
		return;
	}
	if (count > 1) {
		printf("help: %s: no such command; \"help\" lists them\n", words[1]);
		return;
	}
	for (unsigned i = 0; i < commands_count; i++)
		help_show(&commands[i]);
	printf("A program's name alone runs it.  Ctrl-C ends what runs in the foreground.\n");
}

static void command_exit(int count, char **words)
{
	int64_t status = 0;

	if (count > 1 && !number_get("exit", words[1], &status))
		return;
	exit((int)(status & 255));
}

/* Whether the boot archive has such a file. */
static bool program_exists(const char *name)
{
	FILE *file = fopen(name, "r");

	if (file == NULL)
		return false;
	fclose(file);
	return true;
}

static void command_find(int count, char **words)
{
	char *run[WORDS_MAX + 1] = {"run"};
	const struct command *command = command_named(words[0]);

	if (command != NULL && command->arguments[0] == '\0' && count > 1) {
		printf("%s: \"%s\" is too much: it takes no arguments\n", words[0], words[1]);
		return;
	}
	if (command != NULL) {
		command->run(count, words);
		return;
	}
	if (!program_exists(words[0])) {
		printf("%s: no such command or program; \"help\" lists commands, \"ls\" programs\n",
		       words[0]);
		return;
	}
	for (int i = 0; i < count; i++)
		run[i + 1] = words[i];
	command_run(count + 1, run);
}

/* One line; false at the end of input. */
static bool line_read(char *line, size_t *length)
{
	const ssize_t got = read(0, line, LINE_MAX - 1);

	if (got <= 0)
		return false;
	*length = (size_t)got;
	if (line[*length - 1] == '\n')
		(*length)--;
	line[*length] = '\0';
	return true;
}

static void line_run(const char *line, size_t length)
{
	char buffer[LINE_MAX + 1];
	char *words[WORDS_MAX];
	struct cmdline cmdline = {.buffer = buffer,
				  .buffer_bytes = sizeof(buffer),
				  .words = words,
				  .words_max = WORDS_MAX};

	if (cmdline_split(&cmdline, line, length) != ERR_OK) {
		printf("at column %zu: %s\n", cmdline.fault_at + 1,
		       cmdline_reason_text(cmdline.reason));
		return;
	}
	if (cmdline.count != 0)
		command_find((int)cmdline.count, words);
}

int main(void)
{
	char line[LINE_MAX];
	size_t length;

	printf("Baton shell; \"help\" lists the commands\n");
	for (;;) {
		children_report();
		foreground_take();
		printf("baton> ");
		fflush(stdout);
		if (!line_read(line, &length))
			break;
		line_run(line, length);
	}
	printf("\n");
	return 0;
}
