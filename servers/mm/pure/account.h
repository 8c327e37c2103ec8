/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages charged to one space, against its limit.  The space's lock guards it. */
#pragma once

#include <abi/error.h>
#include <abi/types.h>

struct account {
	uint64_t pages;
	uint64_t limit; /* 0: none */
	uint64_t peak;
};

/* Whatever the limit is. */
static inline void account_add(struct account *account, uint64_t pages)
{
	account->pages += pages;
	if (account->pages > account->peak)
		account->peak = account->pages;
}

/* ERR_LIMIT: nothing was charged. */
__attribute__((warn_unused_result)) static inline enum error account_charge(struct account *account,
									    uint64_t pages)
{
	if (account->limit != 0 &&
	    (pages > account->limit || account->pages > account->limit - pages))
		return ERR_LIMIT;
	account_add(account, pages);
	return ERR_OK;
}

static inline void account_uncharge(struct account *account, uint64_t pages)
{
	account->pages -= pages;
}
