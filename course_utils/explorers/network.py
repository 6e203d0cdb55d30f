"""A network of an explorer's own, so that it can work while the notebook's cells use theirs."""

from __future__ import annotations

import copy
import itertools

from course_utils.networks import Network, load_network


def own_network(net: Network | str) -> Network:
    """The same network with the same weights in memory, but with modules, and so hooks, of its own.

    An explorer works in its own thread. On a shared network its hooks would also fire in the cell that runs meanwhile.

    Args:
        net: a network, or a name for `load_network`.
    """
    net = load_network(net) if isinstance(net, str) else net
    shared = {id(tensor): tensor for tensor in itertools.chain(net.parameters(), net.buffers())}
    return copy.deepcopy(net, memo=shared)
