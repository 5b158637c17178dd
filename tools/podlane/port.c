/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * podlane port show: the ports the workers poll, and what went through them.
 */
#include "tools/podlane/command.h"
#include "tools/podlane/facts.h"
#include "tools/podlane/table.h"

void port_show_gather(struct context *context, const char *arg)
{
	struct dp_records records = {0};

	(void)arg;
	if (context_ask_dp(context, WIRE_DUMP, NULL, &records) &&
		context_ask_dp(context, WIRE_STATS, NULL, &records))
		json_object_set_new(context->doc, "ports", facts_ports(&records));
	dp_records_free(&records);
}

static json_int_t lost_in_nic(const json_t *port)
{
	return json_integer_value(json_object_get(port, "nic_rx_missed")) +
	       json_integer_value(json_object_get(port, "nic_rx_errors")) +
	       json_integer_value(json_object_get(port, "nic_tx_errors"));
}

void port_show_print(const json_t *doc, const struct options *options)
{
	static const char *const titles[] = {">IN", ">SENT", ">NIC LOST", "PORT", "LINK", ">MTU",
		"SUMS", "KIND", "DEVICE", NULL};
	const json_t *ports = json_object_get(doc, "ports");
	struct table *table;
	json_t *port;
	size_t i;

	(void)options;
	if (ports == NULL)
		return;
	table = table_new(titles);
	json_array_foreach(ports, i, port)
	{
		char lost[TEXT_BYTES];

		table_count(table, json_object_get(port, "rx_pkts"));
		table_count(table, json_object_get(port, "tx_pkts"));
		table_cell(table, "%s", text_count((uint64_t)lost_in_nic(port), lost));
		table_string(table, json_object_get(port, "name"));
		table_cell(table, "%s",
			json_is_true(json_object_get(port, "is_up")) ? "up" : "DOWN");
		table_cell(table, "%d", (int)json_integer_value(json_object_get(port, "mtu")));
		table_cell(table, "%s",
			json_is_true(json_object_get(port, "finishes_l4")) ? "nic" : "cpu");
		table_string(table, json_object_get(port, "kind"));
		table_string(table, json_object_get(port, "device"));
	}
	table_print(table, stdout);
}
