"""Blocks, features and labels of the pages, and the folds they are in."""

import hashlib
import json
import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tldextract

import labels

FOLDS = 5
# The list of public suffixes that comes with the package: nothing is fetched.
SUFFIXES = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)


@dataclass
class Page:
    set: str
    id: str
    truth: dict
    blocks: list
    rows: slice
    fold: int
    domain: str


@dataclass
class Data:
    pages: list
    features: np.ndarray
    names: dict
    share: np.ndarray
    words: np.ndarray
    fold: np.ndarray
    page: np.ndarray


def domain_of(url, fallback):
    """The registrable domain; pages known by a file name only have it there."""
    url = url or ""
    if "://" not in url:
        url = url.split("::")[-1].split("-")[0]
    found = SUFFIXES(url)
    return found.top_domain_under_public_suffix or found.domain or fallback


def fold_of(domain):
    return hashlib.sha256(domain.encode()).digest()[0] % FOLDS


def load(pages_dir, features_dir):
    pages_dir, features_dir = Path(pages_dir), Path(features_dir)
    names = json.loads((features_dir / "names.json").read_text())
    features = np.fromfile(features_dir / "features.u8", dtype=np.uint8)
    features = features.reshape(-1, len(names["stage1"]))
    truths, pages, at = {}, [], 0
    for line in (features_dir / "blocks.jsonl").open():
        entry = json.loads(line)
        kind = entry["set"]
        if kind not in truths:
            truths[kind] = json.loads((pages_dir / kind / "truth.json").read_text())
        truth = truths[kind][entry["id"]]
        rows = slice(at, at + len(entry["blocks"]))
        at = rows.stop
        domain = domain_of(truth.get("url"), entry["id"])
        pages.append(Page(kind, entry["id"], truth, entry["blocks"], rows, fold_of(domain), domain))
    assert at == len(features), (at, len(features))
    share, words = targets(pages, at, features_dir / "labels.pickle")
    fold, page = np.zeros(at, dtype=np.int8), np.zeros(at, dtype=np.int32)
    for number, p in enumerate(pages):
        fold[p.rows], page[p.rows] = p.fold, number
    return Data(pages, features, names, share, words, fold, page)


def targets(pages, rows, cache):
    """Labels cost minutes, so they are kept for blocks that have not changed."""
    known = pickle.loads(cache.read_bytes()) if cache.exists() else {}
    share, words, fresh = np.zeros(rows), np.zeros(rows), {}
    for p in pages:
        texts = [block["text"] for block in p.blocks]
        key = hashlib.sha256("\0".join([p.set, p.id, *texts]).encode()).digest()
        made = known.get(key)
        if made is None:
            made = of_page(p, texts)
        fresh[key] = made
        share[p.rows], words[p.rows] = made.share, made.weight
    cache.write_bytes(pickle.dumps(fresh))
    return share, words


def of_page(p, texts):
    if p.truth.get("text") is not None:
        return labels.by_text(texts, p.truth["text"])
    return labels.by_segments(texts, p.truth["with"], p.truth["without"])
