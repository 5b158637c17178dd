/* SPDX-License-Identifier: BSD-3-Clause */
/* podlane.yaml's list "ports". Called by config.c only. */
#include "dataplane/api/config.h"

#include "dataplane/api/config_loading.h"
#include "dataplane/api/config_schema.h"

#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES	32u /* WIRE_NAME_BYTES, so that names are shown whole */
#define DESCRIPTORS	1024u
#define DESCRIPTORS_MIN 64u
#define DESCRIPTORS_MAX 8192u
#define MTU_MIN		576u /* RFC 791: what every host must take */
#define MTU_MAX		9216u
#define VLAN_MAX	4094u
#define PCI_VARIABLE	"PCIDEVICE_"

static int check_name(struct config_loading *load, unsigned i)
{
	const char *name = load->cfg->ports[i].name;
	char key[64];

	snprintf(key, sizeof(key), "ports[%u]", i);
	if (name == NULL || name[0] == '\0')
		return config_refuse(load, key, "has no name; add \"name: uplink%u\"", i);
	snprintf(key, sizeof(key), "ports[%u].name", i);
	if (strlen(name) >= NAME_BYTES)
		return config_refuse(load, key, "is longer than %u characters", NAME_BYTES - 1);
	for (unsigned j = 0; j < i; j++)
		if (strcmp(load->cfg->ports[j].name, name) == 0)
			return config_refuse(load, key, "%s is also ports[%u]; rename one", name,
				j);
	return 0;
}

/* Exactly one of the three ways to name a device. */
static int check_kind(struct config_loading *load, unsigned i)
{
	const struct config_port *port = &load->cfg->ports[i];
	char key[64];

	snprintf(key, sizeof(key), "ports[%u]", i);
	if ((port->interface != NULL) + (port->devargs != NULL) + (port->pci != NULL) != 1)
		return config_refuse(load, key,
			"%s: say exactly one of interface:, pci: and devargs:", port->name);
	return 0;
}

static int check_interface(struct config_loading *load, unsigned i)
{
	const char *interface = load->cfg->ports[i].interface;
	char key[64];

	snprintf(key, sizeof(key), "ports[%u].interface", i);
	if (interface == NULL)
		return 0;
	if (interface[0] == '\0' || strlen(interface) >= IFNAMSIZ)
		return config_refuse(load, key, "is no interface name; \"ip link\" lists them");
	for (unsigned j = 0; j < i; j++)
		if (load->cfg->ports[j].interface != NULL &&
			strcmp(load->cfg->ports[j].interface, interface) == 0)
			return config_refuse(load, key, "%s is also polled by %s; remove one",
				interface, load->cfg->ports[j].name);
	return 0;
}

/* 0000:3b:02.0 or 3b:02.0, the first len characters. */
static bool is_address(const char *text, size_t len)
{
	unsigned domain, bus, device, function;
	int end = 0;

	if (sscanf(text, "%4x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &end) == 4)
		return (size_t)end == len;
	return sscanf(text, "%2x:%2x.%1x%n", &bus, &device, &function, &end) == 3 &&
	       (size_t)end == len;
}

/* The forms that pci_find() takes; whether the device is there is not looked at. */
static bool is_pci(const char *text)
{
	size_t len = strcspn(text, "/");
	unsigned vf;
	int end = 0;

	if (strncmp(text, PCI_VARIABLE, strlen(PCI_VARIABLE)) == 0)
		return text[strlen(PCI_VARIABLE)] != '\0';
	if (text[len] == '/' &&
		(sscanf(text + len, "/vf%3u%n", &vf, &end) != 1 || text[len + (size_t)end] != '\0'))
		return false;
	if (is_address(text, len))
		return true;
	// an interface's name
	return len > 0 && len < IFNAMSIZ && memchr(text, ':', len) == NULL;
}

/* How long is the word in front of a member's name? 0: it is another argument. */
static size_t member_prefix(const char *word)
{
	static const char *const words[] = {"member=", "slave="};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncmp(word, words[i], strlen(words[i])) == 0)
			return strlen(words[i]);
	return 0;
}

/* An interface's name is not meant: a virtual device's looks like one. */
static bool is_pci_member(const char *text, size_t len)
{
	char copy[CONFIG_PCI_BYTES];

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return is_pci(copy) && (strpbrk(copy, ":/") != NULL ||
				       strncmp(copy, PCI_VARIABLE, strlen(PCI_VARIABLE)) == 0);
}

/* Returns: where its name stands in devargs; NULL, there is none */
static const char *find_member(const struct config_port *port, unsigned n, size_t *len)
{
	const char *word = port->devargs != NULL ? port->devargs : "";

	for (; *word != '\0'; word += *len + (word[*len] == ',')) {
		size_t prefix = member_prefix(word);

		*len = strcspn(word, ",");
		if (prefix == 0 || !is_pci_member(word + prefix, *len - prefix) || n-- > 0)
			continue;
		*len -= prefix;
		return word + prefix;
	}
	return NULL;
}

bool config_port_member(const struct config_port *port, unsigned n, char member[CONFIG_PCI_BYTES])
{
	size_t len;
	const char *name = find_member(port, n, &len);

	if (name != NULL)
		snprintf(member, CONFIG_PCI_BYTES, "%.*s", (int)len, name);
	return name != NULL;
}

int config_port_set_member(struct config_port *port, unsigned n, const char *address)
{
	size_t len;
	const char *name = find_member(port, n, &len);
	char *devargs;

	if (name == NULL)
		return -ENOENT;
	if (asprintf(&devargs, "%.*s%s%s", (int)(name - port->devargs), port->devargs, address,
		    name + len) < 0)
		return -ENOMEM;
	free(port->devargs);
	port->devargs = devargs;
	return 0;
}

static int check_pci(struct config_loading *load, unsigned i)
{
	const char *pci = load->cfg->ports[i].pci;
	char key[64];

	snprintf(key, sizeof(key), "ports[%u].pci", i);
	if (pci == NULL)
		return 0;
	if (!is_pci(pci))
		return config_refuse(load, key,
			"%s is no PCI address like 0000:3b:02.0, no VF like enp59s0f0/vf0, no "
			"interface and no " PCI_VARIABLE
			"... variable; \"dpdk-devbind.py --status-dev net\" lists them",
			pci);
	for (unsigned j = 0; j < i; j++)
		if (load->cfg->ports[j].pci != NULL && strcmp(load->cfg->ports[j].pci, pci) == 0)
			return config_refuse(load, key, "%s is also polled by %s; remove one", pci,
				load->cfg->ports[j].name);
	return 0;
}

/* Without them DPDK maps each 4 KiB page for the IOMMU, more of them than vfio allows. */
static int check_hugepages(struct config_loading *load, unsigned i)
{
	const struct config_port *port = &load->cfg->ports[i];
	char key[64], member[CONFIG_PCI_BYTES];

	if (load->cfg->dataplane.hugepages)
		return 0;
	snprintf(key, sizeof(key), "ports[%u].%s", i, port->pci != NULL ? "pci" : "devargs");
	if (port->pci != NULL || config_port_member(port, 0, member))
		return config_refuse(load, key, "a PCI port needs dataplane.hugepages: true");
	return 0;
}

static int check_numbers(struct config_loading *load, unsigned i)
{
	const struct config_port *port = &load->cfg->ports[i];
	char key[64];

	snprintf(key, sizeof(key), "ports[%u].queues", i);
	if (port->queues < 1 || port->queues > 64)
		return config_refuse(load, key, "%u is not in 1..64; the default is 1",
			port->queues);
	snprintf(key, sizeof(key), "ports[%u].descriptors", i);
	if (port->descriptors < DESCRIPTORS_MIN || port->descriptors > DESCRIPTORS_MAX)
		return config_refuse(load, key, "%u is not in %u..%u; the default is %u",
			port->descriptors, DESCRIPTORS_MIN, DESCRIPTORS_MAX, DESCRIPTORS);
	snprintf(key, sizeof(key), "ports[%u].mtu", i);
	if (port->mtu != 0 && port->interface != NULL)
		return config_refuse(load, key, "is the kernel's; run: ip link set %s mtu %u",
			port->interface, port->mtu);
	if (port->mtu != 0 && (port->mtu < MTU_MIN || port->mtu > MTU_MAX))
		return config_refuse(load, key,
			"%u is not in %u..%u; without it the device's own is used", port->mtu,
			MTU_MIN, MTU_MAX);
	return 0;
}

static int check_vlan(struct config_loading *load, unsigned i)
{
	const struct config_port *port = &load->cfg->ports[i];
	char key[64];

	snprintf(key, sizeof(key), "ports[%u].vlan", i);
	if (load->raw->ports[i].vlan == NULL)
		return 0;
	if (port->interface != NULL)
		return config_refuse(load, key,
			"is the kernel's; make an interface of its own (ip link add link %s type "
			"vlan id %u) and poll that",
			port->interface, port->vlan);
	if (port->vlan < 1 || port->vlan > VLAN_MAX)
		return config_refuse(load, key, "%u is not in 1..%u", port->vlan, VLAN_MAX);
	return 0;
}

static int check_promiscuous(struct config_loading *load, unsigned i)
{
	const struct config_port *port = &load->cfg->ports[i];
	char key[64];

	snprintf(key, sizeof(key), "ports[%u].promiscuous", i);
	if (port->promiscuous && port->interface != NULL)
		return config_refuse(load, key, "is the kernel's; run: ip link set %s promisc on",
			port->interface);
	return 0;
}

static int check_twin(struct config_loading *load, unsigned i)
{
	const struct config_port *port = &load->cfg->ports[i];
	char key[64];

	snprintf(key, sizeof(key), "ports[%u].twin", i);
	if (!port->twin)
		return 0;
	if (port->interface != NULL)
		return config_refuse(load, key, "%s is the kernel's own; leave twin out",
			port->interface);
	snprintf(key, sizeof(key), "ports[%u].name", i);
	if (strlen(port->name) >= IFNAMSIZ)
		return config_refuse(load, key,
			"%s is too long for its TAP twin; shorten it to %d, or set twin: false",
			port->name, IFNAMSIZ - 1);
	return 0;
}

static void take_port(struct raw_port *raw, struct config_port *port)
{
	*port = (struct config_port){
		.name = config_take_string(&raw->name, NULL),
		.interface = config_take_string(&raw->interface, NULL),
		.devargs = config_take_string(&raw->devargs, NULL),
		.pci = config_take_string(&raw->pci, NULL),
		.queues = raw->queues != NULL ? *raw->queues : 1,
		.descriptors = raw->descriptors != NULL ? *raw->descriptors : DESCRIPTORS,
		.mtu = raw->mtu != NULL ? *raw->mtu : 0,
		.vlan = raw->vlan != NULL ? *raw->vlan : 0,
		.checksum = raw->checksum != NULL ? (enum config_checksum) * raw->checksum
						  : CONFIG_CHECKSUM_TRUST,
	};
	port->promiscuous = raw->promiscuous != NULL && *raw->promiscuous;
	port->twin = raw->twin != NULL ? *raw->twin : port->pci != NULL;
}

int config_take_ports(struct config_loading *load)
{
	static int (*const checks[])(struct config_loading *, unsigned) = {
		check_name,
		check_kind,
		check_numbers,
		check_interface,
		check_pci,
		check_hugepages,
		check_vlan,
		check_promiscuous,
		check_twin,
	};
	struct raw_config *raw = load->raw;

	load->cfg->ports = calloc(raw->ports_count + 1, sizeof(*load->cfg->ports));
	if (load->cfg->ports == NULL)
		return config_no_memory(load);
	load->cfg->n_ports = raw->ports_count;
	for (unsigned i = 0; i < raw->ports_count; i++) {
		take_port(&raw->ports[i], &load->cfg->ports[i]);
		for (size_t c = 0; c < sizeof(checks) / sizeof(checks[0]); c++) {
			int err = checks[c](load, i);

			if (err != 0)
				return err;
		}
	}
	return 0;
}
