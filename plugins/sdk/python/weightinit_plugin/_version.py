"""The version of the package: information only, no host refuses by it."""

__version__ = "0.1.0"
