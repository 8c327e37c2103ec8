/* SPDX-License-Identifier: BSD-2-Clause */
#include <libsys/errno.h>

const char *error_text(enum error error)
{
	static const char *const texts[ERR_COUNT] = {
#define X(name, value, meaning) [value] = meaning,
		ERROR_LIST(X)
#undef X
	};

	return (unsigned)error < ERR_COUNT ? texts[error] : "unknown error";
}
