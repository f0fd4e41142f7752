"""Files made on the spot: small, real, and of the awkward kinds."""

import hashlib
import io
import zlib
from collections.abc import Sequence
from pathlib import Path

import docx

#: The demo's documents.
DOCUMENTS = Path(__file__).resolve().parents[2] / "examples" / "documents"

_PAD = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
_PERMISSIONS = -44


def pdf(pages: Sequence[str], *, outline: Sequence[str] = (), password: str | None = None) -> bytes:
    """A PDF with a page per text; *outline* has a heading for each; *password* encrypts it (RC4, 40 bits)."""
    key = _Encryption(password) if password else None
    count = len(pages)
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(count))
    first_heading = 4 + 2 * count
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R" + (f" /Outlines {first_heading} 0 R" if outline else "").encode() + b" >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, text in enumerate(pages):
        content = 5 + 2 * number
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {content} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        lines = "".join(f"({line}) Tj 0 -14 Td " for line in text.split("\n"))
        stream = f"BT /F1 12 Tf 72 720 Td {lines}ET".encode("latin-1")
        if key:
            stream = key.encrypt(stream, content)
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    if outline:
        items = [first_heading + 1 + index for index in range(len(outline))]
        objects.append(f"<< /Type /Outlines /First {items[0]} 0 R /Last {items[-1]} 0 R >>".encode())
        for index, title in enumerate(outline):
            following = f" /Next {items[index + 1]} 0 R" if index + 1 < len(items) else ""
            place = f"/Parent {first_heading} 0 R /Dest [{4 + 2 * index} 0 R /Fit]{following}"
            objects.append(f"<< /Title ({title}) {place} >>".encode())
    return _assemble(objects, key.dictionary() if key else b"")


def scanned_pdf() -> bytes:
    """A page with a picture on it and no text, as a scanner makes it."""
    picture = zlib.compress(bytes(64 * 64))
    stream = b"q 612 0 0 792 0 0 cm /Scan Do Q"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 5 0 R "
    image = b"<< /Type /XObject /Subtype /Image /Width 64 /Height 64 /ColorSpace /DeviceGray /BitsPerComponent 8 "
    return _assemble(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            page + b"/Resources << /XObject << /Scan 4 0 R >> >> >>",
            image + b"/Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (len(picture), picture),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        ]
    )


def word(paragraphs: Sequence[tuple[str, str]], *, table: Sequence[Sequence[str]] = ()) -> bytes:
    """A docx of (style, text) paragraphs, and a table at its end."""
    document = docx.Document()
    for style, text in paragraphs:
        document.add_paragraph(text, style=style)
    if table:
        made = document.add_table(rows=len(table), cols=len(table[0]))
        for row, cells in zip(made.rows, table, strict=True):
            for cell, text in zip(row.cells, cells, strict=True):
                cell.text = text
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


#: Where a docx with a password, or an old .doc, begins.
OLE_FILE = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(2000)


def _assemble(objects: Sequence[bytes], encryption: bytes = b"") -> bytes:
    out = io.BytesIO()
    out.write(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    for offset in offsets:
        out.write(b"%010d 00000 n \n" % offset)
    trailer = b"<< /Size %d /Root 1 0 R%s >>" % (len(objects) + 1, encryption)
    out.write(b"trailer\n%s\nstartxref\n%d\n%%%%EOF\n" % (trailer, start))
    return out.getvalue()


class _Encryption:
    """The standard security handler of PDF 1.1, which every reader knows."""

    def __init__(self, password: str) -> None:
        self._id = b"0123456789abcdef"
        padded = (password.encode() + _PAD)[:32]
        self._owner = _rc4(hashlib.md5(padded).digest()[:5], padded)
        permissions = (_PERMISSIONS & 0xFFFFFFFF).to_bytes(4, "little")
        self._key = hashlib.md5(padded + self._owner + permissions + self._id).digest()[:5]

    def encrypt(self, data: bytes, number: int) -> bytes:
        return _rc4(hashlib.md5(self._key + number.to_bytes(3, "little") + bytes(2)).digest()[:10], data)

    def dictionary(self) -> bytes:
        user = _rc4(self._key, _PAD)
        return (
            f" /ID [<{self._id.hex()}><{self._id.hex()}>] /Encrypt << /Filter /Standard /V 1 /R 2 "
            f"/O <{self._owner.hex()}> /U <{user.hex()}> /P {_PERMISSIONS} >>"
        ).encode()


def _rc4(key: bytes, data: bytes) -> bytes:
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    out = bytearray()
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)
