/* SPDX-License-Identifier: BSD-2-Clause */
/* nothing: ends with status 0.  The small process that `bench` starts and waits for. */
int main(void)
{
	return 0;
}
