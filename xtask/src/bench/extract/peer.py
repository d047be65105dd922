"""Times trafilatura over pages: lines of "URL<TAB>PATH" on standard input, one JSON object out.

Times are of extraction alone, without reading files, importing and warming up."""
import json
import logging
import resource
import sys
import time

import trafilatura

logging.disable(logging.CRITICAL)  # it complains of pages that give nothing
todo = [line.rstrip("\n").split("\t", 1) for line in sys.stdin]
trafilatura.extract("<html><body><p>Warm up.</p></body></html>", output_format="markdown", with_metadata=True)
total = {"pages": 0, "bytes": 0, "clock_us": 0, "cpu_us": 0}
for url, path in todo:
    with open(path, "rb") as file:
        page = file.read()
    clock, cpu = time.perf_counter(), time.process_time()
    try:
        trafilatura.extract(page, url=url, output_format="markdown", with_metadata=True, include_links=True)
    except Exception:  # it counts as done: the peer is given the benefit
        pass
    total["cpu_us"] += round((time.process_time() - cpu) * 1e6)
    total["clock_us"] += round((time.perf_counter() - clock) * 1e6)
    total["pages"] += 1
    total["bytes"] += len(page)
total["peak_rss_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
json.dump(total, sys.stdout)
