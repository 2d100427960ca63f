"""Known weaknesses in what the locks name, by pip-audit: `python .ci/audit.py [LOCK ...]`. Exit code 1: there are some.

Where no service answers (a closed network) it says so loudly and passes; AUDIT_REQUIRED=1 makes that a failure, on a
machine that is meant to reach one. AUDIT_URL names another service that speaks OSV.
"""

import os
import subprocess
import sys

import httpx

LOCKS = ("requirements.lock", "requirements-dev.lock")
URL = os.environ.get("AUDIT_URL", "https://api.osv.dev/v1/query")
PATIENCE = 5


def main(locks: list[str]) -> int:
    if problem := unreachable():
        sys.stderr.write(
            f"make audit: {URL} does not answer ({problem}): the dependencies are NOT audited\n"
        )
        return int(os.environ.get("AUDIT_REQUIRED", "0") != "0")
    options = ("--require-hashes", "--disable-pip", "--progress-spinner", "off", "-s", "osv")
    given = [word for lock in locks for word in ("-r", lock)]
    command = [sys.executable, "-m", "pip_audit", *options, "--osv-url", URL, *given]
    return subprocess.run(command, check=False).returncode


def unreachable() -> str:
    """Why the service cannot be asked; empty when it can."""
    about = {"package": {"name": "pip-audit", "ecosystem": "PyPI"}, "version": "0"}
    try:
        httpx.post(URL, json=about, timeout=PATIENCE).raise_for_status()
    except httpx.HTTPError as error:
        return str(error) or type(error).__name__
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(LOCKS)))
