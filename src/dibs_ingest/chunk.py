"""Cut a document into chunks that the model sees whole: first by its sections, then by tokens."""

from collections.abc import Callable
from dataclasses import dataclass, field

from semantic_text_splitter import MarkdownSplitter, TextSplitter
from tokenizers import Tokenizer

from dibs_ingest.parse import ParsedDocument, Section
from dibs_ingest.text import clean

#: Tokens of a chunk with its heading. The model sees 256, two of which are its own marks.
CHUNK_TOKENS_MAX = 240
#: Where no tokenizer is known; four characters are about a token of English.
CHUNK_CHARACTERS_MAX = 900
#: A heading path is there for orientation and must leave room for the text.
HEADING_CHARACTERS_MAX = 160
HEADING_TOKENS_MAX = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece of a document, small enough to be embedded whole."""

    heading: str
    text: str

    @property
    def embedded(self) -> str:
        """What the model gets to see."""
        return f"{self.heading}\n{self.text}" if self.heading else self.text


@dataclass(slots=True)
class TokenCounter:
    """Counts tokens word by word, remembering each word.

    BERT's tokenizer never joins what white space parts, so the sum is exact. The splitter asks about the same
    words some forty times over; counting anew each time made cutting cost half as much as embedding.
    """

    tokenizer: Tokenizer
    _known: dict[str, int] = field(default_factory=dict)

    def __call__(self, text: str) -> int:
        """How many tokens *text* has, without the marks at its ends."""
        words = text.split()
        new = [word for word in dict.fromkeys(words) if word not in self._known]
        if new:
            encodings = self.tokenizer.encode_batch(new, add_special_tokens=False)
            self._known.update(zip(new, map(len, encodings), strict=True))
        return sum(self._known[word] for word in words)


def split(document: ParsedDocument, tokenizer: Tokenizer | None) -> list[Chunk]:
    """Cut *document* into chunks of at most `CHUNK_TOKENS_MAX` tokens, or characters without *tokenizer*."""
    count = TokenCounter(tokenizer) if tokenizer else None
    chunks = []
    for section in document.sections:
        heading = _heading(section, count)
        splitter = _splitter(heading, count, markdown=document.markdown)
        texts = (clean(text) for text in splitter.chunks(section.text))
        chunks += [Chunk(heading=heading, text=text) for text in texts if text]
    return chunks


def _heading(section: Section, count: TokenCounter | None) -> str:
    """The heading path, without its outer parts where it is long."""
    path = list(section.path)
    while len(path) > 1 and len(" > ".join(path)) > HEADING_CHARACTERS_MAX:
        path.pop(0)
    heading = " > ".join(path)[:HEADING_CHARACTERS_MAX].strip()
    # Figures and foreign scripts take a token per character.
    while count and count(heading) > HEADING_TOKENS_MAX:
        heading = heading[: len(heading) * 3 // 4].strip()
    return heading


def _splitter(heading: str, count: TokenCounter | None, *, markdown: bool) -> TextSplitter | MarkdownSplitter:
    kind = MarkdownSplitter if markdown else TextSplitter
    if count is None:
        return kind(CHUNK_CHARACTERS_MAX - len(heading))
    callback: Callable[[str], int] = count
    return kind.from_callback(callback, CHUNK_TOKENS_MAX - count(heading))
