/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts of the reasons for which a reader refuses its input.  A reader's header lists its reasons once,
 * as X(name, text); its x_reason_text() is
 *
 *	static const char *const texts[] = {X_REASON_LIST(REASON_TEXT)};
 *
 *	return reason_text(texts, X_REASON_COUNT, (uint32_t)reason);
 */
#pragma once

#include <abi/types.h>

#define REASON_TEXT(name, text) text,

/* Never NULL; a number that is no reason has a text, too. */
static inline const char *reason_text(const char *const texts[], uint32_t count, uint32_t reason)
{
	return reason < count ? texts[reason] : "unknown reason";
}
