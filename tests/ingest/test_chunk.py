"""Chunks that the model sees whole."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dibs_ingest.chunk import CHUNK_CHARACTERS_MAX, CHUNK_TOKENS_MAX, TokenCounter, split
from dibs_ingest.embed.local import TOKENS_MAX, LocalEmbedder
from dibs_ingest.parse import ParsedDocument, Section
from dibs_ingest.parse.readers import markdown, plain
from dibs_ingest.text import clean
from ingest.make_files import DOCUMENTS


def _document(text: str, *path: str) -> ParsedDocument:
    return ParsedDocument(sections=(Section(path=path, text=text),))


@pytest.mark.parametrize(
    "document",
    [
        _document("word " * 20_000, "A heading"),
        _document("0123456789" * 2_000, "A heading"),
        _document("漢字" * 2_000, "漢字" * 300),
        _document("text " * 2_000, *(f"level {n} of a very long path of headings" for n in range(30))),
        plain.read(DOCUMENTS / "pep-0008-style-guide.txt"),
        markdown.read(DOCUMENTS / "keep-a-changelog.md"),
    ],
    ids=["words", "figures", "ideographs", "deep", "text", "markdown"],
)
def test_no_chunk_has_more_tokens_than_the_model_sees(document: ParsedDocument, embedder: LocalEmbedder):
    chunks = split(document, embedder.tokenizer)
    lengths = [len(embedder.tokenizer.encode(chunk.embedded)) for chunk in chunks]
    assert max(lengths) <= CHUNK_TOKENS_MAX + 2 < TOKENS_MAX


def test_no_text_is_lost_between_chunks(embedder: LocalEmbedder):
    document = plain.read(DOCUMENTS / "pep-0008-style-guide.txt")
    words = [word for section in document.sections for word in section.text.split()]
    assert words == [word for chunk in split(document, embedder.tokenizer) for word in chunk.text.split()]


def test_chunks_are_filled(embedder: LocalEmbedder):
    chunks = split(_document("word " * 2_400), embedder.tokenizer)
    assert len(chunks) == 10


def test_a_chunk_knows_its_headings(embedder: LocalEmbedder):
    (chunk,) = split(_document("text", "Fruit", "Apples"), embedder.tokenizer)
    assert chunk.embedded == "Fruit > Apples\ntext"


def test_without_a_tokenizer_chunks_are_measured_in_characters():
    chunks = split(_document("word " * 2_000, "A heading"), None)
    assert max(len(chunk.embedded) for chunk in chunks) <= CHUNK_CHARACTERS_MAX + 1


@settings(deadline=None, max_examples=50)
@given(text=st.text(max_size=300))
def test_counting_word_by_word_is_exact(text: str):
    tokenizer = _tokenizer()
    text = clean(text)
    assert len(tokenizer.encode(text, add_special_tokens=False)) == TokenCounter(tokenizer)(text)


_found: list[LocalEmbedder] = []


@pytest.fixture(autouse=True)
def _remember(embedder: LocalEmbedder):
    _found[:] = [embedder]


def _tokenizer():
    return _found[0].tokenizer
