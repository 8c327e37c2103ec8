/* SPDX-License-Identifier: BSD-2-Clause */
/* Decode and carry out invocations.  See <kern/invoke.h>, <kern/invocation.h>. */
#include <kern/entry.h>
#include <kern/invocation.h>
#include <kern/invoke.h>
#include <kern/reap.h>
#include <kern/tcb.h>
#include <kern/thread.h>

static const struct method_table *const tables[OBJ_COUNT] = {
	[OBJ_UNTYPED] = &untyped_methods,
	[OBJ_CNODE] = &cnode_methods,
	[OBJ_TCB] = &tcb_methods,
	[OBJ_VSPACE] = &vspace_methods,
	[OBJ_PAGE_TABLE] = &page_table_methods,
	[OBJ_FRAME] = &frame_methods,
	[OBJ_LARGE_FRAME] = &frame_methods,
	[OBJ_IRQ_CONTROL] = &irq_control_methods,
	[OBJ_IRQ_HANDLER] = &irq_handler_methods,
	[OBJ_CORE] = &core_methods,
	[OBJ_SYSTEM] = &system_methods,
};

enum error decode_nothing(struct invocation *inv)
{
	(void)inv;
	return ERR_OK;
}

enum error decode_dest(struct invocation *inv, cptr_t cnode, uint64_t index)
{
	enum error error = cap_slot_find(inv->caller, cnode, index, &inv->dest_slot);

	if (error == ERR_OK && inv->dest_slot->type != OBJ_NULL)
		error = ERR_SLOT_OCCUPIED;
	return error;
}

enum error decode_source(const struct invocation *inv, cptr_t cptr, enum object_type type,
			 unsigned rights, struct cap_slot **slot)
{
	struct cap cap;
	enum error error = cap_slot_find(inv->caller, CPTR_NULL, cptr, slot);

	if (error != ERR_OK || (*slot)->type == OBJ_NULL)
		return ERR_CAP_INVALID;
	if ((*slot)->type != type)
		return ERR_CAP_TYPE;
	if (((*slot)->rights & rights) != rights)
		return ERR_CAP_RIGHTS;
	return cap_derive(*slot, RIGHT_ALL, &cap);
}

word_t invocation_word(const struct invocation *inv, unsigned index)
{
	return index < MSG_REGS ? inv->args[index] : inv->buffer->msg[index];
}

static bool work_reap(void *object)
{
	struct invocation *inv = object;

	inv->work_stalled = !reap_some();
	return true;
}

enum invoke_step step_reap(struct invocation *inv)
{
	inv->work.run = work_reap;
	inv->work.object = inv;
	return STEP_WORK;
}

static const struct method_entry *find_method(enum object_type type, word_t label)
{
	const struct method_table *table = type < OBJ_COUNT ? tables[type] : NULL;

	if (table == NULL)
		return NULL;
	for (unsigned i = 0; i < table->count; i++)
		if (table->methods[i].number == label)
			return &table->methods[i];
	return NULL;
}

/* What is checked for every method, the first time and after each wait. */
static enum error prepare(struct invocation *inv, const struct method_entry *method)
{
	enum object_type type = (enum object_type)inv->cap.type;
	enum error error;

	inv->result_words = 0;
	inv->error = ERR_OK;
	inv->buffer = __atomic_load_n(&inv->caller->ipc_buffer, __ATOMIC_RELAXED);
	if ((method->flags & METHOD_LOCKED) != 0) {
		error = cap_slot_find(inv->caller, CPTR_NULL, inv->cptr, &inv->slot);
		if (error != ERR_OK)
			return ERR_CAP_INVALID;
		cap_read(inv->slot, &inv->cap);
	} else {
		error = cap_lookup(inv->caller, inv->cptr, &inv->cap);
		if (error != ERR_OK)
			return error;
	}
	if (inv->cap.type != type)
		return ERR_CAP_INVALID;
	if ((inv->cap.rights & method->rights) != method->rights)
		return ERR_CAP_RIGHTS;
	if (inv->length < method->words)
		return ERR_ARG;
	if (inv->length > MSG_REGS && inv->buffer == NULL)
		return ERR_TRUNCATED;
	return ERR_OK;
}

/* Unchecked: the method says whether it wants the derivation lock. */
static enum error run_once(struct invocation *inv, const struct method_entry *method,
			   enum invoke_step *step) LOCK_UNCHECKED
{
	bool locked = (method->flags & METHOD_LOCKED) != 0;
	enum error error;

	*step = STEP_DONE;
	if (locked)
		derivation_lock();
	error = prepare(inv, method);
	if (error == ERR_OK)
		error = method->decode(inv);
	if (error == ERR_OK)
		*step = method->invoke(inv);
	if (locked)
		derivation_unlock();
	return error == ERR_OK ? inv->error : error;
}

static enum invoke_outcome finish(struct invocation *inv, enum error error)
{
	struct user_context *context = &inv->caller->context;

	context->x[0] = (uint64_t) - (int64_t)error;
	context->x[1] = msg_info(0, inv->result_words, 0);
	for (unsigned i = 0; i < inv->result_words; i++)
		if (i < MSG_REGS)
			context->x[2 + i] = inv->results[i];
		else
			inv->buffer->msg[i] = inv->results[i];
	return INVOKE_DONE;
}

/* Not the arguments, the results, nor what prepare() sets: memory is cleared a word at a time here. */
static void start(struct invocation *inv, struct tcb *caller, cptr_t cptr, const struct cap *cap)
{
	inv->caller = caller;
	inv->cptr = cptr;
	inv->cap = *cap;
	inv->slot = NULL;
	inv->result_words = 0;
	inv->arg_cap = (struct cap){0};
	inv->src_slot = NULL;
	inv->dest_slot = NULL;
	inv->object = NULL;
	inv->entry = NULL;
	inv->size_bytes = 0;
	inv->offset = 0;
	inv->bits = 0;
	inv->count = 0;
	inv->level = 0;
	inv->type = OBJ_NULL;
	inv->wait_for_reap = false;
	inv->work = (struct cap_work){0};
	inv->keep_going = false;
	inv->work_stalled = false;
	inv->grace_version = 0;
}

enum invoke_outcome invoke_object(struct tcb *caller, cptr_t cptr, const struct cap *cap)
{
	const struct user_context *context = &caller->context;
	struct invocation inv;
	const struct method_entry *method = find_method((enum object_type)cap->type,
							msg_label(context->x[1]));

	start(&inv, caller, cptr, cap);
	inv.length = msg_length(context->x[1]);
	if (method == NULL)
		return finish(&inv, ERR_METHOD);
	if (inv.length > MSG_WORDS_MAX)
		return finish(&inv, ERR_ARG);
	for (;;) {
		enum invoke_step step;
		enum error error;

		for (unsigned i = 0; i < MSG_REGS; i++)
			inv.args[i] = i < inv.length ? context->x[2 + i] : 0;
		error = run_once(&inv, method, &step);
		if (error != ERR_OK || step == STEP_DONE)
			return finish(&inv, error);
		if (step == STEP_STALL || (step == STEP_WORK && !inv.work.run(inv.work.object))) {
			arch_spin_pause(); /* for something that happens on another CPU */
			return INVOKE_RESTART;
		}
		if (!inv.keep_going && preempt_pending())
			return INVOKE_RESTART;
		inv.keep_going = false;
	}
}
