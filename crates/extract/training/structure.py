#!/usr/bin/env python3
"""Score the structure of Markdown on pages whose truth is Markdown.

    structure.py PAGES_DIR OUT_DIR [SET]    # PAGES_DIR/<set>/truth.json with "md", OUT_DIR/<set>.json with "markdown"

For each kind of structure: the F1 of two multisets, what the page has and what the truth has, averaged over the pages
whose truth has any.

  headings  the text of each heading
  lists     the text of each item, without the lists in it
  links     text and absolute address of each link that has text
  code      the words of all fenced blocks
  tables    the text of each cell

Text is compared without Markdown's marks, case and punctuation.
"""
import html
import json
import re
import statistics
import sys
import unicodedata
from collections import Counter
from pathlib import Path
from urllib.parse import urljoin

KINDS = ("headings", "lists", "links", "code", "tables")
FENCE = re.compile(r"^[\s>]*(?:[-*+]\s+|\d+[.)]\s+)*(`{3,}|~{3,})")
HEADING = re.compile(r"^[\s>]*#{1,6}\s+(.*)")
ITEM = re.compile(r"^[\s>]*(?:[-*+]|\d{1,9}[.)])\s+(.*)")
DELIMITER = re.compile(r"^[\s|:-]+$")
IMAGE = re.compile(r"!\[((?:\\.|[^\[\]\\])*)\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+\"[^\"]*\")?\)")
LINK = re.compile(r"\[((?:\\.|[^\[\]\\]|\[[^\[\]]*\])*)\]\(\s*<?([^()\s<>]*(?:\([^()\s]*\)[^()\s]*)*)>?(?:\s+\"[^\"]*\")?\s*\)")


def plain(text):
    text = LINK.sub(r"\1", IMAGE.sub("", text))
    text = unicodedata.normalize("NFKC", text).lower()
    return " ".join(re.findall(r"[^\W_]+", text))


def address(url, base):
    url = urljoin(base, html.unescape(url).replace("\\", ""))
    return re.sub(r"^https?://(www\.)?", "", url.split("#")[0]).rstrip("/").lower()


def structure(markdown, base):
    found = {kind: [] for kind in KINDS}
    fence = None
    for line in (markdown or "").splitlines():
        mark = FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line.replace(mark[1], "").strip("> \t"):
                fence = None
            else:
                found["code"] += re.findall(r"\w+", line)
            continue
        if mark:
            fence = mark[1]
            continue
        line = IMAGE.sub("", line)
        found["links"] += [(plain(m[1]), address(m[2], base)) for m in LINK.finditer(line) if plain(m[1])]
        heading, item = HEADING.match(line), ITEM.match(line)
        if heading:
            found["headings"].append(plain(heading[1]))
        elif line.strip().startswith("|"):
            if not DELIMITER.match(line):
                cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
                found["tables"] += [plain(cell) for cell in cells if plain(cell)]
        elif item and plain(item[1]):
            found["lists"].append(plain(item[1]))
    return found


def f1(got, want):
    both = sum((Counter(got) & Counter(want)).values())
    return 2 * both / (len(got) + len(want)) if got or want else 1.0


def main(pages, outputs, name="wcxb"):
    truth = json.loads((Path(pages) / name / "truth.json").read_text())
    made = json.loads((Path(outputs) / f"{name}.json").read_text())
    scores = {kind: [] for kind in KINDS}
    for page, entry in truth.items():
        if entry.get("md"):
            base = entry.get("url") or ""
            want = structure(entry["md"], base)
            got = structure((made.get(page) or {}).get("markdown"), base)
            for kind in KINDS:
                if want[kind]:
                    scores[kind].append(f1(got[kind], want[kind]))
    for kind in KINDS:
        print(f"{kind:9} {len(scores[kind]):4} pages  F1 {statistics.mean(scores[kind]):.4f}")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
