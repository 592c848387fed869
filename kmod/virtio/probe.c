// SPDX-License-Identifier: GPL-2.0-only
/* The device comes and goes. */
#include <linux/etherdevice.h>
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/virtio_config.h>

#include "toe_virtio.h"

static DEFINE_IDA(toe_virtio_ida);

static const struct toe_engine_ops engine_ops = {
	.prepare	= toe_virtio_prepare,
	.open		= toe_virtio_open,
	.transmit	= toe_virtio_transmit,
	.credit		= toe_virtio_credit,
	.close		= toe_virtio_close,
	.release	= toe_virtio_release,
	.inject		= toe_virtio_inject,
	.capture_start	= toe_virtio_capture_start,
	.capture_stop	= toe_virtio_capture_stop,
};

/* Hard interrupt; touches no ring. */
static void ctl_used(struct virtqueue *vq)
{
	struct toe_virtio *tv = vq->vdev->priv;

	queue_work(system_bh_wq, &tv->ctl_work);
}

static void event_used(struct virtqueue *vq)
{
	struct toe_virtio *tv = vq->vdev->priv;

	queue_work(system_bh_wq, &tv->event_work);
}

static void capture_used(struct virtqueue *vq)
{
	struct toe_virtio *tv = vq->vdev->priv;

	queue_work(system_dfl_wq, &tv->capture_work);
}

static void pair_used(struct virtqueue *vq)
{
	struct toe_virtio *tv = vq->vdev->priv;
	unsigned int i = (vq->index - VIRTIO_TOE_VQ_RX(0)) / 2;

	queue_work(system_bh_wq, &tv->pairs[i].work);
}

/* The only time the configuration is looked at, see card_failed(). */
static int config_read(struct virtio_device *vdev, struct toe_engine *e,
		       unsigned int *npairs, unsigned int *capture)
{
	u32 version;
	u16 pairs;

	virtio_cread_le(vdev, struct virtio_toe_config, version, &version);
	if (version != VIRTIO_TOE_VERSION) {
		dev_err(&vdev->dev, "card has version %u, driver needs %u\n",
			version, VIRTIO_TOE_VERSION);
		return -EINVAL;
	}
	virtio_cread_le(vdev, struct virtio_toe_config, max_flows,
			&e->max_flows);
	if (!e->max_flows) {
		dev_err(&vdev->dev, "card carries no flows\n");
		return -EINVAL;
	}
	virtio_cread_le(vdev, struct virtio_toe_config, max_tx_len,
			&e->max_tx_len);
	if (e->max_tx_len < SZ_64K) {
		dev_err(&vdev->dev, "card takes messages of %u bytes, driver needs %u\n",
			e->max_tx_len, SZ_64K);
		return -EINVAL;
	}
	e->max_tx_len = min_t(u32, e->max_tx_len, GSO_MAX_SIZE);
	virtio_cread_le(vdev, struct virtio_toe_config, num_pairs, &pairs);
	if (!pairs) {
		dev_err(&vdev->dev, "card has no rx and tx queues\n");
		return -EINVAL;
	}
	*npairs = min3((unsigned int)pairs, num_possible_cpus(),
		       (unsigned int)TOE_VIRTIO_MAX_PAIRS);
	*capture = VIRTIO_TOE_VQ_CAPTURE(pairs);
	if (pairs > TOE_VIRTIO_MAX_PAIRS ||
	    !virtio_has_feature(vdev, VIRTIO_TOE_F_CAPTURE))
		*capture = 0;
	virtio_cread_bytes(vdev, offsetof(struct virtio_toe_config, mac),
			   e->mac, sizeof(e->mac));
	if (!is_valid_ether_addr(e->mac)) {
		dev_err(&vdev->dev, "card has no address: %pM\n", e->mac);
		return -EINVAL;
	}
	e->ipv6 = virtio_has_feature(vdev, VIRTIO_TOE_F_IPV6);
	e->ecn = virtio_has_feature(vdev, VIRTIO_TOE_F_ECN);
	return 0;
}

/* @capture: number of the capture queue, 0: none. Queues of pairs that are not
 * used lie before it and have to be found, too: they get no buffers.
 */
static int queues_find(struct toe_virtio *tv, unsigned int capture)
{
	struct virtqueue *vqs[VIRTIO_TOE_VQ_CAPTURE(TOE_VIRTIO_MAX_PAIRS) + 1];
	struct virtqueue_info info[ARRAY_SIZE(vqs)] = {
		[VIRTIO_TOE_VQ_CONTROL] = { "control", ctl_used },
		[VIRTIO_TOE_VQ_EVENT] = { "event", event_used },
	};
	unsigned int i, n = VIRTIO_TOE_VQ_RX(tv->npairs), size;
	int err;

	for (i = 0; i < tv->npairs; i++) {
		info[VIRTIO_TOE_VQ_RX(i)].name = "rx";
		info[VIRTIO_TOE_VQ_RX(i)].callback = pair_used;
		info[VIRTIO_TOE_VQ_TX(i)].name = "tx";
		info[VIRTIO_TOE_VQ_TX(i)].callback = pair_used;
	}
	if (capture) {
		for (i = n; i < capture; i++)
			info[i].name = "unused";
		info[capture].name = "capture";
		info[capture].callback = capture_used;
		n = capture + 1;
	}
	err = virtio_find_vqs(tv->vdev, n, vqs, info, NULL);
	if (err)
		return err;
	tv->ctl = vqs[VIRTIO_TOE_VQ_CONTROL];
	tv->event = vqs[VIRTIO_TOE_VQ_EVENT];
	for (i = 0; i < tv->npairs; i++) {
		tv->pairs[i].rx = vqs[VIRTIO_TOE_VQ_RX(i)];
		tv->pairs[i].tx = vqs[VIRTIO_TOE_VQ_TX(i)];
	}
	if (capture)
		tv->capture = vqs[capture];
	for (i = 0; i < n; i++) {
		size = virtqueue_get_vring_size(vqs[i]);
		if (size >= TOE_VIRTIO_MIN_RING)
			continue;
		dev_err(&tv->vdev->dev, "queue %u has %u entries, driver needs %u\n",
			i, size, TOE_VIRTIO_MIN_RING);
		return -EINVAL;
	}
	return 0;
}

/* Ends all that can run, in the order in which one starts the other, then frees
 * what the device had. toe.ko makes no calls any more.
 */
static void card_free(struct toe_virtio *tv)
{
	unsigned int i;

	clear_bit(TOE_VIRTIO_UP, &tv->flags);
	toe_virtio_marker_stop(tv);
	disable_delayed_work_sync(&tv->tick);	/* event_work may want it */
	virtio_reset_device(tv->vdev);	/* no callback runs after it */
	cancel_work_sync(&tv->event_work);
	cancel_work_sync(&tv->ctl_work);
	cancel_work_sync(&tv->capture_work);
	for (i = 0; i < tv->npairs; i++) {
		timer_shutdown_sync(&tv->pairs[i].retry);
		cancel_work_sync(&tv->pairs[i].work);
	}
	toe_virtio_ctl_free(tv);
	toe_virtio_event_free(tv);
	toe_virtio_capture_free(tv);
	for (i = 0; i < tv->npairs; i++)
		toe_virtio_pair_free(&tv->pairs[i]);
	if (tv->ctl)
		tv->vdev->config->del_vqs(tv->vdev);
	ida_free(&toe_virtio_ida, tv->index);
	kfree(tv);
}

static struct toe_virtio *card_new(struct virtio_device *vdev)
{
	struct toe_engine e = {};
	struct toe_virtio *tv;
	unsigned int i, npairs, capture;
	int err;

	err = config_read(vdev, &e, &npairs, &capture);
	if (err)
		return ERR_PTR(err);
	tv = kzalloc(struct_size(tv, pairs, npairs), GFP_KERNEL);
	if (!tv)
		return ERR_PTR(-ENOMEM);
	tv->index = ida_alloc(&toe_virtio_ida, GFP_KERNEL);
	if (tv->index < 0) {
		err = tv->index;
		kfree(tv);
		return ERR_PTR(err);
	}
	tv->npairs = npairs;
	tv->vdev = vdev;
	tv->engine = e;
	tv->engine.driver = KBUILD_MODNAME;
	tv->engine.ops = &engine_ops;
	snprintf(tv->engine.name, sizeof(tv->engine.name), "toe%d", tv->index);
	vdev->priv = tv;

	/* All of these make what card_free() needs, also when they fail. */
	toe_virtio_ctl_init(tv);
	toe_virtio_capture_init(tv);
	err = toe_virtio_event_init(tv);
	for (i = 0; i < npairs; i++) {
		tv->pairs[i].tv = tv;
		err = toe_virtio_pair_init(&tv->pairs[i]) ?: err;
	}
	if (!err)
		err = queues_find(tv, capture);
	for (i = 0; !err && i < npairs; i++)
		err = toe_virtio_pair_alloc(&tv->pairs[i]);
	if (err) {
		card_free(tv);
		return ERR_PTR(err);
	}
	return tv;
}

static int toe_virtio_probe(struct virtio_device *vdev)
{
	struct toe_virtio *tv;
	unsigned int i;
	int err;

	BUILD_BUG_ON(sizeof(struct virtio_toe_config) != 64);
	BUILD_BUG_ON(TOE_VIRTIO_SG > TOE_VIRTIO_MIN_RING);
	BUILD_BUG_ON(TOE_VIRTIO_EVENTS > TOE_VIRTIO_MIN_RING);

	if (!virtio_has_feature(vdev, VIRTIO_F_VERSION_1)) {
		dev_err(&vdev->dev, "card does not offer VERSION_1\n");
		return -EINVAL;
	}
	tv = card_new(vdev);
	if (IS_ERR(tv))
		return PTR_ERR(tv);

	virtio_device_ready(vdev);
	toe_virtio_event_start(tv);
	for (i = 0; i < tv->npairs; i++)
		toe_virtio_pair_start(&tv->pairs[i]);
	toe_virtio_marker_start(tv);
	err = toe_engine_register(&tv->engine);
	if (err) {
		dev_err(&vdev->dev, "%s: not registered: %pe\n",
			tv->engine.name, ERR_PTR(err));
		card_free(tv);
		return err;
	}

	/* Only now up-calls have someone to go to. The works that found the
	 * bit clear have left their rings as they were: the first tick looks.
	 */
	set_bit(TOE_VIRTIO_UP, &tv->flags);
	schedule_delayed_work(&tv->tick, 0);
	queue_work(system_bh_wq, &tv->event_work);
	dev_info(&vdev->dev, "%s: %pM, %u flows%s, %u queue pairs\n",
		 tv->engine.name, tv->engine.mac, tv->engine.max_flows,
		 tv->engine.ipv6 ? ", IPv6" : "", tv->npairs);
	return 0;
}

static void toe_virtio_remove(struct virtio_device *vdev)
{
	struct toe_virtio *tv = vdev->priv;

	/* Replies still come while the flows return. */
	toe_engine_unregister(&tv->engine);
	card_free(tv);
}

static const unsigned int features[] = {
	VIRTIO_TOE_F_IPV6,
	VIRTIO_TOE_F_MARKER,
	VIRTIO_TOE_F_CAPTURE,
	VIRTIO_TOE_F_INFO,
	VIRTIO_TOE_F_ECN,
};

static const struct virtio_device_id id_table[] = {
	{ VIRTIO_ID_TOE, VIRTIO_DEV_ANY_ID },
	{ 0 },
};
MODULE_DEVICE_TABLE(virtio, id_table);

static struct virtio_driver toe_virtio_driver = {
	.driver.name		= KBUILD_MODNAME,
	.feature_table		= features,
	.feature_table_size	= ARRAY_SIZE(features),
	.id_table		= id_table,
	.probe			= toe_virtio_probe,
	.remove			= toe_virtio_remove,
};
module_virtio_driver(toe_virtio_driver);

MODULE_DESCRIPTION("virtio-toe: TCP offload engine");
MODULE_AUTHOR("toe project");
MODULE_LICENSE("GPL");
