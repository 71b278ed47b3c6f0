"""The table files: one family each, as JSON."""

import json
import os

FOLDER = os.path.normpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), *[os.pardir] * 3, "model", "hf", "families")
)
KEYS = (
    "auto",
    "class",
    "model_type",
    "text_only",
    "fields",
    "aliases",
    "fixed",
    "absent",
    "refuse",
    "sigma",
    "lines",
    "ties",
    "file",
    "no_effect",
    "verified",
)
ALWAYS = ("fields", "lines")


def path(name, folder=FOLDER):
    return name if name.endswith(".json") else os.path.join(folder, name + ".json")


def read(name):
    with open(path(name)) as file:
        return json.load(file)


def write(family, folder=FOLDER):
    """Writes the family's file, without empty entries, in a fixed order."""
    out = {
        key: family[key]
        for key in KEYS
        if key in family and (family[key] not in ({}, [], None) or key in ALWAYS)
    }
    for field in out["fields"].values():
        if field.get("type", "") is None:
            del field["type"]
    os.makedirs(folder, exist_ok=True)
    with open(path(family["model_type"], folder), "w") as file:
        file.write(json.dumps(out, indent=1, ensure_ascii=False) + "\n")


def names(folder=FOLDER):
    return sorted(f[:-5] for f in os.listdir(folder) if f.endswith(".json"))
