// SPDX-License-Identifier: MIT
/* `tranche gpus` and `tranche types`: what there is to share. */
#include <inttypes.h>
#include <string.h>

#include "tools/tranche/args.h"
#include "tools/tranche/broker.h"
#include "tools/tranche/json.h"
#include "tools/tranche/message.h"
#include "tools/tranche/table.h"
#include "tools/tranche/text.h"

#define _table_ __attribute__((cleanup(table_freep)))

static const struct table_column gpu_columns[] = {
	{.title = "GPU"},
	{.title = "NAME", .shrinks = true},
	{.title = "DRIVER"},
	{.title = "VULKAN", .shrinks = true},
	{.title = "VRAM", .right = true},
	{.title = "FREE", .right = true},
	{.title = "VGPUS", .right = true},
	{.title = "POLICY"},
	{.title = "SERVED", .shrinks = true},
	{0},
};

static void gpu_row(struct table *table, sd_json_variant *gpu)
{
	bool served = json_flag(gpu, "served");
	char size[TEXT_SIZE];

	table_cell(table, TABLE_PLAIN, "%s", json_text(gpu, "address", "?"));
	table_cell(table, TABLE_PLAIN, "%s %s", json_text(gpu, "vendor", ""),
		   json_text(gpu, "name", ""));
	table_cell(table, TABLE_PLAIN, "%s", json_text(gpu, "driver", "-"));
	table_cell(table, TABLE_PLAIN, "%s",
		   json_text(gpu, "vulkanDriver", "-"));
	table_cell(table, TABLE_PLAIN, "%s",
		   text_size(size, json_number(gpu, "vramBytes")));
	table_cell(table, TABLE_PLAIN, "%s",
		   text_size(size, json_number(gpu, "vramFreeBytes")));
	table_cell(table, TABLE_PLAIN, "%" PRIu64, json_number(gpu, "vgpus"));
	table_cell(table, TABLE_PLAIN, "%s", json_text(gpu, "policy", "-"));
	if (served)
		table_cell(table, TABLE_GOOD, "%s",
			   json_text(gpu, "reason", "yes"));
	else
		table_cell(table, TABLE_WARN, "no: %s",
			   json_text(gpu, "reason", "?"));
}

static const struct table_column type_columns[] = {
	{.title = "GPU"},
	{.title = "TYPE"},
	{.title = "VRAM", .right = true},
	{.title = "WEIGHT", .right = true},
	{.title = "MAX", .right = true},
	{.title = "FREE", .right = true},
	{.title = "ID", .shrinks = true},
	{0},
};

static void type_row(struct table *table, sd_json_variant *type)
{
	uint64_t available = json_number(type, "availableInstances");
	char size[TEXT_SIZE];

	table_cell(table, TABLE_PLAIN, "%s", json_text(type, "gpu", "?"));
	table_cell(table, TABLE_PLAIN, "%s", json_text(type, "name", "?"));
	table_cell(table, TABLE_PLAIN, "%s",
		   text_size(size, json_number(type, "vramBytes")));
	table_cell(table, TABLE_PLAIN, "%" PRIu64, json_number(type, "weight"));
	table_cell(table, TABLE_PLAIN, "%" PRIu64,
		   json_number(type, "maxInstances"));
	table_cell(table, available ? TABLE_GOOD : TABLE_DIM, "%" PRIu64,
		   available);
	table_cell(table, TABLE_PLAIN, "%s", json_text(type, "id", "-"));
}

static int rows_show(sd_json_variant *rows, const struct table_column *columns,
		     void (*row)(struct table *table, sd_json_variant *object))
{
	_table_ struct table *table = table_new(columns);

	if (!table)
		return message_memory();
	for (size_t i = 0; rows && i < sd_json_variant_elements(rows); i++)
		row(table, sd_json_variant_by_index(rows, i));
	return table_show(table);
}

static int gpus_run(int argc, char **argv)
{
	_json_ sd_json_variant *reply = NULL;
	int json, r;

	json = args_json_only(&verb_gpus, argc, argv);
	if (json < 0)
		return args_status(json);
	r = args_operands(&verb_gpus, argc, argv, 0, 0, "nothing");
	if (r == 0)
		r = broker_request("ListGpus", NULL, &reply);
	if (r < 0)
		return r;
	if (json)
		return json_print(json_array(reply, "gpus"));
	return rows_show(json_array(reply, "gpus"), gpu_columns, gpu_row);
}

static int types_run(int argc, char **argv)
{
	_json_ sd_json_variant *reply = NULL, *parameters = NULL;
	int json, r;

	json = args_json_only(&verb_types, argc, argv);
	if (json < 0)
		return args_status(json);
	r = args_operands(&verb_types, argc, argv, 0, 1, "a GPU");
	if (r == 0 && optind < argc)
		r = broker_set_text(&parameters, "gpu", argv[optind]);
	if (r == 0)
		r = broker_request("ListTypes", parameters, &reply);
	if (r < 0)
		return r;
	if (json)
		return json_print(json_array(reply, "types"));
	return rows_show(json_array(reply, "types"), type_columns, type_row);
}

const struct verb verb_gpus = {
	.name = "gpus",
	.summary = "list the GPUs of this host",
	.help = "Usage: tranche gpus [--json]\n\n"
		"Lists the GPUs of this host, what drives them, their video memory and how\n"
		"much of it is not yet promised to vGPUs, and whether the broker serves them.\n\n"
		"Examples:\n"
		"  tranche gpus\n"
		"  tranche gpus --json | jq '.[] | select(.served) | .address'\n",
	.run = gpus_run,
};

const struct verb verb_types = {
	.name = "types",
	.summary = "list what vGPUs can be made",
	.help = "Usage: tranche types [GPU] [--json]\n\n"
		"Lists the types of vGPU that each GPU, or the one named, offers: video memory,\n"
		"weight, how many fit on an empty GPU (MAX) and how many fit now (FREE).\n\n"
		"Examples:\n"
		"  tranche types\n"
		"  tranche types 0000:01:00.0\n",
	.run = types_run,
};
