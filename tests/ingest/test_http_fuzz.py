"""The service answers whatever it is sent: no request makes it fail, no name leads out of its folders."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dibs_ingest.settings import Settings
from ingest.running import Running, run_service
from support.cli import execute, fetch

NAMES = [
    "../../../etc/passwd", "..\\..\\boot.ini", "/etc/passwd", "....//....//x.txt", "%2e%2e%2fx.txt", "..%c0%afx.txt",
    ".", "..", "", " ", "\x00", "a\x00.txt", "CON", "nul.txt", "COM1.txt", "x.txt:stream", "a" * 5000 + ".txt",
    "é" * 300, "\u202etxt.exe", 'a"b.txt', "a\r\nSet-Cookie: x=1.txt", "a;b=c.txt", "'; drop table document; --",
    "<script>.txt", "\U0001f600.txt", "-rf", "~root", "$(touch x).txt", "`x`.txt", "\ufeff.txt", "\x85.txt",
]  # fmt: skip
NUMBERS = [
    "0", "-1", "1", str(2**31), str(2**63 - 1), str(2**63), "9" * 400, "1e3", "0x1", "NaN", "null", "..", "%00", "1;",
    "\u0661",
]  # fmt: skip
KINDS = ["multipart/form-data", "multipart/form-data; boundary=X", "application/json", "text/plain", ""]
some = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def service(empty_database_url: str, tmp_path: Path, models_folder: Path) -> Iterator[Running]:
    """The API alone, with one document in the index whose name the tests change."""
    with run_service(Settings(data=tmp_path / "data", models=models_folder), empty_database_url) as running:
        running.ingest(("a.txt", b"rosebud is a sledge"))
        yield running


def multipart(name: bytes, content: bytes) -> tuple[bytes, dict[str, str]]:
    """An upload with a name that no client would send."""
    head = b'--X\r\nContent-Disposition: form-data; name="files"; filename="' + name + b'"\r\n\r\n'
    return head + content + b"\r\n--X--\r\n", {"content-type": "multipart/form-data; boundary=X"}


def assert_fine(answer: httpx2.Response) -> None:
    """Taken or refused, and not failed."""
    assert answer.status_code < 500, (answer.request.url, answer.text)


def fuzz_uploads(service: Running) -> None:
    """Send bodies that no client would send."""

    @some
    @given(name=st.binary(max_size=300), content=st.binary(max_size=200))
    def upload(name: bytes, content: bytes) -> None:
        body, headers = multipart(name, content)
        assert_fine(service.http.post("/upload", content=body, headers=headers))

    @some
    @given(body=st.binary(max_size=300), kind=st.sampled_from(KINDS))
    def garbage(body: bytes, kind: str) -> None:
        assert_fine(service.http.post("/upload", content=body, headers={"content-type": kind}))
        assert_fine(service.http.post("/upload", content=b"--X\r\n" + body, headers={"content-type": kind}))

    upload()
    garbage()


def fuzz_questions(service: Running) -> None:
    """Ask for anything."""

    @some
    @example(q="\x00")
    @example(q="' | !& <-> :*")
    @given(q=st.text(max_size=1100))
    def ask(q: str) -> None:
        assert_fine(service.http.get(f"/search?q={quote(q, errors='replace')}"))

    @some
    @given(text=st.text(max_size=50).map(lambda text: quote(text, safe="", errors="replace")))
    def look(text: str) -> None:
        for path in (f"/documents/{text}/download", f"/tasks/{text}/status", f"/documents/{text}", f"/{text}"):
            assert_fine(service.http.get(path))

    ask()
    look()


def ask_for_odd_numbers(service: Running) -> None:
    """Where a number is expected."""
    for number in NUMBERS:
        for path in ("documents/{}/download", "tasks/{}/status", "documents/{}", "documents?offset={}",
                     "documents?limit={}", "search?q=sledge&limit={}"):  # fmt: skip
            assert_fine(service.http.get(f"/{path.format(number)}"))
        if number != "1":  # that one is there, and tells until it is finished
            assert_fine(service.http.get(f"/tasks/{number}/events", headers={"last-event-id": number.encode()}))


def upload_odd_names(service: Running) -> None:
    """What is shown of a name is a name."""
    for name in NAMES:
        body, headers = multipart(name.encode(), b"some words")
        answer = service.http.post("/upload", content=body, headers=headers)
        assert_fine(answer)
        for task in answer.json().get("tasks", []):
            assert not {*task["filename"]} & {*"/\\\x00\r\n"}, name
            assert 0 < len(task["filename"]) <= 200
            assert task["filename"] not in {".", ".."}


def look_outside(service: Running) -> None:
    """Paths that would lead out of a folder."""
    for escape in ("../../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "1/../../x"):
        for path in (f"/documents/{escape}/download", f"/documents/{escape}", f"/{escape}"):
            answer = service.http.get(path)
            assert_fine(answer)
            assert "root:" not in answer.text


def test_no_request_fails_and_no_file_is_written_elsewhere(service: Running, tmp_path: Path):
    root = service.settings.data

    def outside() -> list[Path]:
        return sorted(path for path in tmp_path.rglob("*") if root not in path.parents and path != root)

    before = outside()
    for attack in (ask_for_odd_numbers, look_outside, fuzz_questions, fuzz_uploads, upload_odd_names):
        attack(service)
    assert all(path.name.isalnum() for path in service.spooled)
    assert outside() == before
    assert service.http.get("/health").status_code == httpx2.codes.OK


def test_a_download_has_a_harmless_name_and_the_right_content(service: Running):
    table = fetch(service.database_url, "select table_schema || '.document' from information_schema.tables "
                  "where table_name = 'document'")  # fmt: skip
    document = fetch(service.database_url, f"select id from {table}")
    for name in NAMES:
        if "\x00" in name:
            continue
        quoted = name.replace("'", "''")
        execute(service.database_url, f"update {table} set filename = '{quoted}'")
        answer = service.http.get(f"/documents/{document}/download")
        assert_fine(answer)
        assert answer.content == b"rosebud is a sledge"
        assert "set-cookie" not in answer.headers
        assert answer.headers["content-disposition"].startswith("attachment; filename")
        assert answer.headers["x-content-type-options"] == "nosniff"
