"""Files that can not be ingested, each with the reason that its user is told."""

import asyncio
import io
import os
import signal
import zipfile
from datetime import timedelta
from pathlib import Path

import pypdfium2
import pytest

from dibs_ingest.errors import ParserError, Reason, UnusableDocumentError
from dibs_ingest.parse import Kind, detect, parse
from dibs_ingest.parse.kind import HEAD_BYTES
from ingest.make_files import DOCUMENTS, OLE_FILE, pdf, scanned_pdf, word
from support.waiting import eventually


async def _refused(folder: Path, filename: str, content: bytes) -> UnusableDocumentError:
    """What a file is refused with, on the way that an upload takes."""
    path = folder / "upload"
    path.write_bytes(content)
    with pytest.raises(UnusableDocumentError) as refused:
        await parse(path, detect(filename, content[:HEAD_BYTES]))
    assert str(folder) not in str(refused.value)
    return refused.value


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        ("photo.jpg", b"\xff\xd8\xff\xe0 picture"),
        ("archive.zip", b"PK\x03\x04 something"),
        ("program", b"\x7fELF\x02"),
        ("slides.pptx", b"PK\x03\x04 slides"),
    ],
)
async def test_an_unsupported_type_is_named_with_those_that_are(tmp_path: Path, filename: str, content: bytes):
    refused = await _refused(tmp_path, filename, content)
    assert refused.reason == Reason.UNSUPPORTED
    assert ".pdf" in str(refused)


@pytest.mark.parametrize("filename", ["a.pdf", "a.docx", "a.html", "a.md", "a.txt", "a.csv"])
@pytest.mark.parametrize("content", [b"", b" \r\n\t\n"])
async def test_an_empty_file_is_empty(tmp_path: Path, filename: str, content: bytes):
    assert (await _refused(tmp_path, filename, content)).reason == Reason.EMPTY


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        ("a.html", b"<html><body><script>alert(1)</script></body></html>"),
        ("a.docx", word([("Normal", "")])),
        ("a.md", b"# Only a heading\n"),
        ("a.csv", b",,,\n,,,\n"),
    ],
)
async def test_a_file_without_text_is_empty(tmp_path: Path, filename: str, content: bytes):
    assert (await _refused(tmp_path, filename, content)).reason == Reason.EMPTY


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("name", ["filesystem-hierarchy-standard.pdf", "debian-copyright-format.docx"])
async def test_a_file_that_was_cut_off_is_damaged(tmp_path: Path, name: str, share: float):
    content = (DOCUMENTS / name).read_bytes()
    refused = await _refused(tmp_path, name, content[: int(len(content) * share)])
    assert refused.reason == Reason.DAMAGED


@pytest.mark.parametrize(
    ("filename", "content"),
    [("a.pdf", b"no pdf"), ("a.docx", b"no docx"), ("a.txt", b"%PDF-1.4"), ("a.md", b"\x89PNG\r\n")],
)
async def test_a_file_that_is_not_what_its_name_says_is_damaged(tmp_path: Path, filename: str, content: bytes):
    assert (await _refused(tmp_path, filename, content)).reason == Reason.DAMAGED


@pytest.mark.parametrize("suffix", ["txt", "md", "csv", "html"])
@pytest.mark.parametrize("noise", [bytes(range(256)), bytes(range(1, 256)), b"A text, but for many NULs: \0."])
async def test_binary_content_under_the_name_of_a_text_is_refused(tmp_path: Path, suffix: str, noise: bytes):
    assert (await _refused(tmp_path, f"a.{suffix}", noise * 50)).reason == Reason.DAMAGED


@pytest.mark.parametrize(
    "content",
    ["Größe".encode("utf-16"), "Größe".encode("utf-32"), "Größe\f\n".encode("cp1252"), "漢字かな".encode("iso2022_jp")],
)
async def test_text_in_an_old_or_a_wide_encoding_is_text(content: bytes):
    assert detect("a.txt", content) is Kind.TEXT


async def test_a_zip_that_is_no_docx_is_damaged(tmp_path: Path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("hello.txt", "hello")
    assert (await _refused(tmp_path, "a.docx", buffer.getvalue())).reason == Reason.DAMAGED


async def test_a_pdf_with_a_password_is_protected(tmp_path: Path):
    content = pdf(["Secret words."], password="sesame")
    with pypdfium2.PdfDocument(content, password="sesame") as opened:
        assert "Secret words." in opened[0].get_textpage().get_text_bounded()
    assert (await _refused(tmp_path, "a.pdf", content)).reason == Reason.PROTECTED


async def test_a_docx_with_a_password_is_protected(tmp_path: Path):
    assert (await _refused(tmp_path, "a.docx", OLE_FILE)).reason == Reason.PROTECTED


async def test_a_scanned_pdf_has_no_text_layer(tmp_path: Path):
    refused = await _refused(tmp_path, "a.pdf", scanned_pdf())
    assert refused.reason == Reason.SCANNED
    assert "OCR" in str(refused)


async def test_a_missing_file_is_missing(tmp_path: Path):
    with pytest.raises(UnusableDocumentError) as refused:
        await parse(tmp_path / "gone", Kind.TEXT)
    assert refused.value.reason == Reason.MISSING
    assert str(tmp_path) not in str(refused.value)


async def test_a_file_that_needs_too_much_memory_is_refused_and_harms_nobody(tmp_path: Path):
    path = tmp_path / "upload"
    path.write_bytes(b"word\n" * 6_000_000)
    with pytest.raises(UnusableDocumentError) as refused:
        await parse(path, Kind.TEXT, memory_bytes=300_000_000)
    assert refused.value.reason == Reason.TOO_LARGE


async def test_a_parser_that_hangs_is_ended_and_may_be_tried_again(tmp_path: Path):
    path = tmp_path / "upload"
    os.mkfifo(path)
    with pytest.raises(ParserError, match=r"longer than 0\.5 seconds"):
        await parse(path, Kind.TEXT, time=timedelta(seconds=0.5))
    assert not _children()


async def test_a_parser_that_crashes_fails_the_attempt_only(tmp_path: Path):
    path = tmp_path / "upload"
    os.mkfifo(path)
    parsing = asyncio.create_task(parse(path, Kind.TEXT))
    for child in await eventually(_children, what="the parse process runs"):
        os.kill(child, signal.SIGSEGV)
    with pytest.raises(ParserError, match="crashed"):
        await parsing


async def test_a_cancelled_parse_leaves_no_process_behind(tmp_path: Path):
    path = tmp_path / "upload"
    os.mkfifo(path)
    parsing = asyncio.create_task(parse(path, Kind.TEXT))
    await eventually(_children, what="the parse process runs")
    parsing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await parsing
    assert not _children()


async def test_the_parser_knows_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DIBS_DATABASE_URL", "postgresql://me:secret@host/db")
    path = tmp_path / "upload"
    os.mkfifo(path)
    parsing = asyncio.create_task(parse(path, Kind.TEXT))
    (child,) = await eventually(_children, what="the parse process runs")
    assert "secret" not in Path(f"/proc/{child}/environ").read_text()
    parsing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await parsing


def _children() -> list[int]:
    """Parse processes of ours that run."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        children = (task / "children").read_text().split()
        found += [int(child) for child in children if "parse.child" in Path(f"/proc/{child}/cmdline").read_text()]
    return found
