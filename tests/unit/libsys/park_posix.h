/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <pthread.h>

#include <abi/types.h>
