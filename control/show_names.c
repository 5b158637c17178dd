/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of enumerations as they are shown in JSON. Called by show_json.c. */
#include "control/show_names.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

const char *show_name_replay(enum pipeline_replay replay)
{
	switch (replay) {
	case PIPELINE_REPLAY_NONE:
		return "none";
	case PIPELINE_REPLAY_RUNNING:
		return "running";
	case PIPELINE_REPLAY_COMPLETE:
		return "complete";
	case PIPELINE_REPLAY_HELD:
		return "held";
	}
	return "unknown";
}

const char *show_name_phase(enum sync_phase phase)
{
	switch (phase) {
	case SYNC_DISCONNECTED:
		return "disconnected";
	case SYNC_ADOPTING:
		return "adopting";
	case SYNC_SYNCING:
		return "syncing";
	case SYNC_IN_SYNC:
		return "in-sync";
	}
	return "unknown";
}

const char *show_name_sync_state(enum sync_state state)
{
	switch (state) {
	case SYNC_STATE_IN_SYNC:
		return "in-sync";
	case SYNC_STATE_WANTED:
		return "wanted";
	case SYNC_STATE_IN_FLIGHT:
		return "in-flight";
	case SYNC_STATE_REFUSED:
		return "refused";
	case SYNC_STATE_HELD:
		return "held";
	case SYNC_STATE_DELETING:
		return "deleting";
	}
	return "unknown";
}

const char *show_name_hop_state(enum hop_state state)
{
	switch (state) {
	case HOP_RESOLVED:
		return "resolved";
	case HOP_UNRESOLVED:
		return "unresolved";
	case HOP_NOT_OURS:
		return "not-ours";
	case HOP_POD_DETACHED:
		return "pod-detached";
	case HOP_LINK_DOWN:
		return "link-down";
	case HOP_NO_LINK:
		return "no-link";
	case HOP_NO_VTEP_MAC:
		return "no-vtep-mac";
	case HOP_NO_FDB:
		return "no-fdb";
	case HOP_NO_UNDERLAY:
		return "no-underlay";
	case HOP_UNDERLAY_UNRESOLVED:
		return "underlay-unresolved";
	case HOP_UNDERLAY_DOWN:
		return "underlay-down";
	case HOP_NO_TUNNEL_ADDRESS:
		return "no-tunnel-address";
	case HOP_NO_TUNNEL_REMOTE:
		return "no-tunnel-remote";
	case HOP_TUNNEL_UNKNOWN:
		return "tunnel-unknown";
	}
	return "unknown";
}

const char *show_name_path_kind(uint8_t kind)
{
	static const char *const names[WIRE_PATH_N_KINDS] = {
		[WIRE_PATH_PUNT] = "punt",
		[WIRE_PATH_NATIVE] = "native",
		[WIRE_PATH_IPIP] = "ipip",
		[WIRE_PATH_VXLAN] = "vxlan",
	};

	return kind < WIRE_PATH_N_KINDS ? names[kind] : "unknown";
}

enum wire_path_kind show_name_find_path_kind(const char *name)
{
	for (unsigned kind = WIRE_PATH_NATIVE; kind < WIRE_PATH_N_KINDS; kind++)
		if (strcmp(name, show_name_path_kind((uint8_t)kind)) == 0)
			return (enum wire_path_kind)kind;
	return WIRE_PATH_PUNT;
}

const char *show_name_probe_state(enum probe_state state)
{
	switch (state) {
	case PROBE_NONE:
		return "not-probed";
	case PROBE_UNKNOWN:
		return "unknown";
	case PROBE_UP:
		return "up";
	case PROBE_DOWN:
		return "down";
	}
	return "unknown";
}

const char *show_name_policy(uint8_t policy)
{
	bool is_scoped = hop_policy_scope(policy) == ENCAP_CROSS_SUBNET;

	switch (hop_policy_encap(policy)) {
	case ENCAP_FOLLOW:
		return "follow";
	case ENCAP_NONE:
		return "none";
	case ENCAP_IPIP:
		return is_scoped ? "ipip cross-subnet" : "ipip";
	case ENCAP_VXLAN:
		return is_scoped ? "vxlan cross-subnet" : "vxlan";
	case ENCAP_AUTO:
		return "auto";
	}
	return "unknown";
}

const char *show_name_nh(uint32_t nh)
{
	static const char *const fixed[] = {
		[WIRE_NH_NONE] = "none",
		[WIRE_NH_PUNT] = "punt",
		[WIRE_NH_BLACKHOLE] = "blackhole",
		[WIRE_NH_UNREACHABLE] = "unreachable",
		[WIRE_NH_PROHIBIT] = "prohibit",
		[WIRE_NH_NO_ROUTE] = "no-route",
		[WIRE_NH_PROBE] = "probe",
	};

	if (nh < sizeof(fixed) / sizeof(fixed[0]))
		return fixed[nh];
	return nh & WIRE_NH_GROUP ? "group" : "path";
}

const char *show_name_neighbour(uint16_t nud)
{
	switch (nud) {
	case NUD_INCOMPLETE:
		return "incomplete";
	case NUD_REACHABLE:
		return "reachable";
	case NUD_STALE:
		return "stale";
	case NUD_DELAY:
		return "delay";
	case NUD_PROBE:
		return "probe";
	case NUD_FAILED:
		return "failed";
	case NUD_NOARP:
		return "noarp";
	case NUD_PERMANENT:
		return "permanent";
	default:
		return "none";
	}
}

const char *show_name_route_type(uint8_t type)
{
	switch (type) {
	case RTN_UNICAST:
		return "unicast";
	case RTN_BLACKHOLE:
		return "blackhole";
	case RTN_UNREACHABLE:
		return "unreachable";
	case RTN_PROHIBIT:
		return "prohibit";
	default:
		return "other";
	}
}

const char *show_name_protocol(uint8_t protocol, char buf[16])
{
	static const struct {
		uint8_t protocol;
		const char *name;
	} names[] = {
		{RTPROT_KERNEL, "kernel"}, {RTPROT_BOOT, "boot"}, {RTPROT_STATIC, "static"},
		{RTPROT_ZEBRA, "zebra"}, {RTPROT_BIRD, "bird"}, {186, "bgp"}, {187, "isis"},
		{188, "ospf"}, {189, "rip"}, {192, "eigrp"},
		{196, "static"}, // FRR's own number for its static routes
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].protocol == protocol)
			return names[i].name;
	snprintf(buf, 16, "%u", protocol);
	return buf;
}
