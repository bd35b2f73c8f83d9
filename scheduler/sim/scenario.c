// SPDX-License-Identifier: MIT
/*
 * Reading scenarios.
 *
 * Each JSON object has a table of the keys it may hold. Keys are read in the
 * table's order, not the file's, so that what later keys refer to is known.
 */
#include "scheduler/sim/scenario.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-json.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

const char *const sim_engine_names[SIM_ENGINES_MAX] = {
	"compute",
	"graphics",
	"copy",
};

static const char *const mode_names[] = {
	[SIM_MODE_FAIR] = "fair",
	[SIM_MODE_EQUAL] = "equal",
	[SIM_MODE_FIXED] = "fixed",
	[SIM_MODE_BEST_EFFORT] = "best-effort",
};

static const char *const latency_names[] = {
	[SIM_LATENCY_NORMAL] = "normal",
	[SIM_LATENCY_LOW] = "low",
	[SIM_LATENCY_LOWEST] = "lowest",
};

struct reader {
	struct sim_scenario *scenario;
	struct sim_error *error;
	const char *name;
	/* Key being read: not every value knows its place in the text. */
	sd_json_variant *place;
	/* Jobs that all contexts together can have outstanding. */
	uint64_t n_jobs;
};

struct key {
	const char *name;
	int (*read)(struct reader *r, const struct key *key,
		    sd_json_variant *value, void *field);
	size_t offset;
	double min;
	double max;
	bool required;
};

/* Values of a context's object, before "count" multiplies it. */
struct context_entry {
	struct sim_context context;
	uint32_t count;
};

__attribute__((format(printf, 3, 4))) static int
reader_fail(struct reader *r, sd_json_variant *at, const char *format, ...)
{
	unsigned int line = 0, column = 0;
	size_t len;
	va_list args;

	if (at)
		sd_json_variant_get_source(at, NULL, &line, &column);
	if (line == 0 && r->place)
		sd_json_variant_get_source(r->place, NULL, &line, &column);
	if (line > 0)
		snprintf(r->error->text, sizeof(r->error->text),
			 "%.200s:%u:%u: ", r->name, line, column);
	else
		snprintf(r->error->text, sizeof(r->error->text),
			 "%.200s: ", r->name);
	len = strlen(r->error->text);
	va_start(args, format);
	vsnprintf(r->error->text + len, sizeof(r->error->text) - len, format,
		  args);
	va_end(args);
	return -EINVAL;
}

static int reader_nomem(struct reader *r)
{
	reader_fail(r, NULL, "out of memory: make the scenario smaller");
	return -ENOMEM;
}

static int keys_list_unknown(struct reader *r, sd_json_variant *at,
			     const struct key *keys, size_t n_keys)
{
	char known[256] = "";
	size_t i, len = 0;

	for (i = 0; i < n_keys && len < sizeof(known); i++)
		len += (size_t)snprintf(known + len, sizeof(known) - len,
					"%s%s", i ? ", " : "", keys[i].name);
	return reader_fail(r, at, "unknown key \"%s\": use one of %s",
			   sd_json_variant_string(at), known);
}

static const struct key *keys_find(const struct key *keys, size_t n_keys,
				   const char *name)
{
	size_t i;

	for (i = 0; i < n_keys; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

static const char *object_key(sd_json_variant *object, size_t index)
{
	return sd_json_variant_string(
		sd_json_variant_by_index(object, 2 * index));
}

static bool key_is_repeated(sd_json_variant *object, size_t index)
{
	size_t i;

	for (i = 0; i < index; i++)
		if (strcmp(object_key(object, i), object_key(object, index)) ==
		    0)
			return true;
	return false;
}

static int keys_check(struct reader *r, sd_json_variant *object,
		      const struct key *keys, size_t n_keys)
{
	sd_json_variant *name;
	size_t i;

	if (!sd_json_variant_is_object(object))
		return reader_fail(r, object,
				   "this is not an object: write { \"%s\": … }",
				   keys[0].name);
	for (i = 0; i < sd_json_variant_elements(object) / 2; i++) {
		name = sd_json_variant_by_index(object, 2 * i);
		if (!keys_find(keys, n_keys, object_key(object, i)))
			return keys_list_unknown(r, name, keys, n_keys);
		if (key_is_repeated(object, i))
			return reader_fail(r, name,
					   "key \"%s\" appears twice: keep one",
					   object_key(object, i));
	}
	return 0;
}

static int keys_read(struct reader *r, sd_json_variant *object,
		     const struct key *keys, size_t n_keys, void *target)
{
	sd_json_variant *value, *name;
	size_t i;
	int ret;

	ret = keys_check(r, object, keys, n_keys);
	if (ret < 0)
		return ret;
	for (i = 0; i < n_keys; i++) {
		value = sd_json_variant_by_key_full(object, keys[i].name,
						    &name);
		if (!value && keys[i].required)
			return reader_fail(r, object,
					   "key \"%s\" is missing: add it",
					   keys[i].name);
		if (!value)
			continue;
		r->place = name;
		ret = keys[i].read(r, &keys[i], value,
				   (char *)target + keys[i].offset);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int read_text(struct reader *r, const struct key *key,
		     sd_json_variant *value, void *field)
{
	const char *text;

	if (!sd_json_variant_is_string(value))
		return reader_fail(r, value, "%s must be text in quotes",
				   key->name);
	text = sd_json_variant_string(value);
	if (text[0] == '\0' || strlen(text) >= SIM_TEXT_MAX)
		return reader_fail(r, value,
				   "%s has %zu bytes: give 1 to %d of them",
				   key->name, strlen(text), SIM_TEXT_MAX - 1);
	strcpy(field, text);
	return 0;
}

static int read_number(struct reader *r, const struct key *key,
		       sd_json_variant *value, bool whole, double *ret)
{
	const char *kind = whole ? "whole number" : "number";

	if (!sd_json_variant_is_number(value))
		return reader_fail(r, value,
				   "%s is not a number: give a %s from %.15g "
				   "to %.15g",
				   key->name, kind, key->min, key->max);
	*ret = sd_json_variant_real(value);
	if (!(*ret >= key->min && *ret <= key->max) ||
	    (whole && *ret != floor(*ret)))
		return reader_fail(r, value,
				   "%s %.15g is out of range: give a %s from "
				   "%.15g to %.15g",
				   key->name, *ret, kind, key->min, key->max);
	return 0;
}

static int read_count(struct reader *r, const struct key *key,
		      sd_json_variant *value, void *field)
{
	double number;
	int ret = read_number(r, key, value, true, &number);

	if (ret < 0)
		return ret;
	*(uint32_t *)field = (uint32_t)number;
	return 0;
}

static int read_seed(struct reader *r, const struct key *key,
		     sd_json_variant *value, void *field)
{
	double number;
	int ret = read_number(r, key, value, true, &number);

	if (ret < 0)
		return ret;
	*(uint64_t *)field = (uint64_t)number;
	return 0;
}

static int read_ms(struct reader *r, const struct key *key,
		   sd_json_variant *value, void *field)
{
	double number;
	int ret = read_number(r, key, value, false, &number);

	if (ret < 0)
		return ret;
	*(uint64_t *)field = (uint64_t)llround(number * SIM_NSEC_PER_MSEC);
	return 0;
}

static int read_us(struct reader *r, const struct key *key,
		   sd_json_variant *value, void *field)
{
	double number;
	int ret = read_number(r, key, value, false, &number);

	if (ret < 0)
		return ret;
	*(uint64_t *)field = (uint64_t)llround(number * SIM_NSEC_PER_USEC);
	return 0;
}

static int read_choice(struct reader *r, const struct key *key,
		       sd_json_variant *value, const char *const *names,
		       size_t n_names)
{
	const char *text = sd_json_variant_is_string(value)
				   ? sd_json_variant_string(value)
				   : "";
	char known[128] = "";
	size_t i, len = 0;

	for (i = 0; i < n_names; i++)
		if (strcmp(names[i], text) == 0)
			return (int)i;
	for (i = 0; i < n_names && len < sizeof(known); i++)
		len += (size_t)snprintf(known + len, sizeof(known) - len,
					"%s\"%s\"", i ? ", " : "", names[i]);
	return reader_fail(r, value, "%s \"%s\" is not known: use one of %s",
			   key->name, text, known);
}

static int read_mode(struct reader *r, const struct key *key,
		     sd_json_variant *value, void *field)
{
	int ret =
		read_choice(r, key, value, mode_names, ARRAY_SIZE(mode_names));

	if (ret < 0)
		return ret;
	*(enum sim_mode *)field = (enum sim_mode)ret;
	return 0;
}

static int read_latency(struct reader *r, const struct key *key,
			sd_json_variant *value, void *field)
{
	int ret = read_choice(r, key, value, latency_names,
			      ARRAY_SIZE(latency_names));

	if (ret < 0)
		return ret;
	*(enum sim_latency *)field = (enum sim_latency)ret;
	return 0;
}

static int read_engine(struct reader *r, const struct key *key,
		       sd_json_variant *value, void *field)
{
	uint32_t engines = r->scenario->gpu.engines;
	int ret = read_choice(r, key, value, sim_engine_names, SIM_ENGINES_MAX);

	if (ret < 0)
		return ret;
	if ((uint32_t)ret >= engines)
		return reader_fail(r, value,
				   "the GPU has no %s engine: set \"engines\" "
				   "of \"gpu\" to %d or more",
				   sim_engine_names[ret], ret + 1);
	*(uint32_t *)field = (uint32_t)ret;
	return 0;
}

static int read_tenant_name(struct reader *r, const struct key *key,
			    sd_json_variant *value, void *field)
{
	char name[SIM_TEXT_MAX];
	size_t i;
	int ret = read_text(r, key, value, name);

	if (ret < 0)
		return ret;
	for (i = 0; i < r->scenario->n_tenants; i++) {
		if (strcmp(r->scenario->tenants[i].name, name) != 0)
			continue;
		*(uint32_t *)field = (uint32_t)i;
		return 0;
	}
	return reader_fail(r, value,
			   "no tenant is named \"%s\": list it in \"tenants\"",
			   name);
}

static int list_check(struct reader *r, const struct key *key,
		      sd_json_variant *value)
{
	size_t n;

	if (!sd_json_variant_is_array(value))
		return reader_fail(r, value, "%s must be a list: write [ … ]",
				   key->name);
	n = sd_json_variant_elements(value);
	if (n < 1 || (double)n > key->max)
		return reader_fail(r, value,
				   "%s has %zu entries: give 1 to %.0f of them",
				   key->name, n, key->max);
	return 0;
}

/*
 * keys_read() with the place of the whole object restored on success, so that
 * checks across keys point at the object.
 */
static int entry_read(struct reader *r, sd_json_variant *entry,
		      const struct key *keys, size_t n_keys, void *target)
{
	int ret = keys_read(r, entry, keys, n_keys, target);

	if (ret < 0)
		return ret;
	r->place = entry;
	return 0;
}

static const struct key gpu_keys[] = {
	{"engines", read_count, offsetof(struct sim_gpu_model, engines), 1,
	 SIM_ENGINES_MAX, false},
	{"switch_us", read_us, offsetof(struct sim_gpu_model, switch_ns), 0,
	 1e6, false},
	{"report_error_percent", read_count,
	 offsetof(struct sim_gpu_model, report_error), 0, 100, false},
};

static int read_gpu(struct reader *r, const struct key *key,
		    sd_json_variant *value, void *field)
{
	(void)key;
	return keys_read(r, value, gpu_keys, ARRAY_SIZE(gpu_keys), field);
}

static const struct key tuning_keys[] = {
	{"policy", read_mode, offsetof(struct sim_tuning, mode), 0, 0, false},
	{"slice_us", read_us, offsetof(struct sim_tuning, slice_ns), 100, 1e6,
	 false},
	{"kill_ms", read_ms, offsetof(struct sim_tuning, kill_ns), 1, 60000,
	 false},
	{"cap_period_ms", read_ms, offsetof(struct sim_tuning, cap_period_ns),
	 1, 10000, false},
};

static int read_tuning(struct reader *r, const struct key *key,
		       sd_json_variant *value, void *field)
{
	(void)key;
	return keys_read(r, value, tuning_keys, ARRAY_SIZE(tuning_keys), field);
}

static const struct key tenant_keys[] = {
	{"name", read_text, offsetof(struct sim_tenant, name), 0, 0, true},
	{"weight", read_count, offsetof(struct sim_tenant, weight), 1, 10000,
	 false},
};

static int read_tenant(struct reader *r, sd_json_variant *entry)
{
	struct sim_scenario *s = r->scenario;
	struct sim_tenant *t = &s->tenants[s->n_tenants];
	size_t i;
	int ret;

	*t = (struct sim_tenant){.weight = 100};
	ret = entry_read(r, entry, tenant_keys, ARRAY_SIZE(tenant_keys), t);
	if (ret < 0)
		return ret;
	for (i = 0; i < s->n_tenants; i++)
		if (strcmp(s->tenants[i].name, t->name) == 0)
			return reader_fail(r, entry,
					   "two tenants are named \"%s\": "
					   "rename one",
					   t->name);
	s->n_tenants++;
	return 0;
}

static int read_tenants(struct reader *r, const struct key *key,
			sd_json_variant *value, void *field)
{
	size_t i;
	int ret = list_check(r, key, value);

	(void)field;
	if (ret < 0)
		return ret;
	for (i = 0; i < sd_json_variant_elements(value); i++) {
		ret = read_tenant(r, sd_json_variant_by_index(value, i));
		if (ret < 0)
			return ret;
	}
	return 0;
}

#define CONTEXT_FIELD(name)                        \
	(offsetof(struct context_entry, context) + \
	 offsetof(struct sim_context, name))

static const struct key context_keys[] = {
	{"count", read_count, offsetof(struct context_entry, count), 1,
	 SIM_CONTEXTS_MAX, false},
	{"engine", read_engine, CONTEXT_FIELD(engine), 0, 0, false},
	{"jobs", read_count, CONTEXT_FIELD(jobs), 1, 4096, false},
	{"depth", read_count, CONTEXT_FIELD(depth), 1, 64, false},
	{"job_us", read_us, CONTEXT_FIELD(job_ns), 0.1, 1e8, true},
	{"wait_us", read_us, CONTEXT_FIELD(wait_ns), 0, 1e9, false},
	{"jitter_percent", read_count, CONTEXT_FIELD(jitter), 0, 100, false},
	{"start_ms", read_ms, CONTEXT_FIELD(start_ns), 0, 1e6, false},
	{"stop_ms", read_ms, CONTEXT_FIELD(stop_ns), 0, 1e6, false},
};

static int read_context(struct reader *r, sd_json_variant *entry)
{
	struct sim_scenario *s = r->scenario;
	struct context_entry e = {
		.context =
			{
				.vgpu = (uint32_t)s->n_vgpus,
				.jobs = 1,
				.depth = 1,
				.stop_ns = UINT64_MAX,
			},
		.count = 1,
	};
	uint32_t i;
	int ret;

	ret = entry_read(r, entry, context_keys, ARRAY_SIZE(context_keys), &e);
	if (ret < 0)
		return ret;
	r->n_jobs += (uint64_t)e.context.jobs * e.context.depth * e.count;
	if (r->n_jobs > SIM_JOBS_MAX)
		return reader_fail(r, entry,
				   "more than %d jobs outstanding: lower "
				   "jobs, depth or count",
				   SIM_JOBS_MAX);
	if (s->n_contexts + e.count > SIM_CONTEXTS_MAX)
		return reader_fail(r, entry,
				   "more than %d contexts: lower \"count\"",
				   SIM_CONTEXTS_MAX);
	for (i = 0; i < e.count; i++)
		s->contexts[s->n_contexts++] = e.context;
	return 0;
}

static int read_contexts(struct reader *r, const struct key *key,
			 sd_json_variant *value, void *field)
{
	size_t i;
	int ret = list_check(r, key, value);

	(void)field;
	if (ret < 0)
		return ret;
	for (i = 0; i < sd_json_variant_elements(value); i++) {
		ret = read_context(r, sd_json_variant_by_index(value, i));
		if (ret < 0)
			return ret;
	}
	return 0;
}

static const struct key vgpu_keys[] = {
	{"name", read_text, offsetof(struct sim_vgpu, name), 0, 0, true},
	{"tenant", read_tenant_name, offsetof(struct sim_vgpu, tenant), 0, 0,
	 false},
	{"weight", read_count, offsetof(struct sim_vgpu, weight), 1, 10000,
	 false},
	{"cap", read_count, offsetof(struct sim_vgpu, cap), 1, 100, false},
	{"reservation", read_count, offsetof(struct sim_vgpu, reservation), 0,
	 90, false},
	{"latency", read_latency, offsetof(struct sim_vgpu, latency), 0, 0,
	 false},
	{"instances", read_count, offsetof(struct sim_vgpu, instances), 1,
	 SIM_VGPUS_MAX, false},
	{"contexts", read_contexts, 0, 1, SIM_CONTEXTS_MAX, true},
};

static int read_vgpu(struct reader *r, sd_json_variant *entry)
{
	struct sim_scenario *s = r->scenario;
	struct sim_vgpu *v = &s->vgpus[s->n_vgpus];
	size_t i;
	int ret;

	*v = (struct sim_vgpu){.weight = 100, .cap = 100, .instances = 1};
	ret = entry_read(r, entry, vgpu_keys, ARRAY_SIZE(vgpu_keys), v);
	if (ret < 0)
		return ret;
	if (v->reservation > v->cap)
		return reader_fail(r, entry,
				   "reservation %u of \"%s\" is above its cap "
				   "%u: lower it",
				   v->reservation, v->name, v->cap);
	for (i = 0; i < s->n_vgpus; i++)
		if (strcmp(s->vgpus[i].name, v->name) == 0)
			return reader_fail(r, entry,
					   "two vGPUs are named \"%s\": "
					   "rename one",
					   v->name);
	s->n_vgpus++;
	return 0;
}

static int read_vgpus(struct reader *r, const struct key *key,
		      sd_json_variant *value, void *field)
{
	struct sim_scenario *s = r->scenario;
	size_t i;
	int ret = list_check(r, key, value);

	(void)field;
	if (ret < 0)
		return ret;
	/* vGPUs that name no tenant belong to one that stands for the host. */
	if (s->n_tenants == 0)
		s->tenants[s->n_tenants++] =
			(struct sim_tenant){.name = "host", .weight = 100};
	for (i = 0; i < sd_json_variant_elements(value); i++) {
		ret = read_vgpu(r, sd_json_variant_by_index(value, i));
		if (ret < 0)
			return ret;
	}
	return 0;
}

static const struct key scenario_keys[] = {
	{"title", read_text, offsetof(struct sim_scenario, title), 0, 0, true},
	{"seed", read_seed, offsetof(struct sim_scenario, seed), 0, 0x1p53,
	 false},
	{"duration_ms", read_ms, offsetof(struct sim_scenario, duration_ns), 1,
	 1e6, false},
	{"warmup_ms", read_ms, offsetof(struct sim_scenario, warmup_ns), 0, 1e6,
	 false},
	{"plot_from_ms", read_ms, offsetof(struct sim_scenario, plot_from_ns),
	 0, 1e6, false},
	{"plot_for_ms", read_ms, offsetof(struct sim_scenario, plot_for_ns), 1,
	 1e6, false},
	{"gpu", read_gpu, offsetof(struct sim_scenario, gpu), 0, 0, false},
	{"scheduler", read_tuning, offsetof(struct sim_scenario, tuning), 0, 0,
	 false},
	{"tenants", read_tenants, 0, 1, SIM_TENANTS_MAX, false},
	{"vgpus", read_vgpus, 0, 1, SIM_VGPUS_MAX, true},
};

static int scenario_check(struct reader *r, sd_json_variant *root)
{
	const struct sim_scenario *s = r->scenario;

	if (s->warmup_ns >= s->duration_ns)
		return reader_fail(r, root,
				   "warmup_ms is not before the end: make "
				   "duration_ms larger");
	if (s->plot_from_ns >= s->duration_ns)
		return reader_fail(r, root,
				   "plot_from_ms is not before the end: make "
				   "duration_ms larger");
	return 0;
}

static struct sim_scenario *scenario_new(void)
{
	struct sim_scenario *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->seed = 1;
	s->duration_ns = 10 * SIM_NSEC_PER_SEC;
	s->plot_from_ns = 0;
	s->plot_for_ns = 200 * SIM_NSEC_PER_MSEC;
	s->gpu.engines = 1;
	s->tenants = calloc(SIM_TENANTS_MAX, sizeof(*s->tenants));
	s->vgpus = calloc(SIM_VGPUS_MAX, sizeof(*s->vgpus));
	s->contexts = calloc(SIM_CONTEXTS_MAX, sizeof(*s->contexts));
	if (!s->tenants || !s->vgpus || !s->contexts) {
		sim_scenario_free(s);
		return NULL;
	}
	return s;
}

static int scenario_read(struct sim_scenario **ret, sd_json_variant *root,
			 const char *name, struct sim_error *error)
{
	__attribute__((cleanup(sim_scenario_freep))) struct sim_scenario *s =
		scenario_new();
	struct reader r = {.scenario = s, .error = error, .name = name};
	int err;

	if (!s)
		return reader_nomem(&r);
	err = entry_read(&r, root, scenario_keys, ARRAY_SIZE(scenario_keys), s);
	if (err < 0)
		return err;
	err = scenario_check(&r, root);
	if (err < 0)
		return err;
	*ret = s;
	s = NULL;
	return 0;
}

/* Says in one line why the JSON parser gave up. */
static int parse_fail(int err, const char *name, unsigned int line,
		      unsigned int column, struct sim_error *error)
{
	struct reader r = {.error = error, .name = name};

	if (err == -ENOMEM)
		return reader_nomem(&r);
	if (line > 0)
		snprintf(error->text, sizeof(error->text),
			 "%.200s:%u:%u: this is not valid JSON: correct it "
			 "here or just before",
			 name, line, column);
	else
		reader_fail(&r, NULL,
			    "this is not valid JSON: give a file that holds "
			    "one JSON object");
	return -EINVAL;
}

int sim_scenario_read_text(struct sim_scenario **ret, const char *text,
			   const char *name, struct sim_error *error)
{
	__attribute__((cleanup(sd_json_variant_unrefp))) sd_json_variant *root =
		NULL;
	unsigned int line = 0, column = 0;
	int err;

	err = sd_json_parse_with_source(text, name, 0, &root, &line, &column);
	if (err < 0)
		return parse_fail(err, name, line, column, error);
	return scenario_read(ret, root, name, error);
}

static void file_closep(FILE **file)
{
	if (*file)
		fclose(*file);
}

static int file_read(FILE *file, char **ret)
{
	size_t size = 0;

	*ret = NULL;
	errno = 0;
	if (getdelim(ret, &size, '\0', file) >= 0)
		return 0;
	if (feof(file) && !ferror(file))
		return -ENODATA;
	return errno ? -errno : -EIO;
}

static void text_freep(char **text)
{
	free(*text);
}

int sim_scenario_read_file(struct sim_scenario **ret, const char *path,
			   struct sim_error *error)
{
	__attribute__((cleanup(file_closep))) FILE *file = fopen(path, "re");
	__attribute__((cleanup(text_freep))) char *text = NULL;
	struct reader r = {.error = error, .name = path};
	int err;

	if (!file) {
		err = -errno;
		reader_fail(&r, NULL, "%s: give the path of a scenario file",
			    strerror(-err));
		return err;
	}
	err = file_read(file, &text);
	if (err == -ENODATA)
		return parse_fail(-EINVAL, path, 0, 0, error);
	if (err < 0) {
		reader_fail(&r, NULL, "%s: give a scenario file",
			    strerror(-err));
		return err;
	}
	return sim_scenario_read_text(ret, text, path, error);
}

void sim_scenario_free(struct sim_scenario *scenario)
{
	if (!scenario)
		return;
	free(scenario->tenants);
	free(scenario->vgpus);
	free(scenario->contexts);
	free(scenario);
}
