"""The service from outside, over HTTP, with a worker process of its own."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from dibs_ingest.settings import Settings
from ingest.make_files import DOCUMENTS, OLE_FILE, pdf, scanned_pdf, word
from ingest.running import Running, run_service
from support.postgres import TestServer
from support.waiting import eventually_sync

SIZE_MAX = 1_000_000


@pytest.fixture(scope="module")
def running(
    database_server: TestServer, models_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """One service for all tests here, for starting it takes seconds; each test uses documents of its own."""
    folder = tmp_path_factory.mktemp("service")
    settings = Settings(
        data=folder / "data",
        models=models_folder,
        max_file_bytes=SIZE_MAX,
        max_request_bytes=5 * SIZE_MAX,
        max_files=2_000,
    )
    with database_server.database() as url, run_service(settings, url) as service:
        yield service


def _document(running: Running, filename: str) -> dict[str, object]:
    documents = running.client.documents()["documents"]
    (found,) = [document for document in documents if document["filename"] == filename]
    return found


def test_real_documents_of_every_kind_are_ingested_found_and_given_back(running: Running):
    names = [
        "bzip2-manual.pdf",
        "debconf-specification.docx",
        "postgresql-explicit-locking.html",
        "keep-a-changelog.md",
        "pep-0257-docstrings.txt",
    ]
    originals = {name: (DOCUMENTS / name).read_bytes() for name in names}
    last = running.ingest(*originals.items())
    assert last.data["status"] == "finished"
    assert [task["state"] for task in last.data["tasks"]] == ["succeeded"] * len(names)
    assert all(task["chunks_done"] == task["chunks_total"] > 0 for task in last.data["tasks"])
    assert last.data["counts"] == {
        "total": 5, "succeeded": 5, "failed": 0, "cancelled": 0, "running": 0, "waiting": 0
    }  # fmt: skip

    questions = {
        "how much memory does decompression take": "bzip2-manual.pdf",
        "what is a debconf frontend": "debconf-specification.docx",
        "advisory locks": "postgresql-explicit-locking.html",
        "what is a good changelog entry": "keep-a-changelog.md",
        "one-line docstrings": "pep-0257-docstrings.txt",
    }
    for question, name in questions.items():
        best = running.client.search(question, limit=3)["results"][0]
        assert best["filename"] == name
        assert best["snippet"]
        assert best["heading"]
        assert set(best["legs"]) <= {"text", "vector"}

    for name, content in originals.items():
        answer = running.http.get(f"/documents/{_document(running, name)['id']}/download")
        assert answer.content == content
        assert name in answer.headers["content-disposition"]
    assert running.spooled == []


def test_events_tell_the_whole_story_in_order(running: Running):
    batch_id = running.upload(("story.txt", b"A long story. " * 3_000))["batch_id"]
    events = list(running.client.events(batch_id))
    assert [events[0].name, events[-1].name] == ["snapshot", "finished"]
    ids = [int(event.id) for event in events]
    assert ids == sorted(set(ids))
    done = [task["chunks_done"] for event in events for task in event.data["tasks"]]
    assert done == sorted(done)
    assert len(set(done)) > 2


def test_a_stream_that_is_resumed_begins_with_all_there_is(running: Running):
    batch_id = running.upload(("resumed.txt", b"Some text to resume."))["batch_id"]
    *_, last = running.client.events(batch_id)
    headers = {"last-event-id": last.id}
    with running.http.stream("GET", f"/tasks/{batch_id}/events", headers=headers) as stream:
        lines = [line for line in stream.iter_lines() if line.startswith(("id:", "event:"))]
    assert lines == [
        "event: snapshot",
        f"id: {int(last.id) + 1}",
        "event: finished",
        f"id: {int(last.id) + 2}",
    ]


def test_the_same_content_is_one_document(running: Running):
    content = b"The very same content, uploaded again and again."
    running.ingest(("first.txt", content))
    chunks = running.client.documents()["chunks"]
    last = running.ingest(("second.txt", content), ("third.txt", content), ("fourth.txt", content))
    assert [task["state"] for task in last.data["tasks"]] == ["succeeded"] * 3
    assert {task["message"] for task in last.data["tasks"]} == {"already indexed as first.txt"}
    documents = running.client.documents()
    assert documents["chunks"] == chunks
    assert not {"second.txt", "third.txt", "fourth.txt"} & {d["filename"] for d in documents["documents"]}
    assert running.spooled == []


def test_a_deleted_document_is_gone_and_can_come_back(running: Running):
    content = ("gone.txt", b"An aardvark that comes and goes.")
    running.ingest(content)
    document_id = _document(running, "gone.txt")["id"]
    assert running.http.delete(f"/documents/{document_id}").status_code == 204
    assert running.http.delete(f"/documents/{document_id}").status_code == 404
    assert running.http.get(f"/documents/{document_id}/download").status_code == 404
    results = running.client.search("aardvark", limit=10)["results"]
    assert "gone.txt" not in {result["filename"] for result in results}
    running.ingest(content)
    assert running.client.search("aardvark", limit=1)["results"][0]["filename"] == "gone.txt"


BAD_AT_THE_DOOR = {
    "unsupported.exe": (b"MZ program", "unsupported", "This type of file is not supported"),
    "empty.txt": (b"", "empty", "The file is empty"),
    "locked.docx": (OLE_FILE, "protected", "password"),
    "not.pdf": (b"I am no PDF.", "damaged", "not what its name says"),
    "noise.txt": (bytes(range(1, 256)) * 20, "damaged", "it is no text file"),
    "big.txt": (b"x" * (SIZE_MAX + 1), "too_large", "larger than the limit of 1 MB"),
}


def test_if_no_file_can_be_used_the_answer_gives_every_reason(running: Running):
    answer = running.post(*((name, content) for name, (content, _, _) in BAD_AT_THE_DOOR.items()))
    assert answer.status_code == 400
    assert answer.json()["status"] == "rejected"
    rejected = {item["filename"]: item for item in answer.json()["rejected"]}
    for name, (_, reason, words) in BAD_AT_THE_DOOR.items():
        assert rejected[name]["reason"] == reason
        assert words in rejected[name]["error"]
    assert running.spooled == []


def test_bad_files_do_not_hold_up_good_ones(running: Running):
    answer = running.upload(("bad.exe", b"MZ"), ("good-beside-bad.txt", b"Good text beside bad."))
    assert answer["status"] == "queued"
    assert [task["filename"] for task in answer["tasks"]] == ["good-beside-bad.txt"]
    assert [item["filename"] for item in answer["rejected"]] == ["bad.exe"]
    *_, last = running.client.events(answer["batch_id"])
    assert [task["state"] for task in last.data["tasks"]] == ["succeeded"]


def test_files_that_turn_out_to_be_unusable_fail_at_once_with_a_reason(running: Running):
    truncated = (DOCUMENTS / "filesystem-hierarchy-standard.pdf").read_bytes()[:100_000]
    last = running.ingest(
        ("truncated.pdf", truncated),
        ("locked.pdf", pdf(["Secret."], password="sesame")),
        ("scanned.pdf", scanned_pdf()),
        ("hollow.docx", word([("Normal", "")])),
        ("fine.txt", b"Fine text among the failures."),
    )
    tasks = {task["filename"]: task for task in last.data["tasks"]}
    assert {name: (task["state"], task["attempt"]) for name, task in tasks.items()} == {
        "truncated.pdf": ("failed", 1),
        "locked.pdf": ("failed", 1),
        "scanned.pdf": ("failed", 1),
        "hollow.docx": ("failed", 1),
        "fine.txt": ("succeeded", 1),
    }
    assert "damaged or cut off" in tasks["truncated.pdf"]["error"]
    assert "password" in tasks["locked.pdf"]["error"]
    assert "no text layer" in tasks["scanned.pdf"]["error"]
    assert "holds no text" in tasks["hollow.docx"]["error"]
    assert str(running.settings.data) not in str(last.data)
    assert running.spooled == []
    assert "truncated.pdf" not in {d["filename"] for d in running.client.documents()["documents"]}


def test_nul_and_other_control_characters_do_no_harm(running: Running):
    last = running.ingest(("control.txt", b"A wombat\x00 with\x01 control\x1b characters \xed\xa0\x80."))
    assert [task["state"] for task in last.data["tasks"]] == ["succeeded"]
    assert running.client.search("wombat", limit=1)["results"][0]["filename"] == "control.txt"


@pytest.mark.parametrize("name", ["../../../etc/passwd.txt", "..\\..\\passwd.txt", "/etc/passwd.txt", "C:\\passwd.txt"])
def test_path_parts_in_names_lead_nowhere(running: Running, name: str):
    before = {path for path in running.settings.data.parent.rglob("*") if "ingest" not in path.parts}
    last = running.ingest((name, f"Content of {name}.".encode()))
    assert [(task["filename"], task["state"]) for task in last.data["tasks"]] == [("passwd.txt", "succeeded")]
    assert {path for path in running.settings.data.parent.rglob("*") if "ingest" not in path.parts} == before


def test_a_request_over_the_limit_is_cut_short(running: Running):
    answer = running.post(*((f"{number}.txt", b"x" * (SIZE_MAX - 1)) for number in range(7)))
    assert answer.status_code == 413
    assert running.spooled == []


def test_more_files_than_the_usual_thousand_fit_into_one_request(running: Running):
    answer = running.post(*((f"{number}.exe", b"MZ") for number in range(1_100)))
    assert answer.status_code == 400
    assert len(answer.json()["rejected"]) == 1_100


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/tasks/987654/status", 404),
        ("/tasks/987654/events", 404),
        ("/tasks/99999999999999999999999/status", 404),
        ("/tasks/x/status", 422),
        ("/documents/987654/download", 404),
        ("/documents/99999999999999999999/download", 422),
        ("/search", 422),
        ("/search?q=", 400),
        ("/search?q=%20", 400),
        ("/search?q=%00", 400),
        ("/search?q=x&limit=0", 422),
    ],
)
def test_questions_that_make_no_sense_are_refused(running: Running, path: str, status: int):
    assert running.http.get(path).status_code == status


def test_an_upload_without_files_is_refused(running: Running):
    assert running.http.post("/upload").status_code == 422


def test_health_names_the_model(running: Running):
    assert running.http.get("/health").json()["embedder"] == "all-MiniLM-L6-v2/int8"


def test_an_uploaded_page_is_never_run_in_the_browser(running: Running):
    running.ingest(("page.html", b"<html><body><script>alert(1)</script>A page about quokkas.</body></html>"))
    answer = running.http.get(f"/documents/{_document(running, 'page.html')['id']}/download")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-security-policy"] == "sandbox"


def test_a_request_that_is_cut_off_leaves_nothing_behind(running: Running):
    def broken() -> Iterator[bytes]:
        yield b'--x\r\ncontent-disposition: form-data; name="files"; filename="cut.txt"\r\n\r\nsome text'
        raise ConnectionAbortedError

    headers = {"content-type": "multipart/form-data; boundary=x"}
    with pytest.raises((ConnectionAbortedError, httpx2.TransportError)):
        running.http.post("/upload", content=broken(), headers=headers)
    eventually_sync(lambda: running.http.get("/health").status_code == 200)
    assert running.spooled == []
