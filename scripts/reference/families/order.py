"""One order of lines for constructor draws and draws of the init pass."""

import itertools

from names import Fail


def sort(nodes, edges):
    """The nodes in an order that all edges agree with, or None."""
    before = {node: 0 for node in nodes}
    after = {node: set() for node in nodes}
    for a, b in edges:
        if b not in after[a]:
            after[a].add(b)
            before[b] += 1
    rank = {node: k for k, node in enumerate(nodes)}
    ready, out = [node for node in nodes if before[node] == 0], []
    while ready:
        node = min(ready, key=rank.get)
        ready.remove(node)
        out.append(node)
        for other in after[node]:
            before[other] -= 1
            if before[other] == 0:
                ready.append(other)
    return out if len(out) == len(nodes) else None


def attempt(sequences, split):
    """One order; nodes in split have a line for each phase."""
    nodes, edges = {}, set()
    for phase, sequence in sequences:
        keys = [(node, phase) if node in split else (node, "MI") for node in sequence]
        nodes.update(dict.fromkeys(keys))
        edges.update(zip(keys, keys[1:]))
    return sort(list(nodes), edges)


def splits(sequences):
    """Sets of nodes to split, small ones first."""
    phases = {phase: {n for p, sequence in sequences if p == phase for n in sequence} for phase in "MI"}
    nodes = dict.fromkeys(node for _, sequence in sequences for node in sequence)
    both = [node for node in nodes if node in phases["M"] and node in phases["I"]]
    both.sort(key=lambda node: (node[0] == "P", node[1][-1] in ("weight", "bias")))
    yield set()
    for count in (1, 2):
        for chosen in itertools.combinations(both, count):
            yield set(chosen)
    yield {node for node in both if node[0] == "L"}
    yield set(both)


def merge(sequences, prefix):
    """(node, phases) in an order that all sequences (phase, nodes) agree with."""
    found = next(
        (order for split in splits(sequences) if (order := attempt(sequences, split)) is not None), None
    )
    if found is None:
        raise Fail(f"order at {'.'.join(prefix)} is not constant")
    phases = {phase: {n for p, sequence in sequences if p == phase for n in sequence} for phase in "MI"}
    out = []
    for node, phase in found:
        if phase == "MI":
            phase = "".join(p for p in "MI" if node in phases[p])
        out.append((node, phase))
    return out
