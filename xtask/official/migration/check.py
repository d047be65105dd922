"""Clients of others against the real binary, with nothing changed but the address.

`check.py PAGEWIRE`: the official library of Firecrawl, and ScraperAPI's documented calls, against a
server on loopback that fetches from, and delivers to, loopback.
"""

import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from firecrawl import Firecrawl
from firecrawl.v2.types import WebhookConfig
from firecrawl.v2.utils.error_handler import (
    BadRequestError,
    FirecrawlError,
    RequestTimeoutError,
    UnauthorizedError,
    WebsiteNotSupportedError,
)

PAGEWIRE = sys.argv[1]
KEY = "migration-check-key"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
# For whatever is waited for; on an idle machine it takes a second or two.
PATIENCE_S = 60
PAGE = """<!doctype html><html lang="en"><head><title>Page {n}</title>
<meta name="description" content="The page of number {n}"></head><body>
<main><h1>Page {n}</h1><p>This is the text of page {n}, and there is enough of it to be told from
what stands around it. It goes on for a sentence more, so that nobody takes it for a menu.</p>
<p><a href="/page/0">The first page</a></p></main></body></html>"""
checks = 0


def check(holds, what):
    global checks
    checks += 1
    if not holds:
        raise AssertionError(what)


def eventually(what, ask):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"not within {PATIENCE_S} s: {what}")


class Quiet(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="text/html; charset=utf-8"):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Origin(Quiet):
    released = threading.Event()

    def do_GET(self):
        if self.path == "/robots.txt":
            self.answer(200, b"User-agent: *\nDisallow: /private\n", "text/plain")
        elif self.path.startswith("/page/"):
            self.answer(200, PAGE.format(n=self.path.removeprefix("/page/")).encode())
        elif self.path.startswith("/slow"):
            self.released.wait(PATIENCE_S)
            self.answer(200, PAGE.format(n="slow").encode())
        elif self.path == "/echo":
            self.answer(200, (self.headers.get("x-test") or "").encode(), "text/plain")
        else:
            self.answer(404, b"not here")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.answer(200, b"got " + body, "text/plain")


class Receiver(Quiet):
    received = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.received.append((self.path, dict(self.headers.items()), body))
        self.answer(200, b"")


def serve(handler):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    # Whoever hangs up has his reasons: a job that is called off, a timeout.
    server.handle_error = lambda *_: None
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def received(path):
    return [json.loads(body) for at, _, body in list(Receiver.received) if at == path]


def call(method, url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def raised(kind, what, act):
    try:
        act()
    except kind as error:
        check(True, what)
        return error
    raise AssertionError(f"{what}: nothing was raised")


def firecrawl(base, origin, receiver):
    client = Firecrawl(api_key=KEY, api_url=base)

    page = client.scrape(
        f"{origin}/page/7", formats=["markdown", "html", "rawHtml", "links"], max_age=0
    )
    check("# Page 7" in page.markdown, f"markdown: {page.markdown}")
    check("<title>Page 7" in page.html and page.html == page.raw_html, "html")
    check(page.links == [f"{origin}/page/0"], f"links: {page.links}")
    about = page.metadata
    check((about.title, about.language) == ("Page 7", "en"), f"metadata: {about}")
    check(about.description == "The page of number 7", f"metadata: {about}")
    check((about.status_code, about.source_url) == (200, f"{origin}/page/7"), f"{about}")
    check("Page 8" in client.scrape(f"{origin}/page/8").markdown, "the usual formats")

    error = raised(
        WebsiteNotSupportedError, "robots.txt", lambda: client.scrape(f"{origin}/private")
    )
    check("robots" in str(error), f"robots.txt: {error}")
    error = raised(FirecrawlError, "404", lambda: client.scrape(f"{origin}/nowhere"))
    check("404" in str(error) and error.code == "SCRAPE_SITE_ERROR", f"404: {error}")
    error = raised(
        BadRequestError, "waitFor", lambda: client.scrape(f"{origin}/page/1", wait_for=500)
    )
    check("waitFor" in str(error), f"waitFor: {error}")
    raised(
        BadRequestError,
        "screenshot",
        lambda: client.scrape(f"{origin}/page/1", formats=["screenshot"]),
    )
    raised(
        RequestTimeoutError, "timeout", lambda: client.scrape(f"{origin}/slow/0", timeout=1000)
    )
    stranger = Firecrawl(api_key="another-key", api_url=base)
    raised(UnauthorizedError, "key", lambda: stranger.scrape(f"{origin}/page/1"))

    urls = [f"{origin}/page/{n}" for n in range(5)]
    webhook = WebhookConfig(
        url=f"{receiver}/firecrawl", headers={"X-Tenant": "a"}, metadata={"run": "1"}
    )
    job = client.batch_scrape(
        [*urls, f"{origin}/private"],
        formats=["markdown"],
        webhook=webhook,
        poll_interval=1,
        wait_timeout=PATIENCE_S,
    )
    check((job.status, job.total, job.completed) == ("completed", 6, 5), f"batch: {job}")
    check([page.metadata.source_url for page in job.data] == urls, "the pages in their order")
    webhooks(receiver)

    started = client.start_batch_scrape(
        [f"{origin}/slow/{n}" for n in range(20)], ignore_invalid_urls=True
    )
    status = client.get_batch_scrape_status(started.id)
    check((status.status, status.total) == ("scraping", 20), f"status: {status}")
    check(client.cancel_batch_scrape(started.id), "cancel")
    status = client.get_batch_scrape_status(started.id)
    check((status.status, status.completed) == ("cancelled", 0), f"cancelled: {status}")

    again = [
        client.start_batch_scrape(urls, idempotency_key="d9f0c1de-0000-4000-8000-000000000001").id
        for _ in range(2)
    ]
    check(again[0] == again[1], "the same key is the same batch")
    raised(FirecrawlError, "no such batch", lambda: client.get_batch_scrape_status("nowhere"))


def webhooks(receiver):
    def all_of_them():
        told = received("/firecrawl")
        return told if any(t["type"] == "batch_scrape.completed" for t in told) else None

    eventually("batch_scrape.completed", all_of_them)
    eventually("every page", lambda: len(received("/firecrawl")) >= 8)
    # A delivery may come twice; each has its own id.
    told = {event["webhookId"]: event for event in received("/firecrawl")}.values()
    kinds = sorted(event["type"] for event in told)
    pages = ["batch_scrape.page"] * 6
    check(kinds == ["batch_scrape.completed", *pages, "batch_scrape.started"], f"{kinds}")
    check(len({event["id"] for event in told}) == 1, "one batch")
    check(all(event["metadata"] == {"run": "1"} for event in told), "metadata")
    failed = [event for event in told if not event["success"]]
    check(len(failed) == 1 and "robots" in failed[0]["error"], f"{failed}")
    good = [e for e in told if e["type"] == "batch_scrape.page" and e["success"]]
    check(all("# Page" in event["data"][0]["markdown"] for event in good), f"{good}")
    for at, headers, body in Receiver.received:
        if at == "/firecrawl":
            fields = {name.lower(): value for name, value in headers.items()}
            expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
            check(fields["x-firecrawl-signature"] == f"sha256={expected}", "signature")
            check(fields["webhook-signature"].startswith("v1,"), "our signature")
            check(fields["x-tenant"] == "a", "the webhook's own header")


def scraper_api(base, origin, receiver):
    callback = {"type": "webhook", "url": f"{receiver}/scraperapi"}
    status, job = call(
        "POST",
        f"{base}/jobs",
        {"apiKey": KEY, "url": f"{origin}/page/1", "callback": callback, "meta": {"n": 1}},
    )
    check((status, job["status"]) == (200, "running"), f"{job}")

    def finished(job):
        _, now = call("GET", f"{job['statusUrl']}?apiKey={KEY}")
        return now if now["status"] != "running" else None

    done = eventually("a finished job", lambda: finished(job))
    check(done["status"] == "finished" and done["attempts"] == 1, f"{done}")
    check("<h1>Page 1</h1>" in done["response"]["body"], f"{done}")
    check(done["response"]["statusCode"] == 200 and done["meta"] == {"n": 1}, f"{done}")
    told = eventually("the callback", lambda: received("/scraperapi"))
    check(told[0] == done, f"the callback is what the status is: {told[0]} {done}")

    status, posted = call(
        "POST",
        f"{base}/jobs",
        {"apiKey": KEY, "url": f"{origin}/post", "method": "POST", "body": "foo=bar"},
    )
    posted = eventually("a finished POST", lambda: finished(posted))
    check(posted["response"]["body"] == "got foo=bar", f"{posted}")

    urls = [f"{origin}/page/2", f"{origin}/nowhere"]
    status, jobs = call("POST", f"{base}/batchjobs", {"apiKey": KEY, "urls": urls})
    check(status == 200 and [job["url"] for job in jobs] == urls, f"{jobs}")
    good, bad = (eventually("a batch job", lambda job=job: finished(job)) for job in jobs)
    check((good["status"], bad["status"]) == ("finished", "failed"), f"{good} {bad}")
    check("404" in bad["failReason"] and bad["response"]["statusCode"] == 404, f"{bad}")

    status, job = call("POST", f"{base}/jobs", {"apiKey": KEY, "url": f"{origin}/slow/1"})
    status, gone = call("DELETE", f"{job['statusUrl']}?apiKey={KEY}")
    check((status, gone["status"]) == (200, "failed"), f"{gone}")
    status, no = call(
        "POST",
        f"{base}/jobs",
        {"apiKey": KEY, "url": f"{origin}/page/1", "apiParams": {"render": True}},
    )
    check(status == 400 and "apiParams.render" in no["error"], f"{no}")
    check(call("POST", f"{base}/jobs", {"apiKey": "x", "url": origin})[0] == 401, "key")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ready(base):
    try:
        return call("GET", f"{base}/readyz")[0] == 200
    except OSError:
        return False


def main():
    origin, receiver = serve(Origin), serve(Receiver)
    base = f"http://127.0.0.1:{free_port()}"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PAGEWIRE_")}
    with tempfile.TemporaryDirectory() as home, open(f"{home}/log", "w+b") as log:
        flags = {
            "--listen": base.removeprefix("http://"),
            "--data-dir": f"{home}/data",
            "--fetch-allow": "127.0.0.0/8",
            "--sink-allow": "127.0.0.0/8",
            "--secret": SECRET,
            "--api-key": KEY,
        }
        command = [PAGEWIRE, *(word for flag in flags.items() for word in flag)]
        server = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
        )
        try:
            eventually("the server is ready", lambda: server.poll() is not None or ready(base))
            firecrawl(base, origin, receiver)
            scraper_api(base, origin, receiver)
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read()[-6000:].decode(errors="replace"))
            raise
        finally:
            Origin.released.set()
            server.kill()
            server.wait(PATIENCE_S)
    print(f"Migration: {checks} checks with Firecrawl's library and ScraperAPI's calls")


main()
