# SPDX-License-Identifier: GPL-2.0-only
# toe. Everything is compiled in the build root that selftests/lab makes, with
# Debian's tools, so the result does not depend on the machine.
#
#	make demo	real programs over the card, in the lab
#	make check	the tests; T="name..." runs some, K="6.12" one kernel
#	make		builds all
#	make bench	what it costs; B="NAME..." runs some, K=6.12 RUNS=5 SIZE=64K
#			FLOWS=64 DURATION=5 (seconds) PROFILE=1
#	make bench-report	build/bench/report.html, of what bench has left
#	make shell	a shell in the lab's host with everything loaded
#	make clean

LAB	:= selftests/lab/lab
BUILD	:= $(CURDIR)/build
# KERNEL=... restricts the modules to one of the kernels in the root
KERNELS	= $(notdir $(wildcard /lib/modules/*))

all:
	@$(LAB) build
	@$(LAB) run -- $(MAKE) --no-print-directory -C /src -j2 in-root

demo: all
	@selftests/demo/demo

check: all
	@selftests/check $(if $(K),--kernel $(K)) $(T)

bench: all
	@selftests/bench/bench $(if $(K),--kernel $(K)) $(if $(RUNS),--runs $(RUNS)) \
		$(if $(SIZE),--size $(SIZE)) $(if $(FLOWS),--flows $(FLOWS)) \
		$(if $(DURATION),--duration $(DURATION)) $(if $(TRIES),--tries $(TRIES)) $(if $(PROFILE),--profile) $(B)

bench-report:
	@selftests/bench/report

shell: all
	@selftests/lab/shell

clean:
	rm -rf $(BUILD)/bin $(BUILD)/bpf $(BUILD)/kmod $(BUILD)/lib \
		$(BUILD)/obj $(BUILD)/test

# From here on: inside the build root.

in-root: kmod userspace tests

bpf:
	@$(MAKE) --no-print-directory -C bpf

lib:
	@$(MAKE) --no-print-directory -C userspace/lib OUT=$(BUILD)/lib

userspace: bpf lib
	@$(MAKE) --no-print-directory -C userspace/toecard \
		OUT=$(BUILD)/bin BPF_OUT=$(BUILD)/bpf
	@$(MAKE) --no-print-directory -C userspace/toectl \
		OUT=$(BUILD)/bin LIBOUT=$(BUILD)/lib BPF_OUT=$(BUILD)/bpf
	@$(MAKE) --no-print-directory -C userspace/toed \
		OUT=$(BUILD)/bin LIBOUT=$(BUILD)/lib

tests: userspace
	@$(MAKE) --no-print-directory -C selftests OUT=$(BUILD)/test

kmod: $(KERNELS:%=kmod-%)

# A copy of the sources for each kernel: their objects differ.
kmod-%:
	@mkdir -p $(BUILD)/kmod/$*
	@cp -ru kmod include $(BUILD)/kmod/$*/
	@$(MAKE) --no-print-directory -s -C /lib/modules/$*/build \
		M=$(BUILD)/kmod/$*/kmod W=1 modules
	@cp -u $(BUILD)/kmod/$*/kmod/*.ko $(BUILD)/kmod/$*/

.PHONY: all demo check bench bench-report shell clean in-root bpf lib userspace tests kmod
