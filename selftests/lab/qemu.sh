# SPDX-License-Identifier: GPL-2.0-only
# The VM, inside the world. Sets QEMU to its pid.

qemu_start()
{
	local image=$IN_SRC/build/image append plugin=() toe=() virtio queues cpu

	append="console=ttyS0 quiet net.ifnames=0 kfence.sample_interval=100"
	append+=" panic_on_warn=0 panic=0 mitigations=off nokaslr tsc=reliable"
	[ "$debug" = 0 ] || append+=" slub_debug=FZPU"

	if [ "$card" = 1 ]; then
		toe=(-chardev "socket,id=toe0,path=$IN_RUN/vhost.sock"
		     -device "vhost-user-test-device-pci,id=toe0,chardev=toe0,virtio-id=38,num_vqs=5,vq_size=1024,config_size=64")
	fi
	case $insn in
	1) plugin=(-plugin "$image/insn.so,out=$IN_RUN/insn.log") ;;
	profile) plugin=(-plugin "$image/insn.so,out=$IN_RUN/insn.log,profile=$IN_RUN/profile.log") ;;
	esac
	virtio=mrg_rxbuf=on,csum=on,guest_csum=on,gso=on,host_tso4=on,host_tso6=on
	virtio+=,guest_tso4=on,guest_tso6=on,rx_queue_size=1024,tx_queue_size=256,romfile=

	# TCG's "max" says that it is an AMD processor of family 6. For one before family
	# 16 the kernel takes string instructions to be slow (init_amd() of
	# arch/x86/kernel/cpu/amd.c) and clears a page by 700 stores: instructions that no
	# machine of today counts. Here both, copies and clearing, are "rep movsq" and
	# "rep stosq". Those of bytes (erms, fsrm) are slow under TCG.
	cpu=max,family=25,model=1,stepping=1,erms=off,fsrm=off

	# Native XDP takes a queue for each CPU. The guest uses one otherwise (rc).
	queues=$((smp + 1))

	TMPDIR=/var/tmp nsenter --net=/run/netns/toe-card qemu-system-x86_64 \
		-name toe-host -nodefaults -no-user-config -display none -no-reboot \
		-machine q35,memory-backend=mem,usb=off,smbus=off,sata=off,vmport=off \
		-object "memory-backend-memfd,id=mem,size=$mem,share=on" -m "$mem" \
		-accel tcg,thread=multi -cpu $cpu -smp "$smp" \
		-kernel "$image/vmlinuz-$kernel" -initrd "$image/initrd-$kernel" \
		-append "$append" \
		-chardev "file,id=console,path=$IN_RUN/console.log" -serial chardev:console \
		-qmp "unix:$IN_RUN/qmp.sock,server=on,wait=off" \
		-drive "if=none,id=root,file=$image/root.img,format=raw,snapshot=on,cache=unsafe" \
		-device virtio-blk-pci,drive=root \
		-netdev "tap,id=net0,ifname=host0,script=no,downscript=no,vnet_hdr=on,vhost=off,queues=$queues" \
		-device "virtio-net-pci,netdev=net0,mac=$HOST_MAC,$virtio,mq=on,vectors=$((2 * queues + 2))" \
		-netdev tap,id=net1,ifname=mgmt0,script=no,downscript=no,vnet_hdr=on,vhost=off \
		-device "virtio-net-pci,netdev=net1,mac=$MGMT_MAC,romfile=" \
		-device virtio-rng-pci \
		"${toe[@]}" "${plugin[@]}" </dev/null >"$IN_RUN/qemu.log" 2>&1 &
	QEMU=$!
}
