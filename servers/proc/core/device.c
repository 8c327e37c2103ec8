/* SPDX-License-Identifier: BSD-2-Clause */
#include "device.h"

#include <base/bytes.h>
#include <libsys/objects.h>

#include "bytes_msg.h"
#include "log.h"
#include "options.h"

static struct {
	uint32_t pages;  /* 0: there is no device */
	uint32_t holder; /* pid, 0: none */
	uint32_t irq;
} device;

void device_init(const struct bootinfo *info)
{
	if (info->device_irq == 0)
		return;
	device.pages = (1u << info->device_bits) / PAGE_SIZE;
	device.irq = info->device_irq;
	must(untyped_retype(BOOT_SLOT_DEVICE, OBJ_FRAME, PAGE_BITS, device.pages, 0,
			    OWN_DEVICE_FRAME_FIRST),
	     "making a device's frames");
}

/* The name before the colon is that of the program. */
static bool program_named(const struct process *process)
{
	size_t len = 0;

	while (options.device[len] != '\0' && options.device[len] != ':')
		len++;
	return str_equal_n(options.device, len, process->name);
}

static void pages_unmap(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		must(cnode_delete(BOOT_SLOT_CNODE, OWN_DEVICE_MAPPED_FIRST + i),
		     "taking a device back");
}

static enum error page_map(cptr_t vspace, uint32_t i)
{
	const cptr_t copy = OWN_DEVICE_MAPPED_FIRST + i;
	enum error error = cnode_copy(BOOT_SLOT_CNODE, copy, RIGHT_READ | RIGHT_WRITE, 0,
				      OWN_DEVICE_FRAME_FIRST + i);

	if (error != ERR_OK)
		return error;
	error = frame_map(copy, vspace, PROC_DEVICE_VADDR + i * PAGE_SIZE,
			  MAP_READ | MAP_WRITE | MAP_DEVICE, NULL);
	if (error != ERR_OK)
		must(cnode_delete(BOOT_SLOT_CNODE, copy), "undoing a device's mapping");
	return error;
}

static enum error pages_map(const struct process *process)
{
	const cptr_t vspace = own_process_slot(process->pid % PROC_PROCESSES_MAX, PROCESS_VSPACE);

	for (uint32_t i = 0; i < device.pages; i++) {
		enum error error = page_map(vspace, i);

		if (error != ERR_OK) {
			pages_unmap(i);
			return error;
		}
	}
	return ERR_OK;
}

static enum error device_open(const struct process *process, word_t cpu)
{
	enum error error;

	if (device.pages == 0)
		return ERR_NOT_FOUND;
	/* A realm is for those who are not trusted. */
	if (process->realm != 0 || !program_named(process))
		return ERR_PERMISSION;
	if (device.holder != 0)
		return ERR_BUSY;
	error = irq_control_get(BOOT_SLOT_IRQ_CONTROL, device.irq, 0, OWN_DEVICE_IRQ, cpu);
	if (error != ERR_OK)
		return error;
	error = pages_map(process);
	if (error != ERR_OK) {
		must(cnode_delete(BOOT_SLOT_CNODE, OWN_DEVICE_IRQ), "undoing a device");
		return error;
	}
	device.holder = process->pid;
	return ERR_OK;
}

void device_request(struct process *process, struct msg *m)
{
	const enum error error = device_open(process, m->w[0]);

	m->w[0] = (word_t)device.pages * PAGE_SIZE;
	msg_answer(m, error, 1);
	if (error == ERR_OK) {
		m->info = msg_info(ERR_OK, 1, 1);
		msg_cap_set(0, OWN_DEVICE_IRQ);
	}
}

void device_release(const struct process *process)
{
	if (device.holder != process->pid)
		return;
	pages_unmap(device.pages);
	must(cnode_delete(BOOT_SLOT_CNODE, OWN_DEVICE_IRQ), "taking a device back");
	device.holder = 0;
}
