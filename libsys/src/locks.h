/* SPDX-License-Identifier: BSD-2-Clause */
/* What the C library calls; it declares none of this. */
#pragma once

#include <libsys/threads.h>

struct __lock {
	struct mtx mutex;
};

extern struct __lock __lock___libc_recursive_mutex;
void __retarget_lock_init(struct __lock **lock);
void __retarget_lock_init_recursive(struct __lock **lock);
void __retarget_lock_close(struct __lock *lock);
void __retarget_lock_close_recursive(struct __lock *lock);
void __retarget_lock_acquire(struct __lock *lock);
void __retarget_lock_acquire_recursive(struct __lock *lock);
int __retarget_lock_try_acquire(struct __lock *lock);
int __retarget_lock_try_acquire_recursive(struct __lock *lock);
void __retarget_lock_release(struct __lock *lock);
void __retarget_lock_release_recursive(struct __lock *lock);
