/* SPDX-License-Identifier: BSD-2-Clause */
#include "supervisor.h"

#include <libsys/clock.h>
#include <libsys/objects.h>

#include "instance.h"
#include "log.h"
#include "options.h"
#include "own.h"
#include "register.h"
#include "restarts.h"
#include "server_thread.h"

static struct {
	uint32_t cpus;
	bool kill_asked;   /* atomic: release by who asks, acquire here */
	unsigned set;      /* in charge */
	bool standby;      /* the other set can be bound */
	uint64_t replaced; /* relaxed atomic: shown to people */
	struct restarts restarts;
} supervisor;

uint64_t supervisor_restarts(void)
{
	return __atomic_load_n(&supervisor.replaced, __ATOMIC_RELAXED);
}

enum error supervisor_groups_want(void)
{
	enum error error = ERR_OK;

	if (__atomic_load_n(&register_shared()->groups_ready, __ATOMIC_ACQUIRE) != 0)
		return ERR_OK;
	error = instance_groups_reserve();
	if (error != ERR_OK && error != ERR_BUSY)
		return error;
	must(sys_signal(OWN_SUPERVISOR_FALLBACK), "signalling the supervisor");
	return ERR_BUSY;
}

void supervisor_kill_server(void)
{
	/* The signal's word says which CPUs fell back, so the question goes beside it. */
	__atomic_store_n(&supervisor.kill_asked, true, __ATOMIC_RELEASE);
	must(sys_signal(OWN_SUPERVISOR_FALLBACK), "signalling the supervisor");
}

static const char *reason_text(unsigned reason)
{
	static const char *const text[FALLBACK_COUNT] = {
#define X(name, value, meaning) [value] = meaning,
		FALLBACK_LIST(X)
#undef X
	};

	return reason < FALLBACK_COUNT ? text[reason] : "an unknown reason";
}

/* A CPU whose dispatcher was bound and has not decided yet is in the kernel's rotation, too. */
static bool cpu_failed(uint32_t cpu, unsigned *reason)
{
	unsigned index;
	unsigned flags;
	word_t entries;

	must(core_info(BOOT_SLOT_CORE_FIRST + (cptr_t)cpu, &index, &flags, reason, &entries),
	     "looking at a Core");
	return (flags & (CORE_FALLBACK | CORE_BOUND)) == CORE_FALLBACK;
}

static void standby_make(void)
{
	enum error error = instance_build(supervisor.set ^ 1u);

	supervisor.standby = error == ERR_OK;
	if (error != ERR_OK)
		log_line(LOG_ERROR, "no standby scheduler server could be made: %s",
			 error_text(error));
}

/* In the one in charge and in the standby; every later one gets it when it is made. */
static void groups_make(void)
{
	enum error error = instance_groups_map(supervisor.set);

	if (error == ERR_OK && supervisor.standby)
		error = instance_groups_map(supervisor.set ^ 1u);
	if (error != ERR_OK) {
		log_line(LOG_ERROR, "no memory for groups in the scheduler server: %s",
			 error_text(error));
		return;
	}
	/* Release: who sees it finds the memory mapped. */
	__atomic_store_n(&register_shared()->groups_ready, 1, __ATOMIC_RELEASE);
}

static bool fallback_report(void)
{
	bool any = false;

	for (uint32_t cpu = 0; cpu < supervisor.cpus; cpu++) {
		unsigned reason;

		if (!cpu_failed(cpu, &reason))
			continue;
		log_line(LOG_ERROR, "CPU %u fell back to the kernel's rotation: %s", (unsigned)cpu,
			 reason_text(reason));
		any = true;
	}
	return any;
}

static void take_over(void)
{
	const unsigned old = supervisor.set;
	const unsigned new = old ^ 1u;
	bool taken[CPUS_MAX] = {false};

	if (!fallback_report())
		return;
	if (!restarts_allow(&supervisor.restarts, clock_now_ns(), options.decision_ns_max) ||
	    !supervisor.standby) {
		log_line(LOG_ERROR, "the scheduler server failed too often; the kernel's rotation "
				    "stays in charge");
		return;
	}
	instance_retire(old);
	/* Failed CPUs first.  A CPU that was not in fallback is taken from the old instance. */
	for (unsigned pass = 0; pass < 2; pass++)
		for (uint32_t cpu = 0; cpu < supervisor.cpus; cpu++) {
			unsigned reason;

			if (taken[cpu] || (pass == 0 && !cpu_failed(cpu, &reason)))
				continue;
			taken[cpu] = true;

			enum error error = instance_bind(new, cpu);

			if (error != ERR_OK)
				log_line(LOG_ERROR, "CPU %u: the standby could not be bound: %s",
					 (unsigned)cpu, error_text(error));
		}
	supervisor.set = new;
	supervisor.standby = false;
	__atomic_fetch_add(&supervisor.replaced, 1, __ATOMIC_RELAXED);
	log_line(LOG_ERROR, "scheduler server replaced by its standby on %u CPUs",
		 (unsigned)supervisor.cpus);
	instance_stop(old);
}

static void supervisor_thread(word_t a0, word_t a1, word_t a2, word_t a3)
{
	(void)a0, (void)a1, (void)a2, (void)a3;
	for (;;) {
		word_t signals = 0;

		must(sys_wait(OWN_SUPERVISOR_SIGNAL, &signals), "waiting as supervisor");
		if (__atomic_exchange_n(&supervisor.kill_asked, false, __ATOMIC_ACQUIRE)) {
			log_line(LOG_ERROR, "stopping the scheduler server, as asked");
			instance_stop(supervisor.set);
		}
		/* While the first instance is bound; the last word of that is a signal. */
		if (!__atomic_load_n(&register_served, __ATOMIC_ACQUIRE))
			continue;
		/* Before, too: a server that failed before there was a standby has no other chance. */
		if (!supervisor.standby)
			standby_make();
		take_over();
		if (!supervisor.standby)
			standby_make();
		if (instance_groups_wanted())
			groups_make();
	}
}

void supervisor_start(uint32_t cpus)
{
	supervisor.cpus = cpus;
	must(instance_build(0), "starting the scheduler server");
	own_thread_start(TID_SUPERVISOR, supervisor_thread, TCB_FLAG_FALLBACK_FIRST);
	for (uint32_t cpu = 0; cpu < cpus; cpu++)
		must(instance_bind(0, cpu), "binding the scheduler server");
	__atomic_store_n(&register_served, true, __ATOMIC_RELEASE);
	/* It finds nothing wrong and makes the standby. */
	must(sys_signal(OWN_SUPERVISOR_FALLBACK), "signalling the supervisor");
}
