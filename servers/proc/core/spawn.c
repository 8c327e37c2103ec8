/* SPDX-License-Identifier: BSD-2-Clause */
#include <abi/bootinfo.h>

#include "spawn.h"

#include <base/bytes.h>
#include <base/text.h>
#include <libsys/thread_block.h>

#include "archive.h"
#include "bytes_msg.h"
#include "console.h"
#include "file.h"
#include "log.h"
#include "mm_client.h"
#include "options.h"
#include "realm.h"

/* The bounce buffer: strings of the caller in the lower half, the new stack in the upper one. */
#define STACK_AT    (MM_BOUNCE_BYTES / 2)
#define WORDS_MAX   1024u /* argc, argv, envp, auxv */
#define AUX_ENTRIES 8u

#define AT_NULL   0u
#define AT_PAGESZ 6u
#define AT_ENTRY  9u
#define AT_EXECFN 31u

struct spawn {
	const char *strings; /* file name, arguments, environment; each with its NUL */
	uint32_t bytes;
	uint32_t argc;
	uint32_t envc;
	word_t nice;
	struct cpumask affinity;
	uint64_t memory_bytes_max;
	struct process *parent; /* or NULL */
	word_t fds[3];
	bool new_group;
	bool confined;
	bool foreground;
};

static char *bounce(uint32_t at)
{
	return (char *)(uintptr_t)OWN_BOUNCE_VADDR + at;
}

static enum error segment_map(uint32_t pid, const struct elf_segment *segment)
{
	const unsigned prot = (segment->read ? MM_PROT_READ : 0u) |
			      (segment->write ? MM_PROT_WRITE : 0u) |
			      (segment->exec ? MM_PROT_EXECUTE : 0u);
	const uint64_t start = segment->vaddr & ~(PAGE_SIZE - 1ull);
	const uint64_t end = (segment->vaddr + segment->mem_bytes + PAGE_SIZE - 1) &
			     ~(PAGE_SIZE - 1ull);
	const struct mm_map zeroes = {
		.vaddr = start, .bytes = end - start, .flags = MM_MAP_FLAGS(prot, MM_KIND_ANON)};
	const struct mm_map image = {
		.vaddr = segment->vaddr,
		.bytes = segment->mem_bytes,
		.flags = MM_MAP_FLAGS(prot, MM_KIND_FILE),
		.offset = (uint64_t)(segment->data - archive.base),
		.file_bytes = segment->file_bytes,
	};

	return mm_map(pid, segment->file_bytes > 0 ? &image : &zeroes);
}

static enum error segments_map(uint32_t pid, const struct elf *elf)
{
	struct elf_segment segment;
	enum error error = ERR_OK;

	for (bool more = elf_segment_first(elf, &segment); more && error == ERR_OK;
	     more = elf_segment_next(elf, &segment))
		error = segment_map(pid, &segment);
	return error;
}

/* One NUL-terminated string of those given; NULL past the end. */
static const char *string_next(const struct spawn *spawn, uint32_t *at)
{
	const uint32_t start = *at;
	const uint32_t length = (uint32_t)str_len_max(spawn->strings + start, spawn->bytes - start);

	if (start + length >= spawn->bytes)
		return NULL;
	*at = start + length + 1;
	return spawn->strings + start;
}

static uint64_t *aux_put(uint64_t *word, uint64_t type, uint64_t value)
{
	word[0] = type;
	word[1] = value;
	return word + 2;
}

static uint64_t *aux_fill(uint64_t *word, const struct elf *elf, uint32_t pid, uint64_t name)
{
	const struct bootinfo *info = (const struct bootinfo *)(uintptr_t)BOOTINFO_VADDR;

	word = aux_put(word, AT_PAGESZ, PAGE_SIZE);
	word = aux_put(word, AT_ENTRY, elf->entry);
	word = aux_put(word, AT_EXECFN, name);
	word = aux_put(word, PROC_AT_PID, pid);
	word = aux_put(word, PROC_AT_TIME_MULT, info->time_mult);
	word = aux_put(word, PROC_AT_TIME_SHIFT, info->time_shift);
	return word;
}

/*
 * The first stack, from its top down: strings; argc, argv, envp, auxv in ascending order.
 * *sp is where the process finds argc.
 */
static enum error stack_fill(const struct spawn *spawn, const struct elf *elf, uint32_t pid,
			     uint64_t *sp)
{
	const uint32_t words = 1 + spawn->argc + 1 + spawn->envc + 1 + 2 * AUX_ENTRIES;
	const uint64_t strings = (PROC_STACK_TOP - spawn->bytes) & ~15ull;
	const uint64_t start = (strings - words * sizeof(uint64_t)) & ~15ull;
	uint64_t *word = (uint64_t *)(void *)bounce(STACK_AT);
	uint32_t at = 0;

	if (words > WORDS_MAX || PROC_STACK_TOP - start > MM_BOUNCE_BYTES - STACK_AT)
		return ERR_LIMIT;
	for (uint64_t i = 0; i < (PROC_STACK_TOP - start) / sizeof(*word); i++)
		word[i] = 0;
	bytes_copy(bounce(STACK_AT) + (strings - start), spawn->strings, spawn->bytes);
	*word++ = spawn->argc;
	if (string_next(spawn, &at) == NULL)
		return ERR_FORMAT;
	for (uint32_t i = 0; i < spawn->argc + spawn->envc; i++) {
		if (i == spawn->argc)
			word++;
		*word++ = strings + at;
		if (string_next(spawn, &at) == NULL)
			return ERR_FORMAT;
	}
	if (spawn->envc == 0)
		word++;
	word++;
	aux_fill(word, elf, pid, strings);
	*sp = start;
	return mm_copy_in(pid, start, PROC_STACK_TOP - start, STACK_AT);
}

static enum error stack_make(const struct spawn *spawn, const struct elf *elf, uint32_t pid,
			     uint64_t *sp)
{
	const struct mm_map map = {
		.vaddr = PROC_STACK_TOP - PROC_STACK_BYTES,
		.bytes = PROC_STACK_BYTES,
		.flags = MM_MAP_FLAGS(MM_PROT_READ | MM_PROT_WRITE, MM_KIND_STACK),
	};
	enum error error = mm_map(pid, &map);

	return error == ERR_OK ? stack_fill(spawn, elf, pid, sp) : error;
}

static enum error files_set(struct process *process, const struct spawn *spawn)
{
	for (uint32_t fd = 0; fd < 3; fd++) {
		const word_t want = spawn->fds[fd] == PROC_FD_INHERIT ? fd : spawn->fds[fd];
		struct file *from;

		if (want == PROC_FD_NONE)
			continue;
		if (spawn->parent == NULL) {
			file_console(&process->files[fd]);
			continue;
		}
		from = file_get(spawn->parent, want);
		if (from != NULL)
			file_copy(&process->files[fd], from);
		else if (spawn->fds[fd] != PROC_FD_INHERIT)
			return ERR_ARG;
	}
	return ERR_OK;
}

static int32_t spawn_nice(const struct spawn *spawn)
{
	if (spawn->nice != PROC_NICE_INHERIT)
		return (int32_t)spawn->nice;
	return spawn->parent != NULL ? spawn->parent->nice : 0;
}

static void process_adopt(struct process *process, const struct spawn *spawn, const char *name)
{
	const struct process *parent = spawn->parent;
	struct text text = text_make(process->name, sizeof(process->name));

	text_string(&text, name);
	if (parent != NULL) {
		process_child(spawn->parent, process);
		process->affinity = parent->affinity;
		process->sched_group = parent->sched_group;
		if (!spawn->new_group)
			process->group = parent->group;
	}
	process->nice = spawn_nice(spawn);
	if (!cpumask_empty(&spawn->affinity))
		process->affinity = spawn->affinity;
}

static enum error process_fill(struct process *process, const struct spawn *spawn,
			       const struct elf *elf)
{
	struct thread_args thread = {
		.pc = elf->entry,
		.tls = THREAD_BLOCK_IN_PAGE(proc_ipc_buffer_vaddr(0)),
		.nice = PROC_NICE_INHERIT,
	};
	enum error error = segments_map(process->pid, elf);
	uint32_t tid;

	if (error == ERR_OK)
		error = stack_make(spawn, elf, process->pid, &thread.sp);
	if (error == ERR_OK)
		error = files_set(process, spawn);
	if (error == ERR_OK)
		error = thread_new(process, &thread, &tid);
	return error;
}

static enum error spawn_process(const struct spawn *spawn, struct process **made)
{
	uint32_t at = 0;
	const char *name = string_next(spawn, &at);
	struct elf elf;

	if (name == NULL || spawn->argc == 0 || spawn->argc + spawn->envc > WORDS_MAX)
		return ERR_FORMAT;

	enum error error = archive_program(name, &elf);
	uint64_t memory_bytes = spawn->memory_bytes_max != 0 ? spawn->memory_bytes_max
							     : options.memory_bytes_max;

	if (error == ERR_OK)
		error = realm_process(spawn->parent, spawn->confined, &memory_bytes);
	if (error == ERR_OK)
		error = process_new(
			memory_bytes,
			realm_weight_max(spawn->parent, spawn->confined, spawn_nice(spawn)), made);
	if (error != ERR_OK)
		return error;
	process_adopt(*made, spawn, name);
	realm_enter(*made, spawn->parent, spawn->confined, memory_bytes);
	error = process_fill(*made, spawn, &elf);
	if (error != ERR_OK) {
		/* The reaper frees what there is; the parent hears of it now. */
		(*made)->failed = true;
		process_end(*made, 0, PROC_SIGKILL);
	}
	return error;
}

void spawn_request(struct process *parent, struct msg *m)
{
	const struct spawn spawn = {
		.strings = bounce(0),
		.bytes = (uint32_t)m->w[1],
		.argc = (uint32_t)m->w[2],
		.envc = (uint32_t)m->w[3],
		.new_group = (msg_word(m, 4) & PROC_SPAWN_NEW_GROUP) != 0,
		.confined = (msg_word(m, 4) & PROC_SPAWN_CONFINED) != 0,
		.foreground = (msg_word(m, 4) & PROC_SPAWN_FOREGROUND) != 0,
		.fds = {msg_word(m, 5), msg_word(m, 6), msg_word(m, 7)},
		.memory_bytes_max = msg_word(m, 8),
		.nice = msg_word(m, 9),
		.affinity = {{msg_word(m, 10), msg_word(m, 11)}},
		.parent = parent,
	};
	struct process *made = NULL;
	enum error error = ERR_LIMIT;

	if (m->w[1] <= PROC_ARGS_MAX && m->w[2] <= WORDS_MAX && m->w[3] <= WORDS_MAX)
		error = realm_nice(parent, spawn.nice);
	if (error == ERR_OK)
		error = mm_copy_out(parent->pid, m->w[0], m->w[1], 0);
	if (error == ERR_OK)
		error = spawn_process(&spawn, &made);
	/* What it asks for now is answered after this. */
	if (error == ERR_OK && spawn.foreground)
		console_give(parent, made->group);
	if (error == ERR_OK)
		m->w[0] = made->pid;
	msg_answer(m, error, 1);
}

enum error spawn_first(void)
{
	struct spawn spawn = {.strings = bounce(0),
			      .nice = PROC_NICE_INHERIT,
			      .fds = {PROC_FD_INHERIT, PROC_FD_INHERIT, PROC_FD_INHERIT}};
	struct process *made = NULL;
	char *to = bounce(0);

	/* The name, then all words, the name again as the first of them. */
	for (const char *c = options.run; *c != '\0' && *c != ','; c++)
		*to++ = *c;
	*to++ = '\0';
	spawn.argc = 1;
	for (const char *c = options.run; *c != '\0'; c++) {
		*to++ = *c == ',' ? '\0' : *c;
		spawn.argc += *c == ',';
	}
	*to++ = '\0';
	spawn.bytes = (uint32_t)(to - bounce(0));

	enum error error = spawn_process(&spawn, &made);

	if (error != ERR_OK) {
		log_line(LOG_ERROR, "the first program \"%.*s\" cannot be started: %s",
			 (int)PROC_NAME_MAX, bounce(0), error_text(error));
		return error;
	}
	made->first = true;
	return console_foreground(made, made->group);
}
