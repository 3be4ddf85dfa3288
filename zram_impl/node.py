"""The block-device face under its public name: `zram_impl.node` is `zram_impl.block_layer`."""

from zram_impl.block_layer import Node, NodeFile

__all__ = ["Node", "NodeFile"]
