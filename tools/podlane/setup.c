/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * podlane setup: make the node ready for the PCI ports of podlane.yaml. First everything is looked at; only
 * if nothing stands in the way is anything changed.
 */
#include "tools/podlane/setup.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/api/config.h"
#include "dataplane/pci.h"
#include "tools/podlane/command.h"
#include "tools/podlane/sockets.h"
#include "tools/podlane/table.h"

/* The n-th PCI device of a port: of a bond there are several. Returns: NULL, there is none */
static const char *device_of(const struct config_port *port, unsigned n,
	char member[CONFIG_PCI_BYTES])
{
	if (port->pci != NULL)
		return n == 0 ? port->pci : NULL;
	return config_port_member(port, n, member) ? member : NULL;
}

/* The highest VF of a PF that any device wants, said with the first of them. @nth: of all devices */
static void see_to_vfs(struct setup *setup, const struct config *config, const char *pci,
	unsigned nth)
{
	char pf[PCI_PF_BYTES], other[PCI_PF_BYTES], member[CONFIG_PCI_BYTES];
	unsigned last, vf, n_before = 0;

	if (!pci_is_vf(pci, pf, &last))
		return;
	for (unsigned i = 0; i < config->n_ports; i++)
		for (unsigned n = 0; (pci = device_of(&config->ports[i], n, member)) != NULL;
			n++, n_before++) {
			if (!pci_is_vf(pci, other, &vf) || strcmp(pf, other) != 0)
				continue;
			if (n_before < nth)
				return;
			last = vf > last ? vf : last;
		}
	setup_vfs(setup, pf, last);
}

static void see_to_all(struct setup *setup, const struct config *config)
{
	unsigned n_pci = 0, n_vfio = 0, nth = 0;
	char member[CONFIG_PCI_BYTES];
	const char *pci;

	for (unsigned i = 0; i < config->n_ports; i++)
		for (unsigned n = 0; (pci = device_of(&config->ports[i], n, member)) != NULL; n++) {
			n_pci++;
			n_vfio += setup_wants_vfio(setup, pci);
		}
	if (config->dataplane.hugepages)
		setup_hugepages(setup, config->dataplane.memory_mb);
	if (n_vfio > 0)
		setup_vfio(setup);
	if (n_pci > 0)
		setup_locked_memory(setup);
	for (unsigned i = 0; i < config->n_ports; i++)
		for (unsigned n = 0; (pci = device_of(&config->ports[i], n, member)) != NULL; n++)
			see_to_vfs(setup, config, pci, nth++);
	for (unsigned i = 0; i < config->n_ports; i++)
		for (unsigned n = 0; (pci = device_of(&config->ports[i], n, member)) != NULL; n++)
			setup_device(setup, config->ports[i].name, pci);
}

static unsigned run(struct context *context, const struct config *config, enum setup_mode mode)
{
	struct setup setup = {.root = context->options->root, .mode = mode, .steps = json_array()};

	see_to_all(&setup, config);
	json_object_set_new(context->doc, "steps", setup.steps);
	json_object_set_new(context->doc, "is_ready",
		json_boolean(setup.n_wrong + setup.n_to_do == 0));
	return setup.n_wrong;
}

void setup_gather(struct context *context, const char *arg)
{
	const char *path = context->options->config_path;
	struct config *config;
	char error[512];
	unsigned n_wrong;

	(void)arg;
	if (config_load(path != NULL ? path : SOCKETS_CONFIG, &config, error, sizeof(error)) != 0) {
		context_fail(context, EXIT_CODE_FAILED, "setup: %s", error);
		return;
	}
	n_wrong = run(context, config, SETUP_SHOW);
	if (n_wrong == 0 && !context->options->is_dry_run)
		n_wrong = run(context, config, SETUP_DO);
	json_object_set_new(context->doc, "is_dry_run", json_boolean(context->options->is_dry_run));
	if (n_wrong > 0)
		context_fail(context, EXIT_CODE_FAILED, "setup: %u of %zu steps cannot be done",
			n_wrong, json_array_size(json_object_get(context->doc, "steps")));
	config_free(config);
}

void setup_print(const json_t *doc, const struct options *options)
{
	static const char *const titles[] = {"STATE", "WHAT", "OF", "", NULL};
	const json_t *steps = json_object_get(doc, "steps");
	struct table *table;
	json_t *step;
	size_t i;

	(void)options;
	if (steps == NULL)
		return;
	if (json_array_size(steps) == 0) {
		printf("no port is a PCI device, and dataplane.hugepages is false: there is "
		       "nothing to set up\n");
		return;
	}
	table = table_new(titles);
	json_array_foreach(steps, i, step)
	{
		table_string(table, json_object_get(step, "state"));
		table_string(table, json_object_get(step, "what"));
		table_string(table, json_object_get(step, "of"));
		table_string(table, json_object_get(step, "text"));
	}
	table_print(table, stdout);
	json_array_foreach(steps, i, step)
	{
		const char *command = json_string_value(json_object_get(step, "command"));
		const char *state = json_string_value(json_object_get(step, "state"));

		if (command != NULL)
			printf("%s %s\n",
				strcmp(state, "to-do") == 0 ? "would run:" : "ran:", command);
	}
}
