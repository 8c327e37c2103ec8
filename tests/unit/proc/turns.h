/* SPDX-License-Identifier: BSD-2-Clause */
/* The service's host thread, which takes turns with the test's.  A file of its own: what the C
 * library's threads declare has names of the scheduler server's protocol. */
#pragma once

/* Run it until it first waits. */
void turns_start(void (*service)(void));
/* The test's: let the service go on until it waits again. */
void turns_service(void);
/* The service's: let the test go on until it has something to say. */
void turns_test(void);
