"""A client generated from the document does what README.md does with curl.

`check.py CLIENT URL KEY`: the directory with the generated package, the server, and its API key.
"""

import compileall
import http.server
import sys
import threading
import time

CLIENT, URL, KEY = sys.argv[1:]
# A job of this takes milliseconds.
PATIENCE_S = 60
PAGE = b"<!doctype html><title>Green tea</title><main><h1>Green tea</h1><p>Steamed, not roasted, " \
    b"and shaded for three weeks before it is picked by hand.</p></main>"

if not compileall.compile_dir(CLIENT, quiet=1):
    sys.exit("check.py: what was generated does not compile")
sys.path.insert(0, CLIENT)

from pagewire_client import AuthenticatedClient  # noqa: E402
from pagewire_client.api.jobs import (  # noqa: E402
    cancel_job,
    get_job,
    get_job_result,
    list_job_attempts,
    list_jobs,
    submit_job,
)
from pagewire_client.api.operation import get_health, get_readiness  # noqa: E402
from pagewire_client.api.sinks import create_sink, delete_sink, list_sinks  # noqa: E402
from pagewire_client.models import (  # noqa: E402
    AcceptedJob,
    Job,
    JobStatus,
    JobSubmission,
    Problem,
    SinkDefinition,
)

checks = 0


def check(holds, what):
    global checks
    checks += 1
    if not holds:
        sys.exit(f"check.py: {what}")


class Origin(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        found = self.path != "/robots.txt"
        self.send_response(200 if found else 404)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_):
        pass


origin = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
threading.Thread(target=origin.serve_forever, daemon=True).start()
page = f"http://127.0.0.1:{origin.server_port}/tea"

with AuthenticatedClient(base_url=URL, token=KEY, timeout=30) as client:
    check(get_health.sync(client=client).status == "alive", "the server is alive")
    check(get_readiness.sync(client=client).status == "ready", "the server is ready")

    # A job.
    wanted = JobSubmission.from_dict(
        {"url": page, "formats": ["markdown", "metadata"], "metadata": {"order": 7}}
    )
    accepted = submit_job.sync(client=client, body=wanted, idempotency_key="order-7")
    check(isinstance(accepted, AcceptedJob), f"the job is accepted: {accepted}")
    check(accepted.metadata["order"] == 7, "its metadata comes back")
    again = submit_job.sync_detailed(client=client, body=wanted, idempotency_key="order-7")
    check(again.parsed.id == accepted.id, "the same again is the same job")
    check(again.headers["idempotency-replayed"] == "true", "and says so")

    # What became of it, and what there is.
    deadline = time.monotonic() + PATIENCE_S
    while True:
        job = get_job.sync(accepted.id, client=client)
        check(isinstance(job, Job), f"the job is there: {job}")
        if job.status not in (JobStatus.QUEUED, JobStatus.FETCHING):
            break
        check(time.monotonic() < deadline, f"the job is done in time: {job}")
        time.sleep(0.05)
    check(job.status == JobStatus.FETCHED, f"the page is fetched: {job}")
    event = get_job_result.sync(accepted.id, client=client)
    check(event.type_ == "job.succeeded", f"the event tells of it: {event}")
    check("Steamed, not roasted" in event.data.markdown, f"the page is in it: {event}")
    check(event.data.metadata["order"] == 7, "and the metadata")
    ledger = list_job_attempts.sync(accepted.id, client=client)
    check([attempt.outcome for attempt in ledger.attempts] == ["ok"], f"one attempt: {ledger}")
    jobs = list_jobs.sync(client=client, status=JobStatus.FETCHED, limit=10)
    check([job.id for job in jobs.jobs] == [accepted.id], f"it is listed: {jobs}")

    # One that is called off before it begins.
    later = submit_job.sync(
        client=client, body=JobSubmission.from_dict({"url": page, "delay": "1h", "tags": ["tea"]})
    )
    cancelled = cancel_job.sync(later.id, client=client)
    check(cancelled.status == JobStatus.CANCELLED, f"it is called off: {cancelled}")

    # What cannot be accepted is told with its place.
    refused = submit_job.sync(
        client=client, body=JobSubmission.from_dict({"url": "ftp://example.com/"})
    )
    check(isinstance(refused, Problem) and refused.status == 422, f"it is refused: {refused}")
    check(refused.errors[0].pointer == "/url", f"for its URL: {refused}")

    # A sink with a name.
    sink = create_sink.sync(
        client=client, body=SinkDefinition.from_dict({"name": "tea", "url": "pull:"})
    )
    check(sink.name == "tea", f"it is defined: {sink}")
    check([one.name for one in list_sinks.sync(client=client).sinks] == ["tea"], "it is listed")
    check(delete_sink.sync_detailed("tea", client=client).status_code == 204, "it is gone")

with AuthenticatedClient(base_url=URL, token="no-such-key-at-all") as client:
    refused = list_jobs.sync(client=client)
    check(isinstance(refused, Problem) and refused.status == 401, f"a key is needed: {refused}")

print(f"{checks} checks of a generated client hold")
