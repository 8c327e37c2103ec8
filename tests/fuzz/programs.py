# SPDX-License-Identifier: BSD-2-Clause
"""Seeds for the targets whose input is a sequence of operations."""


def seeds():
    return {}
