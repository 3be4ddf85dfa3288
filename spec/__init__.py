"""The specification of zram slots and writeback: what is modelled, where to begin, who may import what.

A device has a few slots, each holding one page or nothing, and a backing device with a few blocks. A writeback pass
selects slots, claims each with a pp-slot, reserves a block, takes a request, spends one unit of the writeback limit and
submits the write. While the page travels, users overwrite, discard, read, mark and recompress it, store limits and
reset the device. The backing device answers in any order, or fails. When the pass collects an answer it decides: the
slot becomes written back, or the block is released, the unit refunded and the claim dropped.

`spec.model` is the whole of it, ten files, in this order:

 1. `terms`           arithmetic without branches: numbers, CrossHair's proxies and z3's terms run through the same text
 2. `tables`          the slot machine and the completion decision, as two literal tables
 3. `state`           slots, blocks, requests, budget, counts, readers: immutable tuples
 4. `transitions`     the parts that actions are made of: charge, refund, release, replace, finish
 5. `user`            what users do: write, discard, read, mark, recompress, store a limit, reset
 6. `writeback`       what a pass does, in the order of a request's life
 7. `backing_device`  what the device and its callback do
 8. `actions`         the list of all of them: name, guard, effect, the kernel function it mirrors
 9. `invariant`       what is true of every reachable state, clause by clause
10. `properties`      what is true of every step, and of quiescence

A state is data, an action is a pure function with a guard; nothing else moves. `README.md` shows how to run it.

Around the model, each folder one job; each may import those before it, and `spec` imports nothing of `zram_impl` or
`stateful`:

- `assertions`: refuses to search while they are switched off
- `processes`: tasks in processes of their own; INT, TERM and HUP end a command without leaving any behind
- `scope`, `footprint`, `reachable`: bounds of a search, the fields an action touches, what must be seen at least once
- `restated`: the model said again in other words (frame conditions, when each action is enabled, the tables), so that a
  mistake in one text contradicts the other
- `bugs`: seeded bugs, of version 3 of the batching patch and of the driver's history, each with the property it breaks
- `explore`: breadth-first search, with symmetry and shortest counterexamples: `python -m spec.explore`
- `prove`: proofs by CrossHair and z3 at fixed sizes, and in `prove/unbounded` for any size: `python -m spec.prove`
- `mutate`: small mistakes in the text of the model, each refuted or shown equivalent: `python -m spec.mutate`
- `promela`: an independent second model under SPIN: `python -m spec.promela`

The standard library is enough for all but `prove` and `mutate`, which need z3 and CrossHair.
"""
