#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# machine.sh ROOT: a machine to set up, made of files. The PF enp1s0f0 has made no VF yet, by its number;
# the folders of its two are there all the same. Each device is alone in its IOMMU group. ROOT/bin has a
# dpdk-devbind.py and a modprobe that change it.
set -eu
root=$1
devices=$root/sys/bus/pci/devices
pages=$root/sys/kernel/mm/hugepages/hugepages-2048kB

rm -rf "${root:?}"/sys "${root:?}"/proc "${root:?}"/dev "${root:?}"/bin
mkdir -p "$root/bin" "$root/dev/vfio" "$root/proc/net" "$root/proc/self" "$pages" \
	"$root/sys/class/net/enp1s0f0" "$root/sys/class/net/veth0" "$root/sys/bus/pci/drivers/vfio-pci"

# add ADDRESS DRIVER INTERFACE GROUP
add() {
	mkdir -p "$devices/$1/net/$3" "$root/sys/kernel/iommu_groups/$4/devices/$1"
	ln -s "../../drivers/$2" "$devices/$1/driver"
	ln -s "../../../../kernel/iommu_groups/$4" "$devices/$1/iommu_group"
	echo 0x020000 > "$devices/$1/class"
	: > "$root/dev/vfio/$4"
}
add 0000:01:00.0 igb enp1s0f0 1
add 0000:01:10.0 igbvf enp1s0f0v0 2
add 0000:01:10.1 igbvf enp1s0f0v1 3
ln -s ../0000:01:10.0 "$devices/0000:01:00.0/virtfn0"
ln -s ../0000:01:10.1 "$devices/0000:01:00.0/virtfn1"
echo 0 > "$devices/0000:01:00.0/sriov_numvfs"
echo 2 > "$devices/0000:01:00.0/sriov_totalvfs"
ln -s ../../../bus/pci/devices/0000:01:00.0 "$root/sys/class/net/enp1s0f0/device"

echo 256 > "$pages/nr_hugepages"
echo 200 > "$pages/free_hugepages"
printf 'Iface\tDestination\n' > "$root/proc/net/route"
printf 'Name:\tx\nCapEff:\t000001ffffffffff\n' > "$root/proc/self/status"

cat > "$root/bin/dpdk-devbind.py" <<-END
	#!/bin/sh
	ln -sfn ../../drivers/\$2 $devices/\$3/driver
END
cat > "$root/bin/modprobe" <<-END
	#!/bin/sh
	mkdir -p $root/sys/bus/pci/drivers/vfio-pci
END
chmod +x "$root"/bin/*
