/* SPDX-License-Identifier: BSD-2-Clause */
#include "hash_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsys/clock.h>
#include <libsys/errno.h>
#include <libsys/file.h>
#include <libsys/threads.h>

#include "program.h"

static struct hash_file *job_add(struct hash_job *job)
{
	struct hash_file *files = realloc(job->files, (job->count + 1) * sizeof(struct hash_file));

	if (!files)
		program_fail("listing files", ERR_NO_MEMORY);
	job->files = files;
	memset(&files[job->count], 0, sizeof(files[0]));
	return &files[job->count++];
}

static int larger_first(const void *a, const void *b)
{
	const struct hash_file *x = a;
	const struct hash_file *y = b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return strcmp(x->name, y->name);
}

void hash_job_all(struct hash_job *job)
{
	struct file_entry entry;
	enum error error;

	*job = (struct hash_job){0};
	for (word_t i = 0; (error = file_list(i, &entry)) == ERR_OK; i++) {
		struct hash_file *file = job_add(job);

		memcpy(file->name, entry.name, sizeof(file->name));
		file->bytes = entry.bytes;
	}
	if (error != ERR_NOT_FOUND)
		program_fail("listing files", error);
	qsort(job->files, job->count, sizeof(job->files[0]), larger_first);
}

void hash_job_named(struct hash_job *job, char *const *names, unsigned count)
{
	*job = (struct hash_job){0};
	for (unsigned i = 0; i < count; i++)
		strncpy(job_add(job)->name, names[i], PROC_NAME_MAX - 1);
}

static void hash_one(struct hash_file *file)
{
	struct sha256 hash;
	const void *data;

	file->error = file_map(file->name, &data, &file->bytes);
	if (file->error != ERR_OK)
		return;
	sha256_init(&hash);
	sha256_add(&hash, data, file->bytes);
	sha256_end(&hash, file->digest);
	file->error = file_unmap(data, file->bytes);
}

static int worker_main(void *arg)
{
	struct hash_job *job = arg;

	for (;;) {
		/* Relaxed: the index only decides who does which file. */
		unsigned i = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed);

		if (i >= job->count)
			return 0;
		hash_one(&job->files[i]);
	}
}

unsigned hash_job_run(struct hash_job *job, unsigned workers)
{
	struct thread *threads[64];
	unsigned failed = 0;
	time_ns_t start = clock_now_ns();

	job->workers = workers < 64 ? workers : 64;
	for (unsigned i = 0; i < job->workers; i++)
		if (thrd_create(&threads[i], worker_main, job) != thrd_success)
			program_fail("starting a hash thread", ERR_NO_MEMORY);
	for (unsigned i = 0; i < job->workers; i++)
		thrd_join(threads[i], NULL);
	job->ns = clock_now_ns() - start;
	for (unsigned i = 0; i < job->count; i++) {
		job->bytes += job->files[i].bytes;
		failed += job->files[i].error != ERR_OK;
	}
	return failed;
}

void hash_job_print(const struct hash_job *job)
{
	char hex[2 * SHA256_BYTES + 1];

	for (unsigned i = 0; i < job->count; i++) {
		const struct hash_file *file = &job->files[i];

		if (file->error != ERR_OK) {
			printf("sha256: %s: %s\n", file->name, error_text(file->error));
			continue;
		}
		sha256_hex(file->digest, hex);
		printf("@@BATON-SHA256 %s %s\n", hex, file->name);
	}
}
