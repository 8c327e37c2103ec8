/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups of threads: the requests, and when a CPU begins to use the layer of policy/group.
 *
 * Until the first thread of a group comes to a CPU, its policy is the base's own.  Then the layer takes
 * over the queue, and stays: a CPU does not know when the last group will be gone for good.
 * Invariant: where a thread with a group has its home, the CPU is `grouped`.
 *
 * Bad at: getting rid of the layer's cost again when groups are gone.
 */
#include <sched/protocol.h>
#include <sched/sys_if.h>

#include "core.h"
#include "group.h"
#include "thread.h"
#include "upcall.h"

enum error sched_group_attach(struct sched_server *server, struct sched_cpu *cpu)
{
	struct group_cpu *group;

	if (cpu->grouped)
		return ERR_OK;
	group = sched_sys_group_cpu(server, cpu->index);
	if (group == NULL)
		return ERR_STATE;
	if (group_policy_of(cpu->policy) == NULL ||
	    group_cpu_attach(group, &server->groups, cpu->policy, policy_cpu(cpu), cpu->index) !=
		    ERR_OK)
		return ERR_UNSUPPORTED;
	sched_policy_set(cpu, group_policy_of(cpu->policy));
	cpu->grouped = true;
	__atomic_store_n(&server->masks.grouped, true, __ATOMIC_RELAXED);
	return ERR_OK;
}

void sched_group_sync(struct sched_server *server, struct sched_thread *thread)
{
	sched_thread_params(server, thread)->group = group_tag(policy_thread(thread))->id;
}

void sched_group_admit(struct sched_server *server, struct sched_cpu *cpu,
		       struct sched_thread *thread)
{
	struct group_tag *tag = group_tag(policy_thread(thread));

	if (tag->id != 0 &&
	    (!group_exists(&server->groups, tag->id) || sched_group_attach(server, cpu) != ERR_OK))
		tag->id = 0;
	sched_group_sync(server, thread);
}

void sched_group_idle(struct sched_cpu *cpu)
{
	__atomic_store_n(&cpu->waits, cpu->grouped ? group_waits(policy_cpu(cpu)) : 0,
			 __ATOMIC_RELAXED);
}

bool sched_group_waits(const struct sched_server *server, uint32_t cpu)
{
	return __atomic_load_n(&server->cpu[cpu].waits, __ATOMIC_RELAXED) != 0;
}

bool sched_group_stays(const struct sched_server *server, struct sched_cpu *cpu,
		       struct sched_thread *thread, uint32_t target)
{
	const uint64_t waits = __atomic_load_n(&server->cpu[target].waits, __ATOMIC_RELAXED);

	return cpu->grouped && waits != 0 &&
	       group_would_wait(group_cpu_of(policy_cpu(cpu)),
				group_tag(policy_thread(thread))->node, waits);
}

/* ---- Who may do what ------------------------------------------------------------------------- */

/*
 * The client's own thread says whether it is confined.  A passive server that acts for somebody else has
 * none here, and whoever it acts for may ask itself.
 */
static const struct sched_thread_params *client_of(struct sched_server *server,
						   const struct sched_request *request)
{
	struct sched_thread *payer = sched_thread_find(server, request->payer_tag);
	const struct sched_thread_params *params;

	if (payer == NULL)
		return NULL;
	params = sched_thread_params(server, payer);
	return (params->flags & SCHED_THREAD_USED) != 0 && params->pid == (uint32_t)request->badge
		       ? params
		       : NULL;
}

/* `top` is 0 for who may touch all groups. */
static enum error client_top(struct sched_server *server, const struct sched_request *request,
			     group_id_t *top)
{
	const struct sched_thread_params *client;

	*top = 0;
	if ((request->badge & SCHED_BADGE_PRIVILEGED) != 0)
		return ERR_OK;
	client = client_of(server, request);
	if (client == NULL)
		return ERR_PERMISSION;
	if ((client->flags & SCHED_THREAD_CONFINED) == 0)
		return ERR_OK;
	*top = client->group_top;
	return group_exists(&server->groups, *top) ? ERR_OK : ERR_PERMISSION;
}

enum error sched_group_allowed(struct sched_server *server, const struct sched_request *request,
			       group_id_t group)
{
	group_id_t top;
	enum error error = client_top(server, request, &top);

	if (error != ERR_OK)
		return error;
	if ((request->badge & SCHED_BADGE_PRIVILEGED) != 0)
		top = request->words[3];
	if (group != 0 && !group_exists(&server->groups, group))
		return ERR_NOT_FOUND;
	return top == 0 || group_within(&server->groups, group, top) ? ERR_OK : ERR_PERMISSION;
}

static uint32_t groups_below(const struct sched_server *server, group_id_t top)
{
	uint32_t count = 0;
	group_id_t id;

	for (uint64_t index = 0; (id = group_next(&server->groups, index)) != 0;
	     index = SCHED_GROUP_INDEX(id) + 1)
		count += id != top && group_within(&server->groups, id, top);
	return count;
}

/* ---- Requests -------------------------------------------------------------------------------- */

static enum error group_create_request(struct sched_server *server, struct sched_cpu *cpu,
				       const struct sched_request *request, group_id_t top,
				       word_t *id)
{
	const struct group_config config = {
		.parent = request->words[0],
		.weight = request->words[1] > POLICY_WEIGHT_MAX ? 0 : (uint32_t)request->words[1],
		.quota_ns = request->words[2],
		.period_ns = request->words[3],
	};
	enum error error = ERR_OK;

	if (config.parent != 0 && !group_exists(&server->groups, config.parent))
		return ERR_NOT_FOUND;
	if (top != 0 && !group_within(&server->groups, config.parent, top))
		return ERR_PERMISSION;
	if (top != 0 && groups_below(server, top) >= SCHED_GROUPS_CONFINED_MAX)
		return ERR_LIMIT;
	error = sched_group_attach(server, cpu);
	return error == ERR_OK ? group_create(&server->groups, &config, id) : error;
}

/* Change or delete: a confined client's own group is not its to change. */
static enum error group_change_request(struct sched_server *server,
				       const struct sched_request *request, group_id_t top)
{
	const group_id_t id = request->words[0];
	const struct group_config config = {
		.weight = request->words[1] > POLICY_WEIGHT_MAX ? 0 : (uint32_t)request->words[1],
		.quota_ns = request->words[2],
		.period_ns = request->words[3],
	};

	if (!group_exists(&server->groups, id))
		return ERR_NOT_FOUND;
	if (top != 0 && (id == top || !group_within(&server->groups, id, top)))
		return ERR_PERMISSION;
	return msg_label_of(request) == SCHED_REQ_GROUP_DELETE
		       ? group_delete(&server->groups, id)
		       : group_set(&server->groups, id, &config);
}

static word_t field_load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static enum error group_get_request(struct sched_server *server,
				    const struct sched_request *request, word_t *value)
{
	const uint32_t index = group_index(request->words[0]);
	const struct group_common *group = &server->groups.group[index];
	const struct group_record *record = &server->groups.record[index];
	const uint32_t parent = __atomic_load_n(&group->parent, __ATOMIC_RELAXED);
	const word_t fields[SCHED_GROUP_FIELD_COUNT] = {
		[SCHED_GROUP_PARENT] = parent == 0 ? 0
						   : field_load(&server->groups.group[parent].id),
		[SCHED_GROUP_DEPTH] = __atomic_load_n(&group->depth, __ATOMIC_RELAXED),
		[SCHED_GROUP_WEIGHT] = __atomic_load_n(&group->weight, __ATOMIC_RELAXED),
		[SCHED_GROUP_QUOTA_NS] = field_load(&group->quota_ns),
		[SCHED_GROUP_PERIOD_NS] = field_load(&group->period_ns),
		[SCHED_GROUP_MEMBERS] = field_load(&group->members),
		[SCHED_GROUP_USED_NS] = field_load(&record->used_ns),
		[SCHED_GROUP_THROTTLED_NS] = field_load(&record->throttled_ns),
		[SCHED_GROUP_PERIODS] = field_load(&record->periods),
		[SCHED_GROUP_PERIODS_THROTTLED] = field_load(&record->throttled_periods),
	};

	if (!group_exists(&server->groups, request->words[0]))
		return ERR_NOT_FOUND;
	if (request->words[1] >= SCHED_GROUP_FIELD_COUNT)
		return ERR_ARG;
	*value = fields[request->words[1]];
	return ERR_OK;
}

void sched_group_request(struct sched_server *server, struct sched_cpu *cpu,
			 const struct sched_request *request, enum error *error, word_t *w1)
{
	const word_t label = msg_label_of(request);
	group_id_t top = 0;

	*w1 = 0;
	if (label == SCHED_REQ_GROUP_GET) {
		*error = group_get_request(server, request, w1);
		return;
	}
	if (label == SCHED_REQ_GROUP_NEXT) {
		*w1 = group_next(&server->groups, request->words[0]);
		*error = *w1 == 0 ? ERR_NOT_FOUND : ERR_OK;
		return;
	}
	*error = client_top(server, request, &top);
	if (*error != ERR_OK)
		return;
	*error = label == SCHED_REQ_GROUP_CREATE
			 ? group_create_request(server, cpu, request, top, w1)
			 : group_change_request(server, request, top);
}
