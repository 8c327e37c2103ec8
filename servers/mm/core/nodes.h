/* SPDX-License-Identifier: BSD-2-Clause */
/* Nodes of page maps are frames, seen through mm's window. */
#pragma once

#include "pagemap.h"

extern const struct pagemap_ops nodes_ops;
