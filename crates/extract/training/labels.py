"""What share of each block belongs to the main content, by the truth of its page."""

import re
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import LCSseq

WORD = re.compile(r"\w+")
# Runs of this many words that stand in the truth count even where the order differs.
SHINGLE = 5


@dataclass
class Labels:
    """For each block of one page: the share that is content, and how much the block weighs."""

    share: np.ndarray
    weight: np.ndarray


def words(text):
    return WORD.findall(text.lower())


def squeeze(text):
    return re.sub(r"\s+", " ", text or "").strip()


def by_text(blocks, truth):
    """Truth is the whole text: the share of a block's words on a longest common subsequence."""
    tokens = [words(block) for block in blocks]
    ids = {}
    number = lambda word: ids.setdefault(word, len(ids))
    page = [number(word) for block in tokens for word in block]
    want = [number(word) for word in words(truth)]
    matched = np.zeros(len(page), dtype=bool)
    for op in LCSseq.opcodes(page, want):
        if op.tag == "equal":
            matched[op.src_start : op.src_end] = True
    covered = shingled(page, want)
    share, weight, at = [], [], 0
    for block in tokens:
        end = at + len(block)
        if block:
            in_order = matched[at:end].mean()
            share.append(max(in_order, covered[at:end].mean()))
        else:
            share.append(0.0)
        weight.append(len(block))
        at = end
    return Labels(np.array(share), np.array(weight, dtype=float))


def shingled(page, want):
    """Which words of the page are part of a shingle of the truth."""
    known = {tuple(want[i : i + SHINGLE]) for i in range(len(want) - SHINGLE + 1)}
    covered = np.zeros(len(page), dtype=bool)
    for i in range(len(page) - SHINGLE + 1):
        if tuple(page[i : i + SHINGLE]) in known:
            covered[i : i + SHINGLE] = True
    return covered


def by_segments(blocks, wanted, unwanted):
    """Truth is a few segments that must and must not be there; of the rest nothing is known."""
    share = np.full(len(blocks), np.nan)
    squeezed = [squeeze(block) for block in blocks]
    mark(squeezed, unwanted, 0.0, share)
    mark(squeezed, wanted, 1.0, share)
    weight = np.array([len(words(block)) for block in blocks], dtype=float)
    return Labels(share, weight)


def mark(blocks, segments, value, share):
    for segment in map(squeeze, segments):
        if not segment:
            continue
        for at, block in enumerate(blocks):
            within = len(block) >= 12 and block in segment
            if segment in block or within:
                share[at] = value
