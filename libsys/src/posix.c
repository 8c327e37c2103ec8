/* SPDX-License-Identifier: BSD-2-Clause */
/* The POSIX functions that the C library stands on, made of libsys's own. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include <libsys/clock.h>
#include <libsys/errno.h>
#include <libsys/file.h>
#include <libsys/memory.h>
#include <libsys/process.h>
#include <libsys/threads.h>

#include "thread.h"

int error_to_errno(enum error error)
{
	static const unsigned char table[ERR_COUNT] = {
		[ERR_CAP_INVALID] = EBADF,  [ERR_ARG] = EINVAL,
		[ERR_RANGE] = EINVAL,       [ERR_ALIGN] = EINVAL,
		[ERR_NO_MEMORY] = ENOMEM,   [ERR_WOULD_BLOCK] = EAGAIN,
		[ERR_TRUNCATED] = EMSGSIZE, [ERR_CANCELLED] = EINTR,
		[ERR_DEAD] = ESRCH,         [ERR_FAULT_ADDR] = EFAULT,
		[ERR_LIMIT] = EAGAIN,       [ERR_NOT_FOUND] = ENOENT,
		[ERR_EXISTS] = EEXIST,      [ERR_BUSY] = EBUSY,
		[ERR_TIMEOUT] = ETIMEDOUT,  [ERR_FORMAT] = ENOEXEC,
		[ERR_UNSUPPORTED] = ENOSYS, [ERR_PERMISSION] = EPERM,
		[ERR_BROKEN_PIPE] = EPIPE,  [ERR_IO] = EIO,
		[ERR_NO_TIME] = EBUSY,
	};

	if (error == ERR_OK)
		return 0;
	return error < ERR_COUNT && table[error] ? table[error] : EIO;
}

static int fail(enum error error)
{
	errno = error_to_errno(error);
	return -1;
}

/* --- Files --- */

/* proc says ERR_ARG where there is no such descriptor, or one that cannot do it. */
static int fail_descriptor(enum error error)
{
	return fail(error == ERR_ARG ? ERR_CAP_INVALID : error);
}

int open(const char *name, int flags, ...)
{
	word_t fd;

	if ((flags & O_ACCMODE) != O_RDONLY)
		return fail(ERR_PERMISSION);
	enum error error = file_open(name, &fd, NULL);

	return error == ERR_OK ? (int)fd : fail(error);
}

int close(int fd)
{
	enum error error = file_close((word_t)fd);

	return error == ERR_OK ? 0 : fail_descriptor(error);
}

ssize_t read(int fd, void *to, size_t bytes)
{
	size_t got;
	enum error error = file_read((word_t)fd, to, bytes, &got);

	return error == ERR_OK ? (ssize_t)got : fail_descriptor(error);
}

ssize_t write(int fd, const void *from, size_t bytes)
{
	enum error error = file_write((word_t)fd, from, bytes);

	return error == ERR_OK ? (ssize_t)bytes : fail_descriptor(error);
}

_off_t lseek(int fd, _off_t offset, int whence)
{
	struct file_stat stat;
	enum error error = file_stat((word_t)fd, &stat);
	_off_t base = 0;

	if (error != ERR_OK)
		return fail_descriptor(error);
	if (whence == SEEK_CUR)
		base = (_off_t)stat.position;
	else if (whence == SEEK_END)
		base = (_off_t)stat.bytes;
	if (__builtin_add_overflow(base, offset, &base) || base < 0)
		return fail(ERR_ARG);
	error = file_seek((word_t)fd, (size_t)base);
	if (error == ERR_OK)
		return base;
	errno = error == ERR_ARG ? ESPIPE : error_to_errno(error);
	return -1;
}

int isatty(int fd)
{
	struct file_stat stat;

	return file_stat((word_t)fd, &stat) == ERR_OK && stat.kind == PROC_FILE_CONSOLE;
}

int pipe(int fds[2])
{
	word_t ends[2];
	enum error error = pipe_create(&ends[0], &ends[1]);

	if (error != ERR_OK)
		return fail(error);
	fds[0] = (int)ends[0];
	fds[1] = (int)ends[1];
	return 0;
}

int dup2(int old_fd, int new_fd)
{
	word_t fd;
	enum error error = file_duplicate((word_t)old_fd, (word_t)new_fd, &fd);

	return error == ERR_OK ? (int)fd : fail_descriptor(error);
}

/* --- Processes --- */

void _exit(int status)
{
	stdio_flush_thread();
	process_exit(status);
}

pid_t getpid(void)
{
	struct process_self self;

	return process_info(&self) == ERR_OK ? (pid_t)self.pid : -1;
}

int kill(pid_t pid, int number)
{
	enum error error = process_kill((word_t)pid, (unsigned)number, false);

	return error == ERR_OK ? 0 : fail(error == ERR_NOT_FOUND ? ERR_DEAD : error);
}

void abort(void)
{
	stdio_flush_thread();
	kill(getpid(), PROC_SIGABRT);
	process_exit(128 + PROC_SIGABRT);
}

/* --- Memory: one reserved region, whose pages get frames when they are touched --- */

#define HEAP_BYTES_MAX (1ull << 30)
#define HEAP_BYTES_MIN (1ull << 20)

static char *heap_start;
static char *heap_break;
static char *heap_end;

/* Called under the heap's lock only. */
static bool heap_reserve(void)
{
	void *at;

	for (size_t bytes = HEAP_BYTES_MAX; bytes >= HEAP_BYTES_MIN; bytes /= 2) {
		if (memory_map(bytes, MM_PROT_READ | MM_PROT_WRITE, &at) != ERR_OK)
			continue;
		heap_start = heap_break = at;
		heap_end = heap_start + bytes;
		return true;
	}
	return false;
}

void *sbrk(ptrdiff_t bytes)
{
	if ((!heap_start && !heap_reserve()) ||
	    (bytes > 0 ? bytes > heap_end - heap_break : -bytes > heap_break - heap_start)) {
		errno = ENOMEM;
		return (void *)-1;
	}
	char *old = heap_break;

	heap_break += bytes;
	return old;
}

/* --- Time --- */

static struct timespec timespec_of(time_ns_t ns)
{
	return (struct timespec){.tv_sec = (time_t)(ns / 1000000000u),
				 .tv_nsec = (long)(ns % 1000000000u)};
}

static time_ns_t thread_cpu_ns(void)
{
	return sys_thread_clock().cpu_ns - thread_self()->clock_base_ns;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	if (clock == CLOCK_PROCESS_CPUTIME_ID)
		return fail(ERR_UNSUPPORTED);
	*time = timespec_of(clock == CLOCK_THREAD_CPUTIME_ID ? thread_cpu_ns() : clock_now_ns());
	return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
	time_ns_t now = clock_now_ns();

	(void)zone;
	time->tv_sec = (time_t)(now / 1000000000u);
	time->tv_usec = (suseconds_t)(now / 1000u % 1000000u);
	return 0;
}

clock_t times(struct tms *times)
{
	clock_t user = (clock_t)(thread_cpu_ns() / (1000000000u / CLOCKS_PER_SEC));

	*times = (struct tms){.tms_utime = user};
	return (clock_t)(clock_now_ns() / (1000000000u / CLOCKS_PER_SEC));
}

time_t time(time_t *to)
{
	time_t now = (time_t)(clock_now_ns() / 1000000000u);

	if (to)
		*to = now;
	return now;
}

int nanosleep(const struct timespec *duration, struct timespec *remaining)
{
	if (duration->tv_nsec < 0 || duration->tv_nsec > 999999999)
		return fail(ERR_ARG);
	return thrd_sleep(duration, remaining);
}

int usleep(useconds_t us)
{
	thread_sleep_until(time_add_ns(clock_now_ns(), (time_ns_t)us * 1000u));
	return 0;
}

unsigned sleep(unsigned seconds)
{
	thread_sleep_until(time_add_ns(clock_now_ns(), (time_ns_t)seconds * 1000000000u));
	return 0;
}
