/* SPDX-License-Identifier: BSD-2-Clause */
/* The examples of FIPS 180-4, and that pieces of any length give the same digest as the whole. */
#include <criterion/criterion.h>
#include <string.h>

#include "../../../libsys/programs/lib/sha256.h"

static void expect(const void *data, size_t bytes, size_t piece, const char *wanted)
{
	struct sha256 hash;
	uint8_t digest[SHA256_BYTES];
	char hex[2 * SHA256_BYTES + 1];

	sha256_init(&hash);
	for (size_t at = 0; at < bytes; at += piece)
		sha256_add(&hash, (const char *)data + at, piece < bytes - at ? piece : bytes - at);
	sha256_end(&hash, digest);
	sha256_hex(digest, hex);
	cr_assert_str_eq(hex, wanted, "%zu bytes in pieces of %zu", bytes, piece);
}

Test(sha256, standard_examples)
{
	expect("", 0, 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	expect("abc", 3, 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	const char *two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

	expect(two, strlen(two), 56,
	       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

Test(sha256, a_million_a_in_pieces)
{
	static char data[1000000];

	memset(data, 'a', sizeof(data));
	for (size_t piece = 1; piece < 300; piece += 37)
		expect(data, sizeof(data), piece,
		       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
