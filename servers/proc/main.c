/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proc, the first user task: starts mm and the scheduler server, then serves processes.
 *
 * The first thread boots the machine in the order of server_main() below and ends as the console's
 * driver.  Until the scheduler server is bound all threads run in the kernel's rotation on CPU 0.
 */
#include <abi/bootinfo.h>
#include <libsys/clock.h>
#include <libsys/objects.h>
#include <libsys/print.h>
#include <libsys/server.h>
#include <sched/protocol.h>

#include "archive.h"
#include "builder.h"
#include "console.h"
#include "device.h"
#include "instance.h"
#include "log.h"
#include "mm_client.h"
#include "options.h"
#include "own.h"
#include "register.h"
#include "server_thread.h"
#include "service.h"
#include "state.h"
#include "supervisor.h"
#include "untyped.h"

#define OWN_MEMORY_BITS        23u /* proc's stacks, tables, shared memory */
#define EXIT_FIRST_NOT_STARTED 127

static void own_memory_init(void)
{
	own_builder = (struct builder){.vspace = BOOT_SLOT_VSPACE, .window = OWN_LOAD_VADDR};
	must(untyped_alloc(OWN_MEMORY_BITS, &own_builder.untyped), "memory for proc");
	own_builder.slot_next = own_slots_reserve(1024);
	own_builder.slot_end = own_builder.slot_next + 1024;
}

/* Tables for the windows, so that later mapping there needs no memory. */
static void windows_init(void)
{
	static const uint64_t windows[] = {OWN_LOAD_VADDR, OWN_LOAD_VADDR_2};

	for (unsigned i = 0; i < 2; i++) {
		cptr_t frame;

		must(builder_object(&own_builder, OBJ_FRAME, PAGE_BITS, &frame), "making a window");
		must(builder_map(&own_builder, frame, windows[i], MAP_READ | MAP_WRITE),
		     "making a window");
		must(frame_unmap(frame), "making a window");
	}
}

static void signals_make(void)
{
	static const struct {
		cptr_t notification;
		cptr_t signal;
		word_t badge;
	} signals[] = {
		{OWN_REAPER_SIGNAL, OWN_REAPER_WORK, 1},
		{OWN_SUPERVISOR_SIGNAL, OWN_SUPERVISOR_FALLBACK, 1},
		{OWN_UART_SIGNAL, OWN_UART_INPUT, 1},
	};

	must(untyped_retype(own_builder.untyped, OBJ_NOTIFICATION, 0, 3, 0, OWN_REAPER_SIGNAL),
	     "making notifications");
	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		must(cnode_mint(BOOT_SLOT_CNODE, signals[i].signal, RIGHT_ALL, 0,
				signals[i].notification, signals[i].badge),
		     "making notifications");
}

static void endpoints_make(void)
{
	must(untyped_retype(own_builder.untyped, OBJ_ENDPOINT, 0, 3, 0, OWN_ENDPOINT),
	     "making endpoints");
	must(cnode_mint(BOOT_SLOT_CNODE, OWN_MM_PORT, RIGHT_ALL, 0, OWN_MM_ENDPOINT, MM_BADGE_PROC),
	     "making endpoints");
	must(cnode_mint(BOOT_SLOT_CNODE, OWN_SERVICE_PORT, RIGHT_ALL, 0, OWN_ENDPOINT, OWN_BADGE),
	     "making endpoints");
	for (unsigned i = 0; i < OWN_REPLY_MAX; i += RETYPE_COUNT_MAX) {
		const unsigned left = OWN_REPLY_MAX - i;

		must(untyped_retype(own_builder.untyped, OBJ_REPLY, 0,
				    left < RETYPE_COUNT_MAX ? left : RETYPE_COUNT_MAX, 0,
				    OWN_REPLY_FIRST + i),
		     "making reply objects");
	}
}

static void state_init(void)
{
	waiters_init();
	threads_init();
	processes_init();
	reap_init();
	console_init();
}

static void sched_start(uint32_t cpus)
{
	enum error error;

	if (!options.sched) {
		log_line(LOG_INFO, "sched=none: the kernel's rotation stays in charge");
		return;
	}
	error = instances_init(cpus);
	if (error == ERR_NOT_FOUND || error == ERR_FORMAT)
		log_line(LOG_ERROR, "the boot archive holds no scheduler server that can be "
				    "started; sched=none does without");
	must(error, "making the scheduler server");
}

static void first_program(void)
{
	struct msg m = msg_make(OWN_REQ_FIRST, 0);

	must(server_call(OWN_SERVICE_PORT, &m), "starting the first program");
	if (m.w[0] != ERR_OK)
		must(system_power_off(BOOT_SLOT_SYSTEM, EXIT_FIRST_NOT_STARTED), "powering off");
}

_Noreturn void server_main(word_t a0, word_t a1, word_t a2, word_t a3)
{
	const struct bootinfo *info = (const struct bootinfo *)(uintptr_t)a0;
	const uint32_t cpus = info->cpus_online;

	(void)a1, (void)a2, (void)a3;
	sys_print_to(sys_print_debug, (void *)(uintptr_t)BOOT_SLOT_SYSTEM);
	if (info->magic != BOOTINFO_MAGIC)
		proc_panic("reading the boot information", ERR_FORMAT);
	clock_scale_set(info->time_mult, info->time_shift);
	options_init(info);
	untyped_init(info);
	own_memory_init();
	windows_init();
	archive_init(info, &own_builder);
	device_init(info);
	endpoints_make();
	signals_make();
	state_init();
	register_init(cpus);
	instances_cnode_init(cpus);
	register_server(TID_MAIN, BOOT_SLOT_TCB);
	must(tcb_set_tag(BOOT_SLOT_TCB, TID_MAIN), "tagging the first thread");
	sched_start(cpus);
	mm_start(cpus);
	own_thread_start(TID_SERVICE, service_thread,
			 TCB_FLAG_PASSIVE | TCB_FLAG_NO_FPU | TCB_FLAG_SERVER);
	own_thread_start(TID_REAPER, reaper_thread, TCB_FLAG_NO_FPU);
	if (options.sched)
		supervisor_start(cpus);
	first_program();
	console_driver(info);
}
