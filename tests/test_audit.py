"""`make audit` finds what is known to be weak, and says loudly when nobody can be asked."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

ROOT = Path(__file__).parent.parent
WEAK = {
    "id": "PYSEC-1",
    "summary": "Anybody may do anything.",
    "affected": [{"package": {"ecosystem": "PyPI", "name": "careless"}, "ranges": []}],
}


class Osv(BaseHTTPRequestHandler):
    """Knows of one weakness, as api.osv.dev tells it."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        found = {"vulns": [WEAK]} if asked["package"]["name"] == "careless" else {}
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """To nobody."""


@contextmanager
def osv() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Osv)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query"
    server.shutdown()
    thread.join()
    server.server_close()


def audit(url: str, *locks: Path, **env: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, str(ROOT / ".ci" / "audit.py"), *map(str, locks)]
    given = {**os.environ, "AUDIT_URL": url, **env}
    return subprocess.run(words, env=given, capture_output=True, text=True, check=False)


def lock(folder: Path, *pins: str) -> Path:
    file = folder / "some.lock"
    file.write_text("".join(f"{pin} --hash=sha256:{'0' * 64}\n" for pin in pins))
    return file


def test_a_dependency_that_is_known_to_be_weak_fails_the_audit(tmp_path: Path) -> None:
    with osv() as url:
        told = audit(url, lock(tmp_path, "careless==1.0", "careful==2.0"))
    assert told.returncode == 1
    assert "careless" in told.stdout
    assert "PYSEC-1" in told.stdout


def test_dependencies_of_which_nothing_is_known_pass(tmp_path: Path) -> None:
    with osv() as url:
        assert audit(url, lock(tmp_path, "careful==2.0")).returncode == 0


def test_a_service_that_cannot_be_reached_is_said_loudly_and_fails_only_where_it_must(
    tmp_path: Path,
) -> None:
    nobody = "http://127.0.0.1:9/v1/query"
    told = audit(nobody, lock(tmp_path, "careless==1.0"))
    assert told.returncode == 0
    assert "NOT audited" in told.stderr
    assert audit(nobody, AUDIT_REQUIRED="1").returncode == 1
