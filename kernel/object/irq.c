/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupt lines, their handlers and notifications.  See <kern/irq.h>. */
#include <base/container.h>
#include <kern/core.h>
#include <kern/invocation.h>
#include <kern/irq.h>
#include <kern/thread.h>

struct irq_line {
	struct cap_slot notification; /* read without a lock by irq_deliver */
	uint32_t handlers;            /* capabilities; derivation lock */
};

static struct irq_line lines[IRQ_LINES_MAX];

/* The line was masked by arch_irq_take and stays so until ACK. */
__attribute__((noinline)) void irq_deliver(uint32_t irq)
{
	struct cap cap;

	if (irq >= IRQ_LINES_MAX)
		return;
	cap_read(&lines[irq].notification, &cap);
	if (cap.type == OBJ_NOTIFICATION)
		notification_signal((struct notification *)(uintptr_t)cap.object, cap.badge);
}

const struct cap_slot *irq_notification(uint32_t irq)
{
	return &lines[irq].notification;
}

uint32_t *irq_handler_count(uint32_t irq)
{
	return &lines[irq].handlers;
}

bool irq_handler_destroy(uint32_t irq)
{
	return cap_release(&lines[irq].notification);
}

void irq_notification_drop(const struct cap_slot *slot)
{
	const struct irq_line *line = container_of_const(slot, struct irq_line, notification);

	arch_irq_mask((uint32_t)(line - lines));
}

/* ---- IRQ_CONTROL ----------------------------------------------------------------------------- */

static enum error decode_get(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	uint64_t irq = inv->args[0];
	uint64_t cpu = inv->args[3];
	enum error error;

	if (irq >= IRQ_LINES_MAX || !arch_irq_valid((uint32_t)irq))
		return ERR_RANGE;
	if (cpu >= cpus_count || __atomic_load_n(&cpus[cpu].core.online, __ATOMIC_ACQUIRE) == 0)
		return ERR_RANGE;
	if (lines[irq].handlers != 0)
		return ERR_EXISTS;
	error = cap_depth_check(inv->slot);
	if (error == ERR_OK)
		error = decode_dest(inv, inv->args[1], inv->args[2]);
	return error;
}

static enum invoke_step invoke_get(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	struct cap cap = {
		.type = OBJ_IRQ_HANDLER, .rights = RIGHT_ALL, .aux = (uint32_t)inv->args[0]};

	arch_irq_mask(cap.aux);
	arch_irq_route(cap.aux, (unsigned)inv->args[3]);
	cap_insert(inv->dest_slot, &cap, inv->slot);
	return STEP_DONE;
}

static const struct method_entry control_methods[] = {
	{METHOD_IRQ_CONTROL_GET, RIGHT_CONTROL, METHOD_LOCKED, 4, decode_get, invoke_get},
};

const struct method_table irq_control_methods = {
	control_methods, sizeof(control_methods) / sizeof(control_methods[0])};

/* ---- IRQ_HANDLER ----------------------------------------------------------------------------- */

static enum error decode_set_notification(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	return decode_source(inv, inv->args[0], OBJ_NOTIFICATION, RIGHT_WRITE, &inv->src_slot);
}

/* The line is unmasked by this, as by ACK. */
static enum invoke_step invoke_set_notification(struct invocation *inv)
	LOCK_REQUIRES(derivation_held)
{
	struct cap_slot *held = &lines[inv->cap.aux].notification;

	if (!cap_release(held))
		return STEP_AGAIN;
	inv->error = cap_hold(held, inv->src_slot, CAP_HOLDER_IRQ);
	arch_irq_unmask(inv->cap.aux);
	return STEP_DONE;
}

static enum error decode_ack(struct invocation *inv)
{
	return lines[inv->cap.aux].notification.type == OBJ_NOTIFICATION ? ERR_OK : ERR_STATE;
}

static enum invoke_step invoke_ack(struct invocation *inv)
{
	arch_irq_unmask(inv->cap.aux);
	return STEP_DONE;
}

static enum invoke_step invoke_clear(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	return cap_release(&lines[inv->cap.aux].notification) ? STEP_DONE : STEP_AGAIN;
}

static const struct method_entry handler_methods[] = {
	{METHOD_IRQ_HANDLER_SET_NOTIFICATION, RIGHT_CONTROL, METHOD_LOCKED, 1,
	 decode_set_notification, invoke_set_notification},
	{METHOD_IRQ_HANDLER_ACK, RIGHT_CONTROL, METHOD_LOCKED, 0, decode_ack, invoke_ack},
	{METHOD_IRQ_HANDLER_CLEAR, RIGHT_CONTROL, METHOD_LOCKED, 0, decode_nothing, invoke_clear},
};

const struct method_table irq_handler_methods = {
	handler_methods, sizeof(handler_methods) / sizeof(handler_methods[0])};
