/* SPDX-License-Identifier: BSD-3-Clause */
/* The members of bonding devices. Called by port.c. */
#include "dataplane/table/port_bond.h"

#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_version.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
#define MEMBER "member="
#else
#define MEMBER "slave="
#endif

bool port_is_bond(const char *eth_name)
{
	return strncmp(eth_name, "net_bonding", strlen("net_bonding")) == 0;
}

static const char *bus_of(const char *member)
{
	return strchr(member, ':') != NULL ? "pci" : "vdev";
}

/* The next word of the arguments; if it names a member, that. Returns: is there one? */
static bool next_word(const char **args, char member[RTE_ETH_NAME_MAX_LEN])
{
	size_t len = strcspn(*args, ",");
	const char *equals = memchr(*args, '=', len);

	if (**args == '\0')
		return false;
	member[0] = '\0';
	if (equals != NULL &&
		(strncmp(*args, "member=", 7) == 0 || strncmp(*args, "slave=", 6) == 0))
		snprintf(member, RTE_ETH_NAME_MAX_LEN, "%.*s", (int)(*args + len - equals - 1),
			equals + 1);
	*args += len + ((*args)[len] == ',');
	return true;
}

/* Returns: -EEXIST it was there before */
static int open_member(const char *member)
{
	uint16_t eth_id;

	if (rte_eth_dev_get_port_by_name(member, &eth_id) == 0)
		return -EEXIST;
	return rte_eal_hotplug_add(bus_of(member), member, "");
}

static int rename_members(char *args, size_t args_bytes)
{
	char member[RTE_ETH_NAME_MAX_LEN], out[512];
	const char *at = args, *word = args;
	size_t len = 0;

	for (out[0] = '\0'; next_word(&at, member) && len < sizeof(out); word = at)
		len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s%.*s",
			len > 0 ? "," : "", member[0] != '\0' ? MEMBER : "",
			member[0] != '\0' ? (int)strlen(member) : (int)strcspn(word, ","),
			member[0] != '\0' ? member : word);
	if (len >= sizeof(out) || len >= args_bytes)
		return -ENAMETOOLONG;
	memcpy(args, out, len + 1);
	return 0;
}

int port_bond_open(char *args, size_t args_bytes)
{
	char member[RTE_ETH_NAME_MAX_LEN];
	int ret = rename_members(args, args_bytes);
	const char *at = args;

	while (ret == 0 && next_word(&at, member)) {
		if (member[0] != '\0')
			ret = open_member(member);
		if (ret == -EEXIST)
			ret = 0;
	}
	if (ret < 0)
		port_bond_close(args);
	return ret;
}

void port_bond_close(const char *args)
{
	char member[RTE_ETH_NAME_MAX_LEN];
	uint16_t eth_id;

	while (next_word(&args, member))
		if (member[0] != '\0' && rte_eth_dev_get_port_by_name(member, &eth_id) == 0)
			rte_eal_hotplug_remove(bus_of(member), member);
}
