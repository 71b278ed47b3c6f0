"""Names of tensors and draws: which numbers are loop indices, and names for lost tensors."""


class Fail(Exception):
    """The family has something that the search has no form for."""


def tree_of(names):
    tree = {}
    for name in names:
        node = tree
        for part in name.split("."):
            node = node.setdefault(part, {})
    return tree


def loops_of(samples):
    """The prefixes behind which a number is a loop index: the numbers differ, or are many."""
    loops = set()

    def walk(prefix, trees):
        keys = dict.fromkeys(key for tree in trees for key in tree)
        numbers = [key for key in keys if key.isdigit()]
        if numbers:
            seen = {tuple(sorted(int(key) for key in tree if key.isdigit())) for tree in trees} - {()}
            one = next(iter(seen))
            if len(seen) > 1 or (len(one) > 8 and one == tuple(range(len(one)))):
                loops.add(prefix)
                walk((*prefix, "*"), [tree[key] for tree in trees for key in tree if key.isdigit()])
            else:
                for key in numbers:
                    walk((*prefix, key), [tree[key] for tree in trees if key in tree])
        for key in keys:
            if not key.isdigit():
                walk((*prefix, key), [tree[key] for tree in trees if key in tree])

    walk((), [tree_of(all_names(sample)) for sample in samples])
    return loops


def all_names(sample):
    return [*sample.recorded["finals"], *(d["name"] for d in sample.recorded["draws"] if d["name"])]


class Patterns:
    """A name as a pattern, a tuple with * for its loop indices, and the indices."""

    def __init__(self, samples):
        self.loops = loops_of(samples)
        self.known = {}

    def __call__(self, name):
        if name not in self.known:
            pattern, indices = [], []
            for part in name.split("."):
                if part.isdigit() and tuple(pattern) in self.loops:
                    indices.append(int(part))
                    part = "*"
                pattern.append(part)
            self.known[name] = tuple(pattern), tuple(indices)
        return self.known[name]


def name_lost(sample):
    """Names draws whose tensor was thrown away after their place among the named ones."""
    draws = sample.recorded["draws"]
    for k, draw in enumerate(draws):
        if draw["name"] is not None:
            continue
        before = neighbour(draws[:k][::-1], draw)
        base = ".".join(common_base(before, neighbour(draws[k + 1 :], draw)))
        number = 0
        for other in draws[:k][::-1]:
            if not other.get("lost") or other["phase"] != draw["phase"] or base != parent(other["name"]):
                break
            number += 1
        module = before.split(".")[-2] if before and "." in before else "start"
        draw["lost"] = True
        draw["name"] = f"{base}.?{module}_{number}" if base else f"?{module}_{number}"


def parent(name):
    return name.rpartition(".")[0]


def neighbour(draws, draw):
    """The first named draw of the same phase and part."""
    for other in draws:
        if other["name"] and "?" not in other["name"]:
            if (other["phase"], other["part"]) == (draw["phase"], draw["part"]):
                return other["name"]
    return None


def common_base(before, after):
    """The module that a draw between the two names belongs to."""
    if before is None or after is None:
        return (before or after or "").split(".")[:-2]
    a, b, base = before.split("."), after.split("."), []
    for x, y in zip(a[:-1], b[:-1]):
        if x != y:
            break
        base.append(x)
    numbers = [k for k, part in enumerate(a) if part.isdigit()]
    # Between two layers, or behind the last one: it belongs to the end of the first.
    return a[: numbers[-1] + 1] if any(k >= len(base) for k in numbers) else base
