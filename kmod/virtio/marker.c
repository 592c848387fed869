// SPDX-License-Identifier: GPL-2.0-only
/*
 * Marker frames: where a flow's frames end on the host's interface.
 *
 * The reply to PREPARE comes by a ring, the flow's frames come by the network
 * interface, and may wait there while the reply passes them. So the card sends
 * a marker behind the last frame. When it is here they are here, too, or in
 * the same round of the interface's softirq.
 */
#include <linux/etherdevice.h>
#include <linux/virtio_config.h>

#include "toe_virtio.h"

/* Anyone on the link can send one. It can only end a wait too early, and what
 * is late after that the gate gives to the card.
 */
static int marker_rcv(struct sk_buff *skb, struct net_device *dev,
		      struct packet_type *pt, struct net_device *orig_dev)
{
	const unsigned int len = sizeof(struct virtio_toe_marker) - ETH_HLEN;
	struct toe_virtio *tv = container_of(pt, struct toe_virtio, marker);
	const struct virtio_toe_marker *m;

	if (dev->addr_len == ETH_ALEN &&
	    ether_addr_equal(dev->dev_addr, tv->engine.mac) &&
	    pskb_may_pull(skb, len)) {
		m = (const void *)skb->data - ETH_HLEN;
		if (m->magic == cpu_to_le32(VIRTIO_TOE_MARKER_MAGIC))
			toe_virtio_marked(tv, le32_to_cpu(m->flow));
	}
	consume_skb(skb);
	return NET_RX_SUCCESS;
}

/**
 * toe_virtio_marker_start() - listen for markers, if the card sends them
 * @tv: the card
 *
 * Context: process.
 */
void toe_virtio_marker_start(struct toe_virtio *tv)
{
	if (!virtio_has_feature(tv->vdev, VIRTIO_TOE_F_MARKER))
		return;
	tv->marker.func = marker_rcv;
	tv->marker.type = htons(VIRTIO_TOE_MARKER_ETHERTYPE);
	dev_add_pack(&tv->marker);
}

/**
 * toe_virtio_marker_stop() - listen no more
 * @tv: the card; started or not
 *
 * Context: process, waits for an RCU grace period.
 */
void toe_virtio_marker_stop(struct toe_virtio *tv)
{
	if (tv->marker.type)
		dev_remove_pack(&tv->marker);
}
