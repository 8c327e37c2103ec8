/* SPDX-License-Identifier: BSD-2-Clause */
/* Scheduling groups: the object "groups" of the file, and those that only a taskgroup's path names. */
#include "internal.h"

#include <string.h>

/* One group of the file, before parents come first. */
struct source {
	const char *path;
	const char *parent; /* or null */
	struct workload_group group;
	uint32_t depth;
};

static bool time_read(struct loader *loader, const char *path, struct json_object *object,
		      const char *key, double min_ns, double max_ns, uint64_t *ns)
{
	struct json_object *value;
	const char *where = path_join(loader->arena, path, key);

	if (!json_object_object_get_ex(object, key, &value))
		return true;
	if (!value_time(loader, where, value, 1e3, ns))
		return false;
	return ((double)*ns >= min_ns && (double)*ns <= max_ns) ||
	       fail(loader, where, "must be from %.0f to %.0f", min_ns / 1e3, max_ns / 1e3);
}

static bool cap_read(struct loader *loader, const char *path, struct json_object *object,
		     struct workload_group *group)
{
	const uint32_t cpus = loader->options->cpus > 0 ? loader->options->cpus : CPUS_MAX;

	group->period_ns = WORKLOAD_GROUP_PERIOD_NS;
	if (!time_read(loader, path, object, "period_us", WORKLOAD_GROUP_PERIOD_NS_MIN,
		       WORKLOAD_GROUP_PERIOD_NS_MAX, &group->period_ns))
		return false;
	/* More than all CPUs have is not a cap but a mistake in one of the two. */
	if (!time_read(loader, path, object, "quota_us", WORKLOAD_GROUP_QUOTA_NS_MIN,
		       (double)group->period_ns * cpus, &group->quota_ns))
		return false;
	return group->quota_ns != 0 || !json_object_object_get_ex(object, "period_us", NULL) ||
	       fail(loader, path_join(loader->arena, path, "period_us"),
		    "says nothing without a \"quota_us\"");
}

static bool weight_read(struct loader *loader, const char *path, struct json_object *object,
			struct workload_group *group)
{
	struct json_object *value;
	int64_t weight = nice_weight(0);

	if (json_object_object_get_ex(object, "weight", &value) &&
	    !value_integer(loader, path_join(loader->arena, path, "weight"), value, 1,
			   WEIGHT_LARGEST, &weight))
		return false;
	group->weight = (uint32_t)weight;
	return true;
}

static bool source_read(struct loader *loader, const char *name, struct json_object *object,
			struct source *source)
{
	struct json_object *value;

	if (!json_object_is_type(object, json_type_object))
		return fail(loader, source->path, "must be an object");
	if (!value_name(loader, source->path, name, WORKLOAD_NAME_BYTES_MAX))
		return false;
	snprintf(source->group.name, sizeof(source->group.name), "%s", name);
	json_object_object_foreach(object, key, unused)
	{
		(void)unused;
		if (strcmp(key, "parent") != 0 && strcmp(key, "weight") != 0 &&
		    strcmp(key, "quota_us") != 0 && strcmp(key, "period_us") != 0)
			return fail(loader, path_join(loader->arena, source->path, key),
				    "unknown key \"%s\"; known here: parent, weight, quota_us, "
				    "period_us",
				    key);
	}
	if (json_object_object_get_ex(object, "parent", &value) &&
	    !value_string(loader, path_join(loader->arena, source->path, "parent"), value, false,
			  &source->parent))
		return false;
	return weight_read(loader, source->path, object, &source->group) &&
	       cap_read(loader, source->path, object, &source->group);
}

static struct source *source_named(struct source *sources, uint32_t count, const char *name)
{
	for (uint32_t i = 0; i < count; i++)
		if (strcmp(sources[i].group.name, name) == 0)
			return &sources[i];
	return NULL;
}

/* Walks up; more steps than groups are a cycle. */
static bool depth_find(struct loader *loader, struct source *sources, uint32_t count,
		       struct source *source)
{
	const char *path = path_join(loader->arena, source->path, "parent");
	const struct source *at = source;

	for (source->depth = 1; at->parent != NULL; source->depth++) {
		const struct source *parent = source_named(sources, count, at->parent);

		if (parent == NULL)
			return fail(loader, path_join(loader->arena, at->path, "parent"),
				    "there is no group \"%s\"", at->parent);
		if (parent == source || source->depth > count)
			return fail(loader, path,
				    "makes a cycle: group \"%s\" would be below itself",
				    parent->group.name);
		at = parent;
	}
	return source->depth <= WORKLOAD_GROUP_DEPTH_MAX ||
	       fail(loader, path, "is %u deep; groups nest to depth %u", source->depth,
		    WORKLOAD_GROUP_DEPTH_MAX);
}

/* In the order of the file, level after level. */
static void sources_order(struct loader *loader, struct source *sources, uint32_t count)
{
	struct workload *workload = loader->workload;

	for (uint32_t depth = 1; depth <= WORKLOAD_GROUP_DEPTH_MAX; depth++) {
		for (uint32_t i = 0; i < count; i++) {
			if (sources[i].depth != depth)
				continue;
			sources[i].group.parent = sources[i].parent == NULL
							  ? WORKLOAD_GROUP_NONE
							  : group_named(loader, sources[i].parent);
			workload->groups[workload->group_count++] = sources[i].group;
		}
	}
}

bool groups_read(struct loader *loader, struct json_object *groups)
{
	struct source *sources;
	uint32_t count = 0;

	if (!json_object_is_type(groups, json_type_object))
		return fail(loader, "groups", "must be an object");
	if (json_object_object_length(groups) > (int)WORKLOAD_GROUPS_MAX)
		return fail(loader, "groups", "has more than %u groups", WORKLOAD_GROUPS_MAX);
	sources = arena_alloc(loader->arena, sizeof(*sources) * (WORKLOAD_GROUPS_MAX + 1));
	json_object_object_foreach(groups, key, value)
	{
		sources[count].path = path_join(loader->arena, "groups", key);
		if (!source_read(loader, key, value, &sources[count]))
			return false;
		count++;
	}
	for (uint32_t i = 0; i < count; i++)
		if (!depth_find(loader, sources, count, &sources[i]))
			return false;
	sources_order(loader, sources, count);
	return true;
}

uint32_t group_named(const struct loader *loader, const char *name)
{
	for (uint32_t i = 0; i < loader->workload->group_count; i++)
		if (strcmp(loader->workload->groups[i].name, name) == 0)
			return i;
	return WORKLOAD_GROUP_NONE;
}

static bool group_make(struct loader *loader, const char *where, const char *name, uint32_t parent)
{
	struct workload *workload = loader->workload;
	struct workload_group *group = &workload->groups[workload->group_count];
	uint32_t depth = 1;

	if (!value_name(loader, where, name, WORKLOAD_NAME_BYTES_MAX))
		return false;
	for (uint32_t at = parent; at != WORKLOAD_GROUP_NONE; at = workload->groups[at].parent)
		depth++;
	if (depth > WORKLOAD_GROUP_DEPTH_MAX)
		return fail(loader, where, "is %u deep; groups nest to depth %u", depth,
			    WORKLOAD_GROUP_DEPTH_MAX);
	if (workload->group_count == WORKLOAD_GROUPS_MAX)
		return fail(loader, where, "makes more than %u groups", WORKLOAD_GROUPS_MAX);
	*group = (struct workload_group){
		.parent = parent, .weight = nice_weight(0), .period_ns = WORKLOAD_GROUP_PERIOD_NS};
	snprintf(group->name, sizeof(group->name), "%s", name);
	workload->group_count++;
	return true;
}

bool group_of_path(struct loader *loader, const char *where, const char *name, uint32_t *group)
{
	char *above = arena_alloc(loader->arena, strlen(name) + 2); /* what is read of it, zeroed */
	size_t len = 0;

	*group = WORKLOAD_GROUP_NONE;
	if (name[0] != '/')
		return fail(loader, where,
			    "a taskgroup begins with \"/\"; groups of \"groups\" "
			    "with other names are for the key \"group\"");
	/* As in a file system, more than one slash is one. */
	while (*(name += strspn(name, "/")) != '\0') {
		const size_t part = strcspn(name, "/");
		const uint32_t parent = *group;

		above[len++] = '/';
		memcpy(above + len, name, part);
		len += part;
		name += part;
		*group = group_named(loader, above);
		if (*group != WORKLOAD_GROUP_NONE)
			continue;
		*group = loader->workload->group_count;
		if (!group_make(loader, where, above, parent))
			return false;
	}
	return true;
}
