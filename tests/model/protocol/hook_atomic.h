/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each atomic operation first tells the explorer, which may let another CPU go on before it is
 * carried out.  The operation itself stays what the kernel wrote.
 */
#pragma once

#include <stdint.h>

enum model_op { MODEL_LOAD, MODEL_STORE, MODEL_RMW, MODEL_FENCE };

/* A CPU is about to do this; returns when it may. */
void model_at(enum model_op op, const volatile void *at, unsigned bytes, const char *where);
/* It has set bits of a word that had this value. */
void model_after_or(const volatile void *at, uint64_t old);

#define MODEL_TEXT(x)  #x
#define MODEL_LINE(x)  MODEL_TEXT(x)
#define MODEL_HERE(op) __FILE__ ":" MODEL_LINE(__LINE__) " " op

#define MODEL_RUN(op, p, what, call)                                         \
	({                                                                   \
		model_at(op, (p), (unsigned)sizeof(*(p)), MODEL_HERE(what)); \
		call;                                                        \
	})
/* The value first: computing it may read other words. */
#define MODEL_RMW_OF(name, p, v, o)                                                         \
	({                                                                                  \
		__typeof__(*(p)) model_v = (v);                                             \
		model_at(MODEL_RMW, (p), (unsigned)sizeof(*(p)), MODEL_HERE(#name " " #p)); \
		__typeof__(*(p)) model_o = name((p), model_v, (o));                         \
		if (__builtin_strcmp(#name, "__atomic_fetch_or") == 0)                      \
			model_after_or((p), (uint64_t)(uintptr_t)model_o);                  \
		model_o;                                                                    \
	})

#define __atomic_load_n(p, o) MODEL_RUN(MODEL_LOAD, (p), "load " #p, __atomic_load_n((p), (o)))
#define __atomic_store_n(p, v, o)                                                            \
	({                                                                                   \
		__typeof__(*(p)) model_v = (v);                                              \
		model_at(MODEL_STORE, (p), (unsigned)sizeof(*(p)), MODEL_HERE("store " #p)); \
		__atomic_store_n((p), model_v, (o));                                         \
	})
#define __atomic_fetch_or(p, v, o)   MODEL_RMW_OF(__atomic_fetch_or, p, v, o)
#define __atomic_fetch_and(p, v, o)  MODEL_RMW_OF(__atomic_fetch_and, p, v, o)
#define __atomic_fetch_add(p, v, o)  MODEL_RMW_OF(__atomic_fetch_add, p, v, o)
#define __atomic_add_fetch(p, v, o)  MODEL_RMW_OF(__atomic_add_fetch, p, v, o)
#define __atomic_exchange_n(p, v, o) MODEL_RMW_OF(__atomic_exchange_n, p, v, o)
#define __atomic_compare_exchange_n(p, e, d, weak, so, fo) \
	MODEL_RUN(MODEL_RMW, (p), "compare-exchange " #p,  \
		  __atomic_compare_exchange_n((p), (e), (d), (weak), (so), (fo)))
