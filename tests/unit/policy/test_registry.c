/* SPDX-License-Identifier: BSD-2-Clause */
/* What every registered policy is: name, id, sizes, operations; what a broken rule says. */
#include "bench.h"
#include <line/line.h>
#include <string.h>

#define MS UINT64_C(1000000)

static const char *dump_of(struct bench *bench, char text[POLICY_DUMP_BYTES])
{
	bench->ops->dump(bench_cpu(bench), text, POLICY_DUMP_BYTES);
	return text;
}

/* What is broken is said, not only the number. */
Test(line, a_broken_rule_is_named)
{
	char text[POLICY_DUMP_BYTES];
	struct bench *bench = bench_make(&policy_rr, 1);
	bench_add(bench, 0, 1024, 3 * MS);
	cr_assert_null(strstr(dump_of(bench, text), "rule: "));
	((struct line_cpu *)(void *)bench->cpu)->runnable = 2;
	cr_assert_not_null(strstr(dump_of(bench, text),
				  "rule: runnable is not the number of threads in the tree"));
	bench_free(bench);
}

Test(registry, names_are_found)
{
	for (uint32_t i = 0; i < policies_count; i++) {
		const struct policy_ops *ops = policies[i];
		cr_assert_eq(policy_find(ops->name, strlen(ops->name)), ops);
		cr_assert_lt(strlen(ops->name), POLICY_NAME_BYTES_MAX);
		cr_assert_leq(ops->cpu_bytes, POLICY_CPU_BYTES_MAX);
		cr_assert_leq(ops->thread_bytes, POLICY_THREAD_BYTES_MAX);
		for (uint32_t j = 0; j < i; j++)
			cr_assert_neq(ops->id, policies[j]->id, "%s and %s have the same id, %u",
				      ops->name, policies[j]->name, ops->id);
	}
	cr_assert_eq(policies[0], &policy_eevdf);
	cr_assert_null(policy_find("eevd", 4));
	cr_assert_null(policy_find("eevdfx", 6));
	cr_assert_null(policy_find("", 0));
	cr_assert_eq(policy_find("rr,fifo", 2), &policy_rr);
}

/* What is registered as X(NAME) is asked for by that name: the tools read it there. */
Test(registry, a_policy_has_the_name_it_is_registered_by)
{
#define X(name) #name,
	static const char *const names[] = {POLICY_LIST(X)};
#undef X
	for (uint32_t i = 0; i < policies_count; i++)
		cr_assert_str_eq(policies[i]->name, names[i], "policy_%s says that its name is %s",
				 names[i], policies[i]->name);
}

#define MEMBER(member)                                                                     \
	cr_assert((ops)->member != NULL, "policy %s leaves out %s, which must be present", \
		  (ops)->name, #member)

/* All but key, succeed, succeed_past and nap: a policy that fills in policy_ops itself may forget one. */
Test(registry, every_operation_is_there)
{
	for (uint32_t i = 0; i < policies_count; i++) {
		const struct policy_ops *ops = policies[i];
		MEMBER(desc);
		MEMBER(cpu_init);
		MEMBER(thread_init);
		MEMBER(set_params);
		MEMBER(enqueue);
		MEMBER(dequeue);
		MEMBER(pick);
		MEMBER(charge);
		MEMBER(preempts);
		MEMBER(migrate_out);
		MEMBER(migrate_in);
		MEMBER(save);
		MEMBER(restore);
		MEMBER(spare);
		MEMBER(query);
		MEMBER(set_average);
		MEMBER(set_lag);
		MEMBER(check);
		MEMBER(dump);
		cr_assert_eq(ops->key == NULL, ops->succeed == NULL,
			     "policy %s has one of key and succeed", ops->name);
	}
}

Test(registry, weights_of_nice)
{
	cr_assert_eq(policy_weight_of_nice(0), 1024);
	cr_assert_eq(policy_weight_of_nice(-20), 88761);
	cr_assert_eq(policy_weight_of_nice(19), 15);
	cr_assert_eq(policy_weight_of_nice(-100), 88761);
	cr_assert_eq(policy_weight_of_nice(5), 335);
}
