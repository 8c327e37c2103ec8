/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AArch64 local-exec TLS: the segment's first byte is at TPIDR_EL0 + 16, rounded up to the
 * segment's alignment.  The 16 bytes are our struct thread_block.
 */
#include <string.h>

#include "thread.h"

/* From user.ld; the addresses of the last two are their values. */
extern const char __tdata_start[];
extern const char __tdata_bytes[];
extern const char __tls_bytes[];
extern const char __tls_align[];

static size_t tls_align(void)
{
	size_t align = (size_t)__tls_align;

	return align < 16 ? 16 : align;
}

static size_t tls_offset(void)
{
	return (sizeof(struct thread_block) + tls_align() - 1) & ~(tls_align() - 1);
}

size_t tls_area_bytes(void)
{
	return tls_offset() + (size_t)__tls_bytes + tls_align();
}

struct thread_block *tls_area_init(void *area)
{
	uintptr_t at = ((uintptr_t)area + tls_align() - 1) & ~(uintptr_t)(tls_align() - 1);

	memcpy((char *)at + tls_offset(), __tdata_start, (size_t)__tdata_bytes);
	memset((char *)at + tls_offset() + (size_t)__tdata_bytes, 0,
	       (size_t)__tls_bytes - (size_t)__tdata_bytes);
	return (struct thread_block *)at;
}
