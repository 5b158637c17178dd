/* SPDX-License-Identifier: BSD-3-Clause */
/* TAPs, by /dev/net/tun and the socket ioctls of interfaces. Called by host.c and twin.c. */
#include "dataplane/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h> // before the kernel's: only in this order do they agree on struct ifreq
#include <linux/if_arp.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_SEGMENTS 16

/* One ioctl on an interface; ifr has its name and takes the answer. */
static int ask(unsigned long request, const char *name, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", name);
	ret = ioctl(fd, request, ifr) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static int bring_up(const char *name)
{
	struct ifreq ifr = {0};
	int ret = ask(SIOCGIFFLAGS, name, &ifr);

	if (ret < 0)
		return ret;
	ifr.ifr_flags |= IFF_UP;
	return ask(SIOCSIFFLAGS, name, &ifr);
}

int tap_open(const char *name, enum tap_life life)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0 || ioctl(fd, TUNSETPERSIST, life == TAP_STAYS) < 0)
		ret = -errno;
	if (ret == 0)
		ret = bring_up(name);
	if (ret == 0)
		return fd;
	close(fd);
	return ret;
}

int tap_get_mac(const char *name, struct rte_ether_addr *mac)
{
	struct ifreq ifr = {0};
	int ret = ask(SIOCGIFHWADDR, name, &ifr);

	memcpy(mac->addr_bytes, ifr.ifr_hwaddr.sa_data, RTE_ETHER_ADDR_LEN);
	return ret;
}

int tap_set_mac(const char *name, const struct rte_ether_addr *mac)
{
	struct ifreq ifr = {.ifr_hwaddr.sa_family = ARPHRD_ETHER};

	memcpy(ifr.ifr_hwaddr.sa_data, mac->addr_bytes, RTE_ETHER_ADDR_LEN);
	return ask(SIOCSIFHWADDR, name, &ifr);
}

int tap_set_mtu(const char *name, uint16_t mtu)
{
	struct ifreq ifr = {.ifr_mtu = mtu};

	return ask(SIOCSIFMTU, name, &ifr);
}

int tap_set_carrier(int fd, bool has_carrier)
{
	int value = has_carrier;

	return ioctl(fd, TUNSETCARRIER, &value) < 0 ? -errno : 0;
}

int tap_write(int fd, struct rte_mbuf *pkt)
{
	struct iovec iov[MAX_SEGMENTS];
	int n_segs = 0;

	for (struct rte_mbuf *seg = pkt; seg != NULL; seg = seg->next) {
		if (n_segs == MAX_SEGMENTS)
			return -EMSGSIZE;
		iov[n_segs++] = (struct iovec){rte_pktmbuf_mtod(seg, void *), seg->data_len};
	}
	return writev(fd, iov, n_segs) < 0 ? -errno : 0;
}
