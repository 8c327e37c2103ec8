/* SPDX-License-Identifier: BSD-2-Clause */
/* Arm semihosting.  On a machine without it the HLT instruction is undefined: trap_kernel() answers then. */
#include <base/bytes.h>
#include <drv/semihost.h>

#define SYS_OPEN                 0x01u
#define SYS_WRITE                0x05u
#define SYS_EXIT                 0x18u
#define STOPPED_APPLICATION_EXIT 0x20026u
#define OPEN_MODE_CREATE         5u /* "wb" */

static uint64_t semihost_file;
static char semihost_name[256];

static __attribute__((noinline)) uint64_t semihost_call(uint64_t number, const uint64_t *block)
{
	register uint64_t x0 __asm__("x0") = number;
	register uint64_t x1 __asm__("x1") = (uint64_t)block;

	__asm__ volatile("hlt #0xf000" : "+r"(x0), "+r"(x1) : : "memory");
	return x0;
}

void semihost_exit(uint64_t status)
{
	const uint64_t block[] = {STOPPED_APPLICATION_EXIT, status};

	(void)semihost_call(SYS_EXIT, block);
}

bool semihost_create(const char *name, size_t bytes)
{
	const uint64_t block[] = {(uint64_t)semihost_name, OPEN_MODE_CREATE, bytes};

	if (bytes >= sizeof(semihost_name))
		return false;
	bytes_copy(semihost_name, name, bytes);
	semihost_name[bytes] = '\0';
	semihost_file = semihost_call(SYS_OPEN, block);
	return semihost_file != UINT64_MAX;
}

void semihost_write(const void *bytes, size_t count)
{
	const uint64_t block[] = {semihost_file, (uint64_t)bytes, count};

	(void)semihost_call(SYS_WRITE, block);
}
