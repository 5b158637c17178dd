/* SPDX-License-Identifier: BSD-3-Clause */
/* kubectl's and calicoctl's JSON to objects by kind, and what all parts of the import need to read them. */
#include "tools/podlane/import_calico.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define OTHER_KINDS "others" /* names of kinds that we have no use for */

static const struct {
	const char *kind;
	const char *versions[2];
} kinds[] = {
	// A node of Kubernetes has annotations, one of calicoctl has a spec.
	{"Node", {"v1", "projectcalico.org/v3"}},
	{"IPPool", {"crd.projectcalico.org/v1", "projectcalico.org/v3"}},
	{"FelixConfiguration", {"crd.projectcalico.org/v1", "projectcalico.org/v3"}},
	{"BGPConfiguration", {"crd.projectcalico.org/v1", "projectcalico.org/v3"}},
	{"BGPPeer", {"crd.projectcalico.org/v1", "projectcalico.org/v3"}},
};

static bool is_known(const char *kind, const char *version)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].kind, kind) == 0 &&
			(strcmp(kinds[i].versions[0], version) == 0 ||
				strcmp(kinds[i].versions[1], version) == 0))
			return true;
	return false;
}

static void file_under(json_t *objects, const char *key, json_t *object)
{
	json_t *list = json_object_get(objects, key);

	if (list == NULL) {
		list = json_array();
		json_object_set_new(objects, key, list);
	}
	json_array_append(list, object);
}

static void file_other(json_t *objects, const char *kind)
{
	json_t *others = json_object_get(objects, OTHER_KINDS);

	if (others == NULL) {
		others = json_object();
		json_object_set_new(objects, OTHER_KINDS, others);
	}
	json_object_set_new(others, kind, json_true());
}

/*
 * One object that is no list.
 *
 * @of: the list it was in. The API server leaves kind and apiVersion out in the items of a NodeList.
 */
static bool take_item(json_t *objects, json_t *object, const json_t *of)
{
	const char *kind = import_calico_text(object, "kind");
	const char *version = import_calico_text(object, "apiVersion");
	const char *list = import_calico_text(of, "kind");
	char buf[64];

	if (kind == NULL && list != NULL && strlen(list) > 4 && strlen(list) < sizeof(buf)) {
		snprintf(buf, sizeof(buf), "%.*s", (int)strlen(list) - 4, list);
		kind = buf;
	}
	if (version == NULL)
		version = import_calico_text(of, "apiVersion");
	if (!json_is_object(object) || kind == NULL || version == NULL)
		return false;
	if (is_known(kind, version))
		file_under(objects, kind, object);
	else
		file_other(objects, kind);
	return true;
}

/* @depth: how many lists may be inside each other; kubectl nests none, an array of lists is two */
static bool take(json_t *objects, json_t *json, const json_t *of, unsigned depth)
{
	json_t *items = json_is_array(json) ? json : json_object_get(json, "items");
	json_t *item;
	size_t i;

	if (!json_is_array(items))
		return take_item(objects, json, of);
	if (depth == 0)
		return false;
	json_array_foreach(items, i, item) if (!take(objects, item, json, depth - 1)) return false;
	return true;
}

/* Returns EOF at the end. */
static int skip_space(FILE *in)
{
	int c;

	do
		c = getc(in);
	while (c != EOF && isspace(c));
	if (c != EOF)
		ungetc(c, in);
	return c;
}

/* What was read is quoted to a terminal, one line each. */
static void make_plain(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

int import_calico_read(FILE *in, json_t *objects, char *error, size_t error_bytes)
{
	unsigned n = 0;

	errno = 0;
	error[0] = '\0';
	while (skip_space(in) != EOF) {
		json_error_t why;
		json_t *json = json_loadf(in, JSON_DISABLE_EOF_CHECK, &why);
		bool is_taken = json != NULL && take(objects, json, NULL, 3);

		json_decref(json);
		n++;
		if (json == NULL)
			snprintf(error, error_bytes, "line %d: %s", why.line, why.text);
		else if (!is_taken)
			snprintf(error, error_bytes,
				"an object has no kind and apiVersion: is it from Kubernetes?");
		make_plain(error);
		if (!is_taken)
			return -EINVAL;
	}
	if (ferror(in)) {
		snprintf(error, error_bytes, "%s", strerror(errno));
		return errno != 0 ? -errno : -EIO;
	}
	if (n == 0) {
		snprintf(error, error_bytes, "is empty");
		return -EINVAL;
	}
	return 0;
}

const json_t *import_calico_objects(const struct import *import, const char *kind)
{
	return json_object_get(import->objects, kind);
}

const char *import_calico_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL || text[0] == '\0' ? NULL : text;
}

const char *import_calico_name(const json_t *object)
{
	const char *name = import_calico_text(json_object_get(object, "metadata"), "name");

	return name == NULL ? "?" : name;
}

bool import_calico_is_name(const char *text)
{
	size_t len =
		strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");

	return len > 0 && len <= 253 && text[len] == '\0' && isalnum((unsigned char)text[0]);
}

bool import_calico_address(const char *text, uint32_t *addr, uint8_t *depth)
{
	char digits[16];
	unsigned len = 32;
	struct in_addr in;
	int end = 0;

	if (text == NULL || sscanf(text, "%15[0-9.]%n/%2u%n", digits, &end, &len, &end) < 1 ||
		text[end] != '\0' || inet_pton(AF_INET, digits, &in) != 1 || len < 1 || len > 32 ||
		in.s_addr == 0)
		return false;
	*addr = ntohl(in.s_addr);
	*depth = (uint8_t)len;
	return true;
}

bool import_calico_mac(const char *text, char mac[18])
{
	unsigned byte[6];
	char plain[18];

	if (strlen(text) != 17)
		return false;
	for (size_t i = 0; i <= 17; i++)
		plain[i] = (char)(text[i] == '-' ? ':' : tolower((unsigned char)text[i]));
	for (size_t i = 0; i < 17; i++)
		if (i % 3 == 2 ? plain[i] != ':' : !isxdigit((unsigned char)plain[i]))
			return false;
	sscanf(plain, "%2x:%2x:%2x:%2x:%2x:%2x", &byte[0], &byte[1], &byte[2], &byte[3], &byte[4],
		&byte[5]);
	memcpy(mac, plain, sizeof(plain));
	return (byte[0] & 1) == 0;
}

void import_calico_remark(const struct import *import, const char *kind, const json_t *object,
	const char *format, ...)
{
	char of[320], text[1024];
	va_list args;
	json_t *remark;

	if (object != NULL)
		snprintf(of, sizeof(of), "%s %.250s", kind, import_calico_name(object));
	else
		snprintf(of, sizeof(of), "%s", kind);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	make_plain(of);
	make_plain(text);
	remark = json_object();
	// A text that was cut inside a character is no UTF-8, and cannot be a JSON string.
	json_object_set_new(remark, "of", json_string_nocheck(of));
	json_object_set_new(remark, "text", json_string_nocheck(text));
	json_array_append_new(json_object_get(import->doc, "remarks"), remark);
}

static void remark_others(const struct import *import)
{
	json_t *others = json_object_get(import->objects, OTHER_KINDS);
	const char *kind;
	json_t *value;

	json_object_foreach(others, kind, value) import_calico_remark(import, "input", NULL,
		"kind %.100s is not looked at; nothing to do", kind);
}

void import_calico_work_out(const struct import *import)
{
	json_object_set_new(import->doc, "nodes", json_array());
	json_object_set_new(import->doc, "pools", json_array());
	json_object_set_new(import->doc, "tunnel", json_object());
	json_object_set_new(import->doc, "frr", json_array());
	json_object_set_new(import->doc, "remarks", json_array());
	import_calico_pools(import);
	import_calico_nodes(import);
	import_calico_felix(import);
	import_calico_bgp(import);
	remark_others(import);
}
