// SPDX-License-Identifier: MIT
#include "mdev/broker/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mdev/broker/ini.h"
#include "mdev/broker/settings.h"
#include "mdev/device/layout.h"
#include "units/units.h"

/* Socket names hold 108 bytes; a door's takes 48 behind this folder's. */
#define RUN_PATH_MAX 56
#define SOCKET_PATH_MAX 107
#define UID_FIRST 1900000000
#define UID_COUNT 65536

/* What may stand behind a key, and how it is said when it does not. */
struct key {
	const char *name;
	int (*parse)(const char *text, void *field);
	size_t offset;
	const char *range;
};

struct reading {
	struct config *config;
	bool sections; /* [GPU "address"], in a second reading */
	char *error;
	const char *path;
};

static int path_parse(const char *text, void *field)
{
	char **path = field;
	char *copy;

	if (text[0] != '/')
		return -EINVAL;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	free(*path);
	*path = copy;
	return 0;
}

static int socket_parse(const char *text, void *field)
{
	return strlen(text) > SOCKET_PATH_MAX ? -EINVAL
					      : path_parse(text, field);
}

static int run_parse(const char *text, void *field)
{
	return strlen(text) > RUN_PATH_MAX ? -EINVAL : path_parse(text, field);
}

static int group_parse(const char *text, void *field)
{
	char **group = field;
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	free(*group);
	*group = copy;
	return 0;
}

static int uid_parse(const char *text, void *field)
{
	return units_parse_count(text, 1, UINT32_MAX - 1, field);
}

static int count_parse(const char *text, void *field)
{
	return units_parse_count(text, 0, 1000, field);
}

static int uids_parse(const char *text, void *field)
{
	return units_parse_count(text, 1, 1u << 24, field);
}

static int tasks_parse(const char *text, void *field)
{
	return units_parse_count(text, 16, 1u << 22, field);
}

static int size_parse(const char *text, void *field)
{
	uint64_t bytes;

	if (units_parse_size(text, &bytes) < 0 || bytes < SETTING_VRAM_MIN)
		return -EINVAL;
	*(uint64_t *)field = bytes;
	return 0;
}

static int vram_parse(const char *text, void *field)
{
	if (!strcmp(text, "auto")) {
		*(uint64_t *)field = 0;
		return 0;
	}
	return size_parse(text, field);
}

static int window_parse(const char *text, void *field)
{
	struct tranche_layout layout;
	uint64_t bytes;

	if (units_parse_size(text, &bytes) < 0 ||
	    layout_init(&layout, bytes) < 0)
		return -EINVAL;
	*(uint64_t *)field = bytes;
	return 0;
}

static int duration_parse(const char *text, uint64_t min, uint64_t max,
			  uint64_t *ns)
{
	uint64_t value;

	if (units_parse_duration(text, &value) < 0 || value < min ||
	    value > max)
		return -EINVAL;
	*ns = value;
	return 0;
}

static int hour_parse(const char *text, void *field)
{
	return duration_parse(text, NS_PER_MS, 3600 * NS_PER_S, field);
}

static int slice_parse(const char *text, void *field)
{
	return duration_parse(text, 100 * NS_PER_US, NS_PER_S, field);
}

static int period_parse(const char *text, void *field)
{
	return duration_parse(text, NS_PER_MS, 10 * NS_PER_S, field);
}

static int anticipate_parse(const char *text, void *field)
{
	return duration_parse(text, 0, NS_PER_S, field);
}

static int bool_parse(const char *text, void *field)
{
	static const char *const words[] = {"no", "yes", "false", "true"};
	int found = name_find(words, 4, text);

	if (found < 0)
		return found;
	*(bool *)field = found & 1;
	return 0;
}

static int policy_parse(const char *text, void *field)
{
	int found = name_find(policy_names, TSCHED_POLICIES, text);

	if (found < 0)
		return found;
	*(enum tsched_policy *)field = found;
	return 0;
}

/* Numbers from 1 to 8 with blanks between them. */
static int types_parse(const char *text, void *field)
{
	unsigned int types = 0;

	for (; *text; text++) {
		if (*text == ' ' || *text == ',')
			continue;
		if (*text < '1' || *text > '8')
			return -EINVAL;
		types |= 1u << (*text - '1');
	}
	if (!types)
		return -EINVAL;
	*(unsigned int *)field = types;
	return 0;
}

static int kills_parse(const char *text, void *field)
{
	uint64_t value;

	if (units_parse_count(text, 0, 64, &value) < 0)
		return -EINVAL;
	*(uint32_t *)field = value;
	return 0;
}

/* A default that is a vGPU's setting too: "type" means nothing here. */
static int default_parse(enum setting setting, const char *text, void *field)
{
	const struct setting_limits none = {0};

	return setting_parse(setting, text, &none, field);
}

static int weight_parse(const char *text, void *field)
{
	if (!strcmp(text, SETTING_TYPE))
		return -EINVAL;
	return default_parse(SETTING_WEIGHT, text, field);
}

static int cap_parse(const char *text, void *field)
{
	return default_parse(SETTING_CAP, text, field);
}

static int reservation_parse(const char *text, void *field)
{
	return default_parse(SETTING_RESERVATION, text, field);
}

static int latency_parse(const char *text, void *field)
{
	return default_parse(SETTING_LATENCY, text, field);
}

#define BROKER_KEY(name_, parse_, field_, range_) \
	{name_, parse_, offsetof(struct config, field_), range_}
#define GPU_KEY(name_, parse_, field_, range_) \
	{name_, parse_, offsetof(struct gpu_config, field_), range_}

static const struct key broker_keys[] = {
	BROKER_KEY("Socket", socket_parse, socket,
		   "an absolute path of at most 107 bytes"),
	BROKER_KEY("Group", group_parse, group, "the name of a group"),
	BROKER_KEY("RunDirectory", run_parse, run,
		   "an absolute path of at most 56 bytes"),
	BROKER_KEY("ControlGroup", path_parse, cgroup, "an absolute path"),
	BROKER_KEY("UserFirst", uid_parse, uid_first, "a user ID above 0"),
	BROKER_KEY("UserCount", uids_parse, uid_count, "1 to 16777216"),
	BROKER_KEY("RestartCount", count_parse, restart_count, "0 to 1000"),
	BROKER_KEY("RestartInterval", hour_parse, restart_ns,
		   "a duration from 1ms to 1h"),
	BROKER_KEY("DeviceProgram", path_parse, device, "an absolute path"),
	BROKER_KEY("RenderServer", path_parse, render_server,
		   "an absolute path"),
	BROKER_KEY("Gate", path_parse, gate, "an absolute path"),
	BROKER_KEY("Layers", path_parse, layers, "an absolute path"),
};

static const struct key gpu_keys[] = {
	GPU_KEY("Serve", bool_parse, serve, "yes or no"),
	GPU_KEY("VideoMemory", vram_parse, vram,
		"'auto' or a size such as 8G, at least 1M"),
	GPU_KEY("Types", types_parse, types,
		"eighths of the GPU, from 1 to 8, such as 1 2 4 8"),
	GPU_KEY("Policy", policy_parse, scheduler.policy, POLICY_RANGE),
	GPU_KEY("Slice", slice_parse, scheduler.slice_ns,
		"a duration from 0.1ms to 1s"),
	GPU_KEY("CapPeriod", period_parse, scheduler.cap_period_ns,
		"a duration from 1ms to 10s"),
	GPU_KEY("Anticipate", anticipate_parse, scheduler.anticipate_ns,
		"a duration from 0 to 1s"),
	GPU_KEY("Lease", hour_parse, scheduler.lease_ns,
		"a duration from 1ms to 1h"),
	GPU_KEY("KillLimit", hour_parse, defaults.kill_ns,
		"a duration from 1ms to 1h"),
	GPU_KEY("GuardKills", kills_parse, defaults.guard_kills, "0 to 64"),
	GPU_KEY("GuardInterval", hour_parse, defaults.guard_ns,
		"a duration from 1ms to 1h"),
	GPU_KEY("Weight", weight_parse, defaults, "1 to 10000"),
	GPU_KEY("Cap", cap_parse, defaults, "a percentage from 0.1 to 100"),
	GPU_KEY("Reservation", reservation_parse, defaults,
		"a percentage from 0 to 100"),
	GPU_KEY("Latency", latency_parse, defaults, "normal, low or lowest"),
	GPU_KEY("Window", window_parse, window,
		"a power of two from 1M to 512G"),
	GPU_KEY("MemoryMax", size_parse, memory_max,
		"a size such as 4G, at least 1M"),
	GPU_KEY("TasksMax", tasks_parse, tasks_max, "16 to 4194304"),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

__attribute__((format(printf, 3, 4))) static int
complain(struct reading *reading, unsigned int line, const char *format, ...)
{
	va_list args;
	int length;

	length = snprintf(reading->error, CONFIG_ERROR_SIZE,
			  "%s:%u: ", reading->path, line);
	if (length < 0 || length >= CONFIG_ERROR_SIZE)
		return -EINVAL;
	va_start(args, format);
	vsnprintf(reading->error + length, CONFIG_ERROR_SIZE - length, format,
		  args);
	va_end(args);
	return -EINVAL;
}

static int key_take(struct reading *reading, const struct ini_line *line,
		    const struct key *keys, size_t count, void *base)
{
	for (size_t i = 0; i < count; i++) {
		int r;

		if (strcmp(keys[i].name, line->key))
			continue;
		r = keys[i].parse(line->value, (char *)base + keys[i].offset);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			return complain(reading, line->number,
					"%s=%s can't be: write %s there",
					line->key, line->value, keys[i].range);
		return 0;
	}
	return complain(reading, line->number,
			"[%s] has no key '%s': see tranched.conf(5)",
			line->section, line->key);
}

/* PCI addresses with the domain, so that equal ones are equal as text. */
static int address_check(const char *address)
{
	unsigned int domain, bus, device, function;
	char text[32];

	if (!strcmp(address, "software"))
		return 0;
	if (sscanf(address, "%x:%x:%x.%x", &domain, &bus, &device, &function) !=
	    4)
		return -EINVAL;
	snprintf(text, sizeof(text), "%04x:%02x:%02x.%x", domain, bus, device,
		 function);
	return strcmp(text, address) ? -EINVAL : 0;
}

/* Starts from [GPU], wherever that stands in the file. */
static struct gpu_config *gpu_section(struct reading *reading,
				      const struct ini_line *line)
{
	struct config *config = reading->config;
	struct gpu_config *gpus = config->gpus;

	for (size_t i = 0; i < config->gpu_count; i++)
		if (!strcmp(gpus[i].address, line->argument))
			return &gpus[i];
	gpus = reallocarray(gpus, config->gpu_count + 1, sizeof(*gpus));
	if (!gpus)
		return NULL;
	config->gpus = gpus;
	gpus += config->gpu_count++;
	*gpus = config->gpu;
	strcpy(gpus->address, line->argument);
	gpus->line = line->number;
	return gpus;
}

static int gpu_line(struct reading *reading, const struct ini_line *line)
{
	struct gpu_config *gpu;

	if (!reading->sections)
		return 0;
	if (address_check(line->argument) < 0)
		return complain(
			reading, line->number,
			"[GPU \"%s\"] is no PCI address: write it like 0000:01:00.0, or software",
			line->argument);
	gpu = gpu_section(reading, line);
	if (!gpu)
		return -ENOMEM;
	return key_take(reading, line, gpu_keys, COUNT(gpu_keys), gpu);
}

static int line_take(void *owner, const struct ini_line *line)
{
	struct reading *reading = owner;
	struct config *config = reading->config;

	if (!strcmp(line->section, "GPU") && line->argument[0])
		return gpu_line(reading, line);
	if (reading->sections)
		return 0;
	if (!strcmp(line->section, "GPU"))
		return key_take(reading, line, gpu_keys, COUNT(gpu_keys),
				&config->gpu);
	if (!strcmp(line->section, "Broker") && !line->argument[0])
		return key_take(reading, line, broker_keys, COUNT(broker_keys),
				config);
	return complain(
		reading, line->number,
		"%s=... stands in no section that is known: put it below [Broker] or [GPU]",
		line->key);
}

/* Below the unit's own group where systemd delegated one. */
static char *cgroup_default(void)
{
	static const char leaf[] = "/broker";
	char line[512], *end, *path = NULL;
	FILE *file = fopen("/proc/self/cgroup", "re");

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "0::", 3))
			continue;
		line[strcspn(line, "\n")] = '\0';
		end = strrchr(line, '/');
		if (!end || strcmp(end, leaf))
			break;
		*end = '\0';
		if (asprintf(&path, "/sys/fs/cgroup%s/vgpus", line + 3) < 0)
			path = NULL;
	}
	if (file)
		fclose(file);
	return path ? path : strdup("/sys/fs/cgroup/tranche");
}

static void gpu_defaults(struct gpu_config *gpu)
{
	*gpu = (struct gpu_config){
		.serve = true,
		.types = 1u << 0 | 1u << 1 | 1u << 3 | 1u << 7,
		.window = 256ull << 20,
		.memory_max = 4ull << 30,
		.tasks_max = 1024,
	};
	tsched_config_init(&gpu->scheduler);
	arbiter_settings_init(&gpu->defaults);
	gpu->defaults.kill_ns = 2 * NS_PER_S;
	gpu->defaults.guard_kills = 3;
	gpu->defaults.guard_ns = 60 * NS_PER_S;
}

static int defaults_set(struct config *config)
{
	*config = (struct config){
		.socket = strdup("/run/tranche/io.tranche.Broker"),
		.group = strdup("tranche"),
		.run = strdup("/run/tranche"),
		.cgroup = cgroup_default(),
		.uid_first = UID_FIRST,
		.uid_count = UID_COUNT,
		.restart_count = 5,
		.restart_ns = 60 * NS_PER_S,
		.device = strdup(TRANCHE_LIBEXEC_DIR "/tranche-vgpu"),
		.render_server = strdup(TRANCHE_RENDER_SERVER),
		.gate = strdup(TRANCHE_GATE_MANIFEST),
		.layers = strdup(TRANCHE_LAYER_DIR),
	};
	gpu_defaults(&config->gpu);
	if (config->socket && config->group && config->run && config->cgroup &&
	    config->device && config->render_server && config->gate &&
	    config->layers)
		return 0;
	return -ENOMEM;
}

static int read_once(struct reading *reading)
{
	unsigned int line;
	int r = ini_read(reading->path, line_take, reading, &line);

	if (r == -EBADMSG)
		return complain(
			reading, line,
			"this is no [Section], Key=Value or # comment: see tranched.conf(5)");
	if (r < 0 && r != -EINVAL)
		snprintf(reading->error, CONFIG_ERROR_SIZE,
			 "%s: %s: give a file that can be read by --config",
			 reading->path, strerror(-r));
	return r;
}

static int read_file(struct config *config, const char *path, char *error)
{
	struct reading reading = {
		.config = config,
		.error = error,
		.path = path ? path : CONFIG_PATH,
	};
	int r = read_once(&reading);

	if (r == -ENOENT && !path)
		return 0;
	if (r < 0)
		return r;
	reading.sections = true;
	return read_once(&reading);
}

/* What each line may be, and all together may not. */
static int gpu_check(const struct gpu_config *gpu, char *error, size_t size)
{
	if (gpu->defaults.reservation <= gpu->defaults.cap)
		return 0;
	snprintf(
		error, size,
		"[GPU%s%s]: Reservation= passes Cap=: lower the one or raise the other",
		gpu->address[0] ? " " : "", gpu->address);
	return -EINVAL;
}

static int users_check(const struct config *config, char *error, size_t size)
{
	if (config->uid_first + config->uid_count <= UINT32_MAX)
		return 0;
	snprintf(
		error, size,
		"UserFirst=%llu and UserCount=%llu pass the last user ID: lower one",
		(unsigned long long)config->uid_first,
		(unsigned long long)config->uid_count);
	return -EINVAL;
}

static int whole_check(const struct config *config, const char *path,
		       char error[CONFIG_ERROR_SIZE])
{
	int length = snprintf(error, CONFIG_ERROR_SIZE, "%.128s: ", path);
	size_t size = CONFIG_ERROR_SIZE - length;
	int r = users_check(config, error + length, size);

	if (r == 0)
		r = gpu_check(&config->gpu, error + length, size);
	for (size_t i = 0; r == 0 && i < config->gpu_count; i++)
		r = gpu_check(&config->gpus[i], error + length, size);
	return r;
}

int config_init(struct config *config, const char *path,
		char error[CONFIG_ERROR_SIZE])
{
	int r = defaults_set(config);

	if (r == 0)
		r = read_file(config, path, error);
	if (r == -ENOMEM)
		snprintf(error, CONFIG_ERROR_SIZE, "no memory");
	if (r == 0)
		r = whole_check(config, path ? path : CONFIG_PATH, error);
	if (r < 0)
		config_deinit(config);
	return r;
}

void config_deinit(struct config *config)
{
	free(config->socket);
	free(config->group);
	free(config->run);
	free(config->cgroup);
	free(config->device);
	free(config->render_server);
	free(config->gate);
	free(config->layers);
	free(config->gpus);
	*config = (struct config){0};
}

const struct gpu_config *config_gpu(const struct config *config,
				    const char *address)
{
	for (size_t i = 0; i < config->gpu_count; i++)
		if (!strcmp(config->gpus[i].address, address))
			return &config->gpus[i];
	return &config->gpu;
}
