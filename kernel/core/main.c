/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a machine that works to a first task: what each CPU does once, in order.
 *
 * Boot CPU: CPU table, secondaries one after another (each declares itself online before it can be
 * sent an interrupt), first task, kernel_exit.  Secondaries: online, kernel_exit, where they idle
 * until somebody gives them work.
 */
#include <base/bootargs.h>
#include <base/dt_platform.h>
#include <build_info.h>
#include <kern/arch_if.h>
#include <kern/boot.h>
#include <kern/core.h>
#include <kern/entry.h>
#include <kern/machine.h>
#include <kern/memmap.h>
#include <kern/trace.h>

#define CPU_START_LIMIT_NS 5000000000ull

/* So large that kernel.ld has it last. */
struct cpu cpus[CPUS_MAX] __attribute__((section(".bss..large")));
unsigned cpus_count = 1;

static boot_only bool cpu_is_online(unsigned index)
{
	return __atomic_load_n(&cpus[index].core.online, __ATOMIC_ACQUIRE) != 0;
}

/*
 * Release: who sees the CPU online sees all that it prepared.  Sequentially consistent would add
 * nothing; there is no second variable to order it against.
 */
static void this_cpu_online(void)
{
	__atomic_store_n(&arch_this_cpu()->core.online, 1, __ATOMIC_RELEASE);
}

/* All are asked first, so that they come up side by side. */
static boot_only unsigned secondaries_start(void)
{
	unsigned online = 1;
	time_ns_t limit_ns;

	while (online < cpus_count && arch_cpu_start(online))
		online++;
	/* A gap in the numbers would be a hole in every table of user space. */
	if (online < cpus_count)
		kprintf("%u of %u CPUs are used\n", online, cpus_count);
	cpus_count = online;
	limit_ns = arch_now() + CPU_START_LIMIT_NS;
	for (unsigned i = 1; i < online; i++)
		while (!cpu_is_online(i)) {
			if (arch_now() > limit_ns)
				panic("CPU %u was started but does not come", i);
			arch_spin_pause();
		}
	return online;
}

/*
 * Boot arguments cpus=N: use fewer CPUs than there are; trace=FILE: stream the schedule to that
 * file of the host; selftest: see self_test().  Everything else in the boot arguments is read by user
 * space, which also says what is wrong with these.
 */
static boot_only void arguments_take(const struct platform *platform)
{
	static const struct bootarg_key keys[] = {{"cpus", BOOTARG_NUMBER, 1, CPUS_MAX},
						  {"trace", BOOTARG_STRING, 0, 0},
						  {"selftest", BOOTARG_FLAG, 0, 0}};
	struct bootarg_value values[3];

	(void)!bootargs_parse(platform->bootargs, sizeof(platform->bootargs), keys, values, 3,
			      NULL);
	if (values[0].present && values[0].number < cpus_count)
		cpus_count = (unsigned)values[0].number;
	if (values[1].present)
		trace_stream_start(values[1].text, values[1].len);
	if (values[2].present && values[2].number != 0)
		self_test_ask();
}

static boot_only void greet(const struct platform *platform)
{
	kprintf("Baton %s on %s: %u CPUs, %lu MiB free, GICv%u, timer %lu Hz, entered at EL%u\n",
		BATON_VERSION, machine.model, cpus_count,
		(unsigned long)(memmap_bytes(&memmap) >> 20), machine.gic_version,
		(unsigned long)machine.timer_hz, machine.entered_el);
	if (platform->cpus_found > CPUS_MAX)
		kprintf("this build supports %u CPUs\n", CPUS_MAX);
	for (uint32_t i = cpus_count; i < platform->cpu_count; i++)
		kprintf("CPU %u (%lx) is left parked\n", i, (unsigned long)cpus[i].hw_id);
	if (platform->cpus_found > platform->cpu_count)
		kprintf("%u CPUs more are left parked\n",
			platform->cpus_found - platform->cpu_count);
}

boot_only _Noreturn void kernel_main(const struct platform *platform)
{
	unsigned online;

	for (unsigned i = 0; i < CPUS_MAX; i++)
		core_init(&cpus[i].core, i);
	arguments_take(platform);
	greet(platform);
	self_test(0);
	this_cpu_online();
	online = secondaries_start();
	boot_first_task(platform, online);
	kernel_exit();
	arch_user_enter();
}

boot_only _Noreturn void kernel_secondary(void)
{
	self_test((unsigned)(arch_this_cpu() - cpus));
	this_cpu_online();
	kernel_exit();
	arch_user_enter();
}
