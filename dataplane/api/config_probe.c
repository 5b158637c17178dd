/* SPDX-License-Identifier: BSD-3-Clause */
/* What probes need of podlane.yaml: node.probe_address. Called by config.c. */
#include "dataplane/api/config_loading.h"

#include "dataplane/api/config.h"
#include "dataplane/api/config_schema.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

/* Only what is for a pool comes to the fast lane, and answers to probes must. */
static bool is_in_pool(const struct config *cfg, uint32_t addr)
{
	for (unsigned i = 0; i < cfg->n_pools; i++)
		if ((addr ^ cfg->pools[i].prefix) >> (32 - cfg->pools[i].depth) == 0)
			return true;
	return false;
}

int config_take_probe(struct config_loading *load)
{
	const char *text = load->raw->node.probe_address;
	struct in_addr in;

	if (text == NULL)
		return 0;
	if (inet_pton(AF_INET, text, &in) != 1 || in.s_addr == 0)
		return config_refuse(load, "node.probe_address",
			"%s is no IPv4 address; leave it out for the inventory's", text);
	if (!is_in_pool(load->cfg, ntohl(in.s_addr)))
		return config_refuse(load, "node.probe_address",
			"%s is in none of pools:; answers would not come to us", text);
	load->cfg->node.probe_address = ntohl(in.s_addr);
	return 0;
}
