/* SPDX-License-Identifier: BSD-2-Clause */
/* Layout of struct exception_frame for vectors.S; asserted in exception.h. */
#pragma once

#define FRAME_SP     248
#define FRAME_PC     256 /* and pstate */
#define FRAME_ESR    272 /* and far */
#define FRAME_VECTOR 288
#define FRAME_BYTES  304
