/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON values with type and range. */
#include "internal.h"

#include <math.h>
#include <string.h>

bool value_integer(struct loader *loader, const char *path, struct json_object *value, int64_t min,
		   int64_t max, int64_t *number)
{
	if (!json_object_is_type(value, json_type_int))
		return fail(loader, path, "must be a whole number");
	*number = json_object_get_int64(value);
	if (*number < min || *number > max)
		return fail(loader, path, "must be from %lld to %lld", (long long)min,
			    (long long)max);
	return true;
}

bool value_time(struct loader *loader, const char *path, struct json_object *value, double unit_ns,
		uint64_t *ns)
{
	double number;

	if (!json_object_is_type(value, json_type_int) &&
	    !json_object_is_type(value, json_type_double))
		return fail(loader, path, "must be a number");
	number = json_object_get_double(value) * unit_ns;
	if (isnan(number))
		return fail(loader, path, "must be a number");
	if (number < 0)
		return fail(loader, path, "must not be negative");
	/* 2^53 ns, about 104 days: exact as a double, and sums of a few do not wrap. */
	if (number > 9007199254740992.0)
		return fail(loader, path, "is longer than 104 days");
	*ns = (uint64_t)(number + 0.5);
	return true;
}

bool value_string(struct loader *loader, const char *path, struct json_object *value,
		  bool may_be_empty, const char **string)
{
	if (!json_object_is_type(value, json_type_string))
		return fail(loader, path, "must be a string");
	*string = json_object_get_string(value);
	if (strlen(*string) != (size_t)json_object_get_string_len(value))
		return fail(loader, path, "must not hold a character 0");
	if (!may_be_empty && (*string)[0] == '\0')
		return fail(loader, path, "must not be empty");
	return true;
}

bool value_name(struct loader *loader, const char *path, const char *name, size_t bytes_max)
{
	if (name[0] == '\0')
		return fail(loader, path, "a name must not be empty");
	if (strlen(name) >= bytes_max)
		return fail(loader, path, "a name may have at most %zu bytes", bytes_max - 1);
	for (const char *c = name; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' || *c == '#')
			return fail(loader, path,
				    "a name may have visible ASCII characters only, and no '#'");
	return true;
}

bool value_loop(struct loader *loader, const char *path, struct json_object *value, int64_t *loop)
{
	if (!value_integer(loader, path, value, -1, INT32_MAX, loop))
		return false;
	return *loop != 0 || fail(loader, path, "must be -1 (for ever) or at least 1");
}
