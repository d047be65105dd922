"""Our signatures against the official library for Python, in both directions.

`check.py SIGN PAGEWIRE`: the program that prints signed deliveries, and the one that verifies.
"""

import json
import subprocess
import sys
import time
from datetime import datetime, timezone

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

SIGN, PAGEWIRE = sys.argv[1:]
# For a child process; all of them take milliseconds.
PATIENCE_S = 60
SECRETS = [
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD4bKn5gqS5Nc",
]
checks = 0


def check(holds, what):
    global checks
    checks += 1
    if not holds:
        sys.exit(f"check.py: {what}")


def official(secret, body, headers):
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
        return None
    except WebhookVerificationError as error:
        return str(error)


def ours(secret, body, headers, *flags):
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"POST /hook HTTP/1.1\r\n{head}\r\n".encode() + body.encode()
    done = subprocess.run(
        [PAGEWIRE, "verify", *flags],
        input=request,
        capture_output=True,
        timeout=PATIENCE_S,
        env={"PAGEWIRE_SECRET": secret},
    )
    return done.returncode, (done.stdout + done.stderr).decode()


def theirs_verifies_ours():
    now = int(time.time())
    said = subprocess.run([SIGN, str(now)], capture_output=True, check=True, timeout=PATIENCE_S)
    cases = json.loads(said.stdout)
    stale = subprocess.run(
        [SIGN, str(now - 3600)], capture_output=True, check=True, timeout=PATIENCE_S
    )
    symmetric = 0
    for case in cases:
        name, body, headers = case["name"], case["body"], case["headers"]
        for secret in case["secrets"]:
            symmetric += 1
            error = official(secret, body, headers)
            check(error is None, f"{name}: the library says: {error}")
            check(official(secret, body + " ", headers), f"{name}: a changed body passed")
            other = dict(headers, **{"webhook-id": "other"})
            check(official(secret, body, other), f"{name}: a changed id passed")
            check(official(SECRETS[0], body, headers), f"{name}: another secret passed")
    check(symmetric >= 20, f"only {symmetric} symmetric signatures were there to check")
    for case in json.loads(stale.stdout):
        for secret in case["secrets"]:
            error = official(secret, case["body"], case["headers"]) or ""
            check("too old" in error, f"{case['name']}: an old one: {error}")


def ours_verifies_theirs():
    now = datetime.now(tz=timezone.utc)
    for secret in SECRETS:
        for body in ['{"a":1}', "", "Grüße 🦀\n", '{ "a" : 1 }\r\n', "x" * 100_000]:
            headers = {
                "Webhook-Id": "msg_1",
                "Webhook-Timestamp": str(int(now.timestamp())),
                "Webhook-Signature": Webhook(secret).sign("msg_1", now, body),
            }
            code, said = ours(secret, body, headers)
            check(code == 0 and "verified" in said, f"`pagewire verify` says: {said}")
            code, said = ours(secret, body + "!", headers)
            check(code == 1 and "no signature matches" in said, f"a changed body: {said}")
            other = SECRETS[1 - SECRETS.index(secret)]
            code, said = ours(other, body, headers)
            check(code == 1 and "no signature matches" in said, f"another secret: {said}")
            code, said = ours(secret, body, headers, "--now", str(int(now.timestamp()) + 301))
            check(code == 1 and "301 s old" in said, f"an old one: {said}")


theirs_verifies_ours()
ours_verifies_theirs()
print(f"Python: {checks} checks with the official library")
