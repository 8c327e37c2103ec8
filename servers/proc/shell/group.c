/* SPDX-License-Identifier: BSD-2-Clause */
/* "group": scheduling groups, shown by their index. */
#include <stdio.h>
#include <string.h>

#include <libsys/errno.h>
#include <libsys/sched.h>

#include "shell.h"

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull

static void usage(void)
{
	printf("group                                          the groups\n"
	       "group new WEIGHT [QUOTA_US PERIOD_US] [in GROUP]  make one\n"
	       "group set GROUP WEIGHT [QUOTA_US PERIOD_US]    another weight or cap\n"
	       "group move PID GROUP                           a process; 0 is no group\n"
	       "group delete GROUP                             an empty one\n");
}

/* A group's number on the screen is its index. */
static bool group_find(const char *text, word_t *id)
{
	int64_t index;

	if (!number_get("group", text, &index))
		return false;
	*id = 0;
	if (index == 0)
		return true;
	if (index < 0 || sched_group_next((word_t)index, id) != ERR_OK ||
	    SCHED_GROUP_INDEX(*id) != (word_t)index) {
		printf("group: there is no group %s; \"group\" lists them\n", text);
		return false;
	}
	return true;
}

/* WEIGHT [QUOTA_US PERIOD_US]; returns how many words it took, 0 after an error. */
static int group_read(int count, char **words, struct sched_group *group)
{
	int64_t weight;
	int64_t quota_us = 0;
	int64_t period_us = 0;
	int used = 1;

	if (count < 1 || !number_get("group", words[0], &weight))
		return 0;
	if (count > 1 && strcmp(words[1], "in") != 0) {
		if (!number_get("group", words[1], &quota_us) ||
		    !number_get("group", count > 2 ? words[2] : NULL, &period_us))
			return 0;
		used = 3;
	}
	if (weight < 0 || quota_us < 0 || period_us < 0) {
		printf("group: a weight or time is negative\n");
		return 0;
	}
	group->weight = (word_t)weight;
	group->quota_ns = (word_t)quota_us * NS_PER_US;
	group->period_ns = (word_t)period_us * NS_PER_US;
	return used;
}

static void group_new(int count, char **words)
{
	struct sched_group group = {0};
	const int used = group_read(count, words, &group);
	word_t id;

	if (used == 0)
		return;
	if (used != count && (used + 2 != count || strcmp(words[used], "in") != 0)) {
		usage();
		return;
	}
	if (used != count && !group_find(words[used + 1], &group.parent))
		return;

	const enum error error = sched_group_create(&group, &id);

	if (error != ERR_OK)
		complain("group", "new", error);
	else
		printf("group %lu\n", (unsigned long)SCHED_GROUP_INDEX(id));
}

static void group_set(int count, char **words)
{
	struct sched_group group = {0};
	word_t id;

	if (count < 2 || !group_find(words[0], &id) ||
	    group_read(count - 1, words + 1, &group) != count - 1)
		return;

	const enum error error = sched_group_set(id, &group);

	if (error != ERR_OK)
		complain("group", words[0], error);
}

static void group_move(int count, char **words)
{
	int64_t pid;
	word_t id;

	if (count != 2) {
		usage();
		return;
	}
	if (!number_get("group", words[0], &pid) || !group_find(words[1], &id))
		return;

	const enum error error = process_sched_set((word_t)pid, 0, SCHED_PARAM_GROUP, id, 0);

	if (error != ERR_OK)
		complain("group", words[0], error);
}

static void group_delete(int count, char **words)
{
	word_t id;

	if (count != 1) {
		usage();
		return;
	}
	if (!group_find(words[0], &id))
		return;

	const enum error error = sched_group_delete(id);

	if (error != ERR_OK)
		complain("group", words[0], error);
}

static void group_print(word_t id)
{
	word_t field[SCHED_GROUP_FIELD_COUNT];

	for (unsigned i = 0; i < SCHED_GROUP_FIELD_COUNT; i++)
		if (sched_group_get(id, (enum sched_group_field)i, &field[i]) != ERR_OK)
			return; /* deleted meanwhile */
	printf("%5lu  %6lu  %6lu  %7lu  %8lu  %9lu  %10lu  %12lu  %lu of %lu\n",
	       (unsigned long)SCHED_GROUP_INDEX(id),
	       (unsigned long)SCHED_GROUP_INDEX(field[SCHED_GROUP_PARENT]),
	       (unsigned long)field[SCHED_GROUP_WEIGHT], (unsigned long)field[SCHED_GROUP_MEMBERS],
	       (unsigned long)(field[SCHED_GROUP_QUOTA_NS] / NS_PER_US),
	       (unsigned long)(field[SCHED_GROUP_PERIOD_NS] / NS_PER_US),
	       (unsigned long)(field[SCHED_GROUP_USED_NS] / NS_PER_MS),
	       (unsigned long)(field[SCHED_GROUP_THROTTLED_NS] / NS_PER_MS),
	       (unsigned long)field[SCHED_GROUP_PERIODS_THROTTLED],
	       (unsigned long)field[SCHED_GROUP_PERIODS]);
}

static void groups_print(void)
{
	word_t id;

	printf("GROUP  PARENT  WEIGHT  MEMBERS  QUOTA us  PERIOD us  CPU TIME ms  THROTTLED ms  "
	       "PERIODS\n");
	for (word_t index = 0; sched_group_next(index, &id) == ERR_OK;
	     index = SCHED_GROUP_INDEX(id) + 1)
		group_print(id);
}

void command_group(int count, char **words)
{
	static const struct {
		const char *word;
		void (*run)(int count, char **words);
	} actions[] = {
		{"new", group_new},
		{"set", group_set},
		{"move", group_move},
		{"delete", group_delete},
	};

	if (count == 1) {
		groups_print();
		return;
	}
	for (unsigned i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(words[1], actions[i].word) == 0) {
			actions[i].run(count - 2, words + 2);
			return;
		}
	usage();
}
