"""Writes trained stages as the file that the Rust side compiles in (see `content/trees.rs`)."""

import math
import struct

MAGIC = b"PWM1"


def fnv1a(names):
    value = 0xCBF29CE484222325
    for byte in "".join(f"{name}\n" for name in names).encode():
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def write(path, names, boosters, threshold):
    out = bytearray(MAGIC)
    out += struct.pack("<Qf", fnv1a(names["stage1"] + names["stage2"]), threshold)
    counts = [len(names["stage1"]), len(names["stage1"]) + len(names["stage2"])]
    for booster, features in zip(boosters, counts):
        trees = booster.dump_model()["tree_info"]
        out += struct.pack("<HH", features, len(trees))
        for tree in trees:
            out += packed(tree["tree_structure"])
    with open(path, "wb") as file:
        file.write(out)


def packed(root):
    """One tree: its splits in the order of a walk from the root, then its leaves."""
    splits, leaves = [], []

    def add(node):
        if "split_index" not in node:
            leaves.append(node["leaf_value"])
            return -len(leaves)
        assert node["decision_type"] == "<=", node["decision_type"]
        at = len(splits)
        splits.append(None)
        # Values are whole numbers: "at most 3.5" is "at most 3".
        threshold = min(255, max(0, math.floor(node["threshold"])))
        left, right = add(node["left_child"]), add(node["right_child"])
        splits[at] = (node["split_feature"], threshold, left, right)
        return at

    add(root)
    out = bytearray(struct.pack("<H", len(leaves)))
    for feature, threshold, left, right in splits:
        out += struct.pack("<HBhh", feature, threshold, left, right)
    for leaf in leaves:
        out += struct.pack("<f", leaf)
    return bytes(out)
