// SPDX-License-Identifier: MIT
#include "tools/tranche/names.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "tools/tranche/broker.h"
#include "tools/tranche/json.h"
#include "tools/tranche/message.h"

typedef bool (*names_test)(sd_json_variant *vgpu, const char *word);

static bool has_uuid(sd_json_variant *vgpu, const char *word)
{
	return strcasecmp(json_text(vgpu, "uuid", ""), word) == 0;
}

static bool has_name(sd_json_variant *vgpu, const char *word)
{
	return strcmp(json_text(vgpu, "name", ""), word) == 0;
}

static bool begins_so(sd_json_variant *vgpu, const char *word)
{
	return strncasecmp(json_text(vgpu, "uuid", ""), word, strlen(word)) ==
	       0;
}

/* How many fit; the first two of them. */
static size_t matches_find(sd_json_variant *vgpus, const char *word,
			   names_test test, sd_json_variant *found[static 2])
{
	size_t count = 0;

	for (size_t i = 0; vgpus && i < sd_json_variant_elements(vgpus); i++) {
		sd_json_variant *vgpu = sd_json_variant_by_index(vgpus, i);

		if (!test(vgpu, word))
			continue;
		if (count < 2)
			found[count] = vgpu;
		count++;
	}
	return count;
}

sd_json_variant *names_find(sd_json_variant *vgpus, const char *word)
{
	static const names_test tests[] = {has_uuid, has_name, begins_so};
	sd_json_variant *found[2] = {NULL, NULL};
	size_t count = 0;

	if (word[0])
		for (size_t i = 0; i < 3 && count == 0; i++)
			count = matches_find(vgpus, word, tests[i], found);
	if (count == 1)
		return found[0];
	if (count == 0)
		message_bad("there is no vGPU '%s': see 'tranche list'", word);
	else
		message_bad("'%s' fits more than one vGPU (%s, %s): give more "
			    "of the UUID",
			    word, json_text(found[0], "uuid", "?"),
			    json_text(found[1], "uuid", "?"));
	return NULL;
}

int names_resolve(sd_varlink *link, const char *word, sd_json_variant **vgpu)
{
	_json_ sd_json_variant *reply = NULL;
	sd_json_variant *found;
	int r;

	r = broker_call(link, "ListVgpus", NULL, &reply);
	if (r < 0)
		return r;
	found = names_find(json_array(reply, "vgpus"), word);
	if (!found)
		return -ENOENT;
	*vgpu = sd_json_variant_ref(found);
	return 0;
}
