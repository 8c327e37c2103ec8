/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of a loaded workload, and how faults are told. */
#include "internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
	struct arena_block *next;
	max_align_t bytes[];
};

void *arena_alloc(struct arena *arena, size_t bytes)
{
	struct arena_block *block = calloc(1, sizeof(*block) + bytes);

	if (block == NULL) {
		fputs("baton-workload: out of memory\n", stderr);
		exit(1);
	}
	block->next = arena->blocks;
	arena->blocks = block;
	return block->bytes;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text = arena_alloc(arena, (size_t)len + 1);
	va_start(args, format);
	vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	return text;
}

char *path_join(struct arena *arena, const char *path, const char *key)
{
	const char *quote = strchr(key, '.') != NULL ? "\"" : "";

	return arena_format(arena, "%s%s%s%s%s", path, path[0] != '\0' ? "." : "", quote, key,
			    quote);
}

void arena_free(struct arena *arena)
{
	while (arena->blocks != NULL) {
		struct arena_block *next = arena->blocks->next;

		free(arena->blocks);
		arena->blocks = next;
	}
}

bool fail(struct loader *loader, const char *path, const char *format, ...)
{
	struct workload_fault *fault = loader->fault;
	va_list args;

	snprintf(fault->path, sizeof(fault->path), "%s", path);
	if (fault->line == 0)
		fault->line = scan_line(&loader->places, path);
	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	return false;
}

void note(struct loader *loader, const char *path, const char *format, ...)
{
	char text[300];
	char whole[1024];
	va_list args;

	if (loader->options->note == NULL)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(whole, sizeof(whole), "%s: %s", path, text);
	loader->options->note(loader->options->context, whole);
}

void ignore(struct loader *loader, const char *path)
{
	loader->ignored = loader->ignored == NULL
				  ? path
				  : arena_format(loader->arena, "%s, %s", loader->ignored, path);
}

/* The file's own words may hold what breaks the line, or commands for a terminal. */
static void visible_print(const char *text, FILE *out)
{
	for (; *text != '\0'; text++) {
		if (*text >= ' ' && *text <= '~')
			fputc(*text, out);
		else
			fprintf(out, "\\x%02x", (unsigned char)*text);
	}
}

void workload_fault_print(const struct workload_fault *fault, const char *file, FILE *out)
{
	fprintf(out, "%s:", file);
	if (fault->line > 0)
		fprintf(out, "%u:", fault->line);
	if (fault->path[0] != '\0') {
		fputc(' ', out);
		visible_print(fault->path, out);
		fputc(':', out);
	}
	fputc(' ', out);
	visible_print(fault->text, out);
	fputc('\n', out);
}
