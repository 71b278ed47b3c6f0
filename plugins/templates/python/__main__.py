"""{{.Name}}: modes for weightinit. README.md says how to go on."""

from weightinit_plugin import Plugin, constant, normal, option

plugin = Plugin("{{.Name}}", version="0.1.0")


# Edit this function. It gets the model's parameters in draw order and yields
# one distribution for each; the host draws the numbers. It must be pure: the
# same layout and options, the same answer.
@plugin.mode("example", version=1, summary="normal, std falls with the width; norm weights 1, biases 0")
def example(layout, gain: float = option(1.0, minimum=0, maximum=100, doc="multiplies every std")):
    for p in layout:
        if p.role == "norm_weight":
            yield constant(1.0).described("1")
        elif p.role.endswith("bias"):
            yield constant(0.0).described("0")
        else:
            yield normal(std=gain / max(1, p.fan_in) ** 0.5).described("gain / sqrt(fan_in)")


if __name__ == "__main__":
    plugin.serve()
