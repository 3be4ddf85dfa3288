"""The kernel oracle: an unmodified Linux kernel in an emulated machine, asked what its zram driver answers.

`make oracle` does all of it. The parts, in the order in which they are used: `packages` finds a kernel and unpacks it
into a cache, `initramfs` packs it with the guest (guest/, static C) and the scripts, `machine` boots that and reads
what was reported, `scripts` and `recordings` translate between the operations of tests/data/kernel-traces and the
guest's.

Nothing of the kernel is kept in the repository.
"""
