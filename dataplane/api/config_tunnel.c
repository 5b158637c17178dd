/* SPDX-License-Identifier: BSD-3-Clause */
/* The section "tunnel" of podlane.yaml. Called by config.c. */
#include "dataplane/api/config_loading.h"

#include "dataplane/api/config.h"
#include "dataplane/api/config_schema.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#define PORT_MIN 32768u /* Linux's net.ipv4.ip_local_port_range */
#define PORT_MAX 60999u

static int take_address(struct config_loading *load)
{
	const char *text = load->raw->tunnel.address;
	struct in_addr in;

	if (text == NULL)
		return 0;
	if (inet_pton(AF_INET, text, &in) != 1 || in.s_addr == 0)
		return config_refuse(load, "tunnel.address",
			"%s is no IPv4 address; leave it out for the egress interface's", text);
	load->cfg->tunnel.address = ntohl(in.s_addr);
	return 0;
}

static int take_mac(struct config_loading *load)
{
	struct config_tunnel *tunnel = &load->cfg->tunnel;
	const char *text = load->raw->tunnel.mac;
	unsigned byte[6];
	int end = 0;

	if (text == NULL)
		return 0;
	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &byte[0], &byte[1], &byte[2], &byte[3],
		    &byte[4], &byte[5], &end) != 6 ||
		text[end] != '\0' || (byte[0] & 1) != 0)
		return config_refuse(load, "tunnel.mac",
			"%s is no unicast MAC like 66:3e:ca:a4:db:65", text);
	tunnel->has_mac = true;
	for (int i = 0; i < 6; i++)
		tunnel->mac[i] = (uint8_t)byte[i];
	return 0;
}

static int take_ports(struct config_loading *load)
{
	const char *text = load->raw->tunnel.source_port_range;
	unsigned min = PORT_MIN, max = PORT_MAX;
	int end = 0;

	if (text != NULL && (sscanf(text, "%5u-%5u%n", &min, &max, &end) != 2 ||
				    text[end] != '\0' || min < 1 || max > 65535 || min > max))
		return config_refuse(load, "tunnel.source_port_range",
			"%s is no range of ports like 32768-60999", text);
	load->cfg->tunnel.source_port_min = (uint16_t)min;
	load->cfg->tunnel.source_port_max = (uint16_t)max;
	return 0;
}

static int take_source(struct config_loading *load, unsigned i)
{
	const char *text = load->raw->tunnel.sources[i];
	unsigned depth = 32;
	struct in_addr in;
	char key[64], addr[16];
	int end = 0, n;

	snprintf(key, sizeof(key), "tunnel.sources[%u]", i);
	n = sscanf(text, "%15[0-9.]%n/%2u%n", addr, &end, &depth, &end);
	if (n < 1 || text[end] != '\0' || inet_pton(AF_INET, addr, &in) != 1 || depth < 1 ||
		depth > 32 || (ntohl(in.s_addr) & ~(UINT32_MAX << (32 - depth))) != 0)
		return config_refuse(load, key,
			"%s is no IPv4 address or prefix without bits right of its length", text);
	load->cfg->tunnel.sources[i] =
		(struct config_range){.prefix = ntohl(in.s_addr), .depth = (uint8_t)depth};
	return 0;
}

static int take_sources(struct config_loading *load)
{
	const struct raw_tunnel *raw = &load->raw->tunnel;

	load->cfg->tunnel.sources =
		calloc(raw->sources_count + 1, sizeof(*load->cfg->tunnel.sources));
	if (load->cfg->tunnel.sources == NULL)
		return config_no_memory(load);
	load->cfg->tunnel.n_sources = raw->sources_count;
	for (unsigned i = 0; i < raw->sources_count; i++) {
		int err = take_source(load, i);

		if (err != 0)
			return err;
	}
	return 0;
}

int config_take_tunnel(struct config_loading *load)
{
	static int (*const steps[])(
		struct config_loading * load) = {take_address, take_mac, take_ports, take_sources};
	const struct raw_tunnel *raw = &load->raw->tunnel;

	load->cfg->tunnel.udp_checksum = raw->udp_checksum == NULL || *raw->udp_checksum;
	load->cfg->tunnel.check_inner_source =
		raw->check_inner_source == NULL || *raw->check_inner_source;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int err = steps[i](load);

		if (err != 0)
			return err;
	}
	return 0;
}
