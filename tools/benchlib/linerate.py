# SPDX-License-Identifier: BSD-3-Clause
"""What the measured rates mean on a wire: how many cores 10, 25 and 100 GbE take, and what each form
leaves for what pods send. Nothing is measured here; the rates are of devices in memory, so a real NIC's
driver comes on top, and workers are taken to scale."""
import math

LINES_GBPS = (10, 25, 100)
WIRE_BYTES = 24         # checksum, preamble and gap, beside what is in a file
ETHER_BYTES, MTU = 14, 1500
OUTER_BYTES = {"native": 0, "ipip": 20, "vxlan": 50}


def line_pps(gbps, frame_bytes):
    """Frames a second on a full line; frame_bytes without checksum, preamble and gap."""
    return gbps * 1e9 / 8 / (frame_bytes + WIRE_BYTES)


def cores(gbps, frame_bytes, core_pps):
    return math.ceil(line_pps(gbps, frame_bytes) / core_pps)


def goodput_gbps(gbps, form, ip_bytes, mtu=MTU):
    """What pods get across a full line of packets of theirs of that size, in bits of IP packets. Packets
    that do not fit beside the outer header are as long as fits: the pods' MTU is less."""
    inner = min(ip_bytes, mtu - OUTER_BYTES[form])
    frame = max(inner + OUTER_BYTES[form] + ETHER_BYTES, 60)
    return line_pps(gbps, frame) * inner * 8 / 1e9


def need(results):
    """For each result of the forwarding bench: the wider of the two sides, in or out, fills its line
    first, and sets how many packets come at most."""
    return [{"label": one["label"], "mode": one["mode"], "routes": one["routes"],
             "size": one["size"], "mpps": one["mpps"],
             "cores": {str(gbps): cores(gbps, max(one["bytes_in"], one["bytes_out"]),
                                        one["mpps"] * 1e6) for gbps in LINES_GBPS}}
            for one in results]


def goodput(gbps=25):
    return {form: {str(ip_bytes): goodput_gbps(gbps, form, ip_bytes) for ip_bytes in (46, 576, MTU)}
            for form in OUTER_BYTES}


def table(results):
    lines = [f"cores for a full line, by the rates above{'':12}  10 GBE  25 GBE  100 GBE"]
    for one in need(results):
        name = f"{one['mode']}, {one['routes']:,} route{'s' * (one['routes'] > 1)}, {one['size']}"
        lines.append(f"{name[:52]:52}  {one['cores']['10']:6}  {one['cores']['25']:6}  "
                     f"{one['cores']['100']:7}")
    lines.append("")
    lines.append("goodput of 25 GbE, Gb/s of pods' packets of    46     576    1500 bytes")
    for form, rates in goodput().items():
        lines.append(f"  {form:40}" + "".join(f"{rate:8.2f}" for rate in rates.values()))
    return lines
