"""What each reader makes of a good file."""

from pathlib import Path

import pytest

from dibs_ingest.parse.document import ParsedDocument
from dibs_ingest.parse.readers import markdown, pdf, plain, table, web, word
from ingest.make_files import pdf as make_pdf
from ingest.make_files import word as make_word


def _write(folder: Path, content: bytes | str) -> Path:
    path = folder / "upload"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _as_pairs(document: ParsedDocument) -> list[tuple[tuple[str, ...], str]]:
    return [(section.path, section.text) for section in document.sections]


def test_pdf_without_an_outline_is_cut_at_its_pages(tmp_path: Path):
    path = _write(tmp_path, make_pdf(["First page here.", "Second page here."]))
    expected = [(("Page 1",), "First page here."), (("Page 2",), "Second page here.")]
    assert expected == _as_pairs(pdf.read(path))


def test_pdf_with_an_outline_is_cut_where_the_titles_stand(tmp_path: Path):
    pages = ["A word before.\n1. Apples\nThey are red.", "Pears\nThey are green."]
    path = _write(tmp_path, make_pdf(pages, outline=["Apples", "Pears"]))
    expected = [((), "A word before."), (("Apples",), "They are red."), (("Pears",), "They are green.")]
    assert expected == _as_pairs(pdf.read(path))


def test_pdf_pages_that_are_a_table_of_contents_are_left_out(tmp_path: Path):
    contents = "Contents\nApples . . . . . . 2\nPears ............. 3\nPlums ............. 4"
    path = _write(tmp_path, make_pdf([contents, "Apples are red."]))
    assert _as_pairs(pdf.read(path)) == [(("Page 2",), "Apples are red.")]


def test_word_keeps_headings_and_tables(tmp_path: Path):
    paragraphs = [
        ("Title", "Fruit"),
        ("Normal", "About fruit."),
        ("Heading 1", "Apples"),
        ("Normal", "They are red."),
        ("Heading 2", "Old kinds"),
        ("Normal", "Boskoop."),
    ]
    path = _write(tmp_path, make_word(paragraphs, table=[["kind", "weight"], ["Boskoop", "200 g"]]))
    assert _as_pairs(word.read(path)) == [
        (("Fruit",), "About fruit."),
        (("Fruit", "Apples"), "They are red."),
        (("Fruit", "Apples", "Old kinds"), "Boskoop.\n\nkind | weight\nBoskoop | 200 g"),
    ]


def test_html_leaves_out_what_is_not_text(tmp_path: Path):
    page = """<html><head><title>T</title><style>p {}</style></head><body>
      <nav>Home</nav><div class="navheader">Prev</div><script>alert(1)</script>
      <h1>Fruit</h1><p>About <b>fruit</b>.<!-- no --> Really.</p>
      <h2>Apples</h2><ul><li>red</li><li>green</li></ul><pre>a
  b</pre><table><tr><th>kind</th><td>Boskoop</td></tr></table></body></html>"""
    assert _as_pairs(web.read(_write(tmp_path, page))) == [
        (("Fruit",), "About fruit. Really."),
        (("Fruit", "Apples"), "red\ngreen\n\na\n  b\n\nkind | Boskoop"),
    ]


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ('<?xml version="1.0" encoding="ISO-8859-1"?><html><body><p>caf\u00e9</p></body></html>', "latin-1"),
        ('<html><head><meta charset="cp1252"></head><body><p>caf\u00e9</p></body></html>', "cp1252"),
        ("<html><body><p>caf\u00e9</p></body></html>", "utf-8"),
        ("<html><body><p>caf\u00e9</p></body></html>", "utf-8-sig"),
        ("<html><body><p>caf\u00e9</p></body></html>", "utf-16"),
    ],
)
def test_html_is_read_in_its_encoding(tmp_path: Path, declared: str, encoding: str):
    assert _as_pairs(web.read(_write(tmp_path, declared.encode(encoding)))) == [((), "caf\u00e9")]


def test_html_nested_a_thousand_deep_is_read(tmp_path: Path):
    page = "<div>" * 1_000 + "deep" + "</div>" * 1_000
    assert "deep" in web.read(_write(tmp_path, page)).sections[0].text


def test_markdown_is_cut_at_both_kinds_of_headings_and_not_inside_code(tmp_path: Path):
    text = """---
title: no text
---
Fruit
=====
About *fruit*.

## Apples {#apples}

```sh
# a comment, no heading
```
Red.
"""
    document = markdown.read(_write(tmp_path, text))
    assert document.markdown
    assert _as_pairs(document) == [
        (("Fruit",), "About *fruit*."),
        (("Fruit", "Apples"), "```sh\n# a comment, no heading\n```\nRed."),
    ]


def test_text_is_cut_at_underlined_headings(tmp_path: Path):
    text = "Fruit\n=====\n\nAbout fruit.\n\nApples\n------\n\nRed.\n\nPears\n-----\nGreen.\n"
    assert _as_pairs(plain.read(_write(tmp_path, text))) == [
        (("Fruit",), "About fruit."),
        (("Fruit", "Apples"), "Red."),
        (("Fruit", "Pears"), "Green."),
    ]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Les élèves français préfèrent être à la fenêtre où l'été a déjà été célébré. ", "cp1252"),
        ("Über die Größe der Bäume und Häuser, schön grün. ", "latin-1"),
        ("Příliš žluťoučký kůň úpěl ďábelské ódy a potom šel domů. ", "cp1250"),
        ("Съешь же ещё этих мягких французских булок. ", "cp1251"),
        ("日本語のテキストです。これは試験です。", "shift_jis"),
    ],
)
def test_text_in_an_old_encoding_is_read(tmp_path: Path, text: str, encoding: str):
    found = plain.read(_write(tmp_path, (text * 5).encode(encoding))).sections[0].text
    assert found == (text * 5).strip()


def test_csv_rows_name_their_columns(tmp_path: Path):
    text = "kind;colour\nBoskoop;red\n\nConference;green\n"
    assert _as_pairs(table.read(_write(tmp_path, text))) == [
        ((), "kind: Boskoop; colour: red\nkind: Conference; colour: green")
    ]
