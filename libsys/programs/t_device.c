/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device of one's own: started with device=t_device:/pl031, a PL031 clock with an alarm.
 *
 * The alarm asks at once when it is set to the present second, so nothing here waits for time to pass.
 * `t_device open [CPU]` is the child: it opens the device and ends with the error's number.
 */
#include <libsys/device.h>
#include <libsys/process.h>
#include <libsys/tap.h>
#include <stdlib.h>
#include <string.h>

#include "lib/program.h"

#define RTC_DR   0x00u
#define RTC_MR   0x04u
#define RTC_IMSC 0x10u
#define RTC_RIS  0x14u
#define RTC_ICR  0x1cu
#define RTC_ID   0xfe0u

#define ALARMS     50u
#define SLOT_EMPTY 200u

static struct device device;
static cptr_t interrupted;
static unsigned cpus;

static void alarm_now(void)
{
	/* Again if the second ended between the two: then the alarm is 136 years away. */
	while ((device_read32(&device, RTC_RIS) & 1) == 0)
		device_write32(&device, RTC_MR, device_read32(&device, RTC_DR));
}

static int child(const char *program, char *const argv[], const struct spawn_options *options)
{
	struct wait_result result;
	word_t pid;

	program_need("starting a child", process_spawn(program, argv, NULL, options, &pid));
	result = program_wait(pid);
	return result.signal ? -1 : result.status;
}

static char *const open_it[] = {(char *)"t_device", (char *)"open", NULL};
static char *const open_far[] = {(char *)"t_device", (char *)"open", (char *)"1000", NULL};

static void no_such_cpu(void)
{
	tap_equal(child("t_device", open_far, NULL), ERR_RANGE);
}

static void confined(void)
{
	struct spawn_options options = SPAWN_OPTIONS_DEFAULT;

	options.confined = true;
	tap_equal(child("t_device", open_it, &options), ERR_PERMISSION);
}

/* A process that ends gives it back; the second one would find it busy. */
static void given_back(void)
{
	for (unsigned i = 0; i < 3; i++)
		tap_equal(child("t_device", open_it, NULL), 0);
}

static void opened(void)
{
	tap_equal(device_open(cpus - 1, &device), ERR_OK);
	tap_equal(device.bytes, 0x1000);
	/* The peripheral identification of a PL031. */
	tap_equal(device_read32(&device, RTC_ID) & 0xff, 0x31);
	tap_equal(device_open(0, &(struct device){0}), ERR_BUSY);
	tap_equal(child("t_device", open_it, NULL), ERR_BUSY);
	tap_equal(irq_handler_ack(device.interrupt), ERR_STATE);
}

static word_t taken_by(unsigned cpu)
{
	struct proc_cpu_info info;

	program_need("asking about a CPU", cpu_stats(cpu, &info));
	return info.core.device_interrupts;
}

/* By the CPU that was asked for, which is the last. */
static void interrupts(void)
{
	word_t before[CPUS_MAX];
	word_t word;

	for (unsigned i = 0; i < cpus; i++)
		before[i] = taken_by(i);
	program_need("a notification", object_new(OBJ_NOTIFICATION, &interrupted));
	tap_equal(irq_handler_set_notification(device.interrupt, interrupted), ERR_OK);
	device_write32(&device, RTC_IMSC, 1);
	for (unsigned i = 0; i < ALARMS; i++) {
		alarm_now();
		tap_equal(sys_wait(interrupted, &word), ERR_OK);
		tap_equal(word, 1);
		device_write32(&device, RTC_ICR, 1);
		tap_equal(irq_handler_ack(device.interrupt), ERR_OK);
	}
	tap_equal(sys_poll(interrupted, &word), ERR_WOULD_BLOCK);
	for (unsigned i = 0; i < cpus; i++)
		tap_equal(taken_by(i) - before[i], i == cpus - 1 ? ALARMS : 0);
}

/* It goes on asking: masked until it is acknowledged, then it asks again. */
static void masked_until_acknowledged(void)
{
	word_t word;

	alarm_now();
	tap_equal(sys_wait(interrupted, &word), ERR_OK);
	tap_equal(sys_poll(interrupted, &word), ERR_WOULD_BLOCK);
	tap_equal(irq_handler_ack(device.interrupt), ERR_OK);
	tap_equal(sys_wait(interrupted, &word), ERR_OK);
	device_write32(&device, RTC_ICR, 1);
	tap_equal(irq_handler_ack(device.interrupt), ERR_OK);
	tap_equal(sys_poll(interrupted, &word), ERR_WOULD_BLOCK);
}

static void forgotten(void)
{
	word_t word;

	tap_equal(irq_handler_clear(device.interrupt), ERR_OK);
	alarm_now();
	tap_equal(sys_poll(interrupted, &word), ERR_WOULD_BLOCK);
	tap_equal(irq_handler_ack(device.interrupt), ERR_STATE);
	/* It asked meanwhile, and is heard now. */
	tap_equal(irq_handler_set_notification(device.interrupt, interrupted), ERR_OK);
	tap_equal(sys_wait(interrupted, &word), ERR_OK);
}

/* Not a slot that holds something else, nor one that holds nothing. */
static void refusals(void)
{
	cptr_t endpoint;

	program_need("an endpoint", object_new(OBJ_ENDPOINT, &endpoint));
	tap_equal(irq_handler_set_notification(device.interrupt, endpoint), ERR_CAP_TYPE);
	tap_equal(irq_handler_set_notification(device.interrupt, SLOT_EMPTY), ERR_CAP_INVALID);
	object_free(endpoint);
}

int main(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "open") == 0)
		return (int)device_open(argc > 2 ? strtoull(argv[2], NULL, 10) : 0, &device);
	cpus = program_cpus();
	return tap_run(
		(const struct tap_case[]){
			{"no such CPU", no_such_cpu},
			{"a confined process gets no device", confined},
			{"a process that ends gives the device back", given_back},
			{"one process has the device", opened},
			{"interrupts arrive", interrupts},
			{"a line is masked until it is acknowledged", masked_until_acknowledged},
			{"a handler without notification", forgotten},
			{"what is no notification is refused", refusals},
		},
		8);
}
