/* SPDX-License-Identifier: BSD-2-Clause */
#include "turns.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

static sem_t to_service, to_test;
static void (*body)(void);

static void *run(void *none)
{
	(void)none;
	body();
	return NULL;
}

void turns_start(void (*service)(void))
{
	pthread_t thread;

	body = service;
	sem_init(&to_service, 0, 0);
	sem_init(&to_test, 0, 0);
	if (pthread_create(&thread, NULL, run, NULL) != 0)
		abort();
	sem_wait(&to_test);
}

void turns_service(void)
{
	sem_post(&to_service);
	sem_wait(&to_test);
}

void turns_test(void)
{
	sem_post(&to_test);
	sem_wait(&to_service);
}
