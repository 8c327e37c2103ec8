/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arm semihosting, one call: SYS_EXIT.  On a machine without it the HLT instruction is undefined;
 * trap_kernel() asks semihost_skip(), which knows the one place where that may happen.
 */
#include <arch/exception.h>
#include <drv/semihost.h>

#define SYS_EXIT                 0x18u
#define STOPPED_APPLICATION_EXIT 0x20026u

extern const char semihost_call_site[];

void semihost_exit(uint64_t status)
{
	uint64_t block[2] = {STOPPED_APPLICATION_EXIT, status};
	register uint64_t x0 __asm__("x0") = SYS_EXIT;
	register uint64_t x1 __asm__("x1") = (uint64_t)block;

	__asm__ volatile(".global semihost_call_site\n"
			 "semihost_call_site:\n"
			 "\thlt #0xf000"
			 : "+r"(x0), "+r"(x1)
			 :
			 : "memory");
}

bool semihost_skip(struct exception_frame *frame)
{
	if (frame->pc != (uint64_t)semihost_call_site)
		return false;
	frame->pc += 4;
	return true;
}
