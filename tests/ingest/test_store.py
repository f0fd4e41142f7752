"""The store: once is once, whoever else writes; and what a search finds."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import asyncpg
import pytest

from dibs_ingest.chunk import Chunk
from dibs_ingest.errors import EmbedderMismatchError, StoreNotReadyError
from dibs_ingest.service import Service
from dibs_ingest.store import NewUpload, Upload, prepare

FRUIT = [
    ("Apples", "The apple is a round fruit with red or green skin. It keeps all winter."),
    ("Pears", "The pear is a fruit that narrows towards its stalk. It must be eaten when ripe."),
    ("Potatoes", "Tubers grow below the ground and are boiled before a meal."),
    ("Café", "A café serves coffee, naïvely."),
]


async def _add(service: Service, texts: Sequence[tuple[str, str]], *, name: str = "fruit.txt") -> int:
    upload = _upload(service, name)
    async with service.store.pool.acquire() as connection, connection.transaction():
        ids = await service.store.add_documents([upload], connection=connection)
    chunks = [Chunk(heading=heading, text=text) for heading, text in texts]
    vectors = await service.embedder.embed([chunk.embedded for chunk in chunks])
    await service.store.index(ids[upload.sha256], upload.name, chunks, vectors)
    return ids[upload.sha256]


def _upload(service: Service, name: str) -> NewUpload:
    spooled = service.files.new_name()
    service.files.spooled(spooled).write_text(name)
    return NewUpload(name=spooled, filename=name, media_type="text/plain", size_bytes=1, sha256=name.encode().hex())


async def _postings(service: Service) -> int:
    return await service.store.pool.fetchval("select count(*) from ingest.posting")


async def test_twenty_processes_may_make_the_tables_at_once(empty_database_url: str):
    async def make() -> None:
        connection = await asyncpg.connect(empty_database_url)
        await prepare(connection, "of my own", embedder="some", dims=3)
        await connection.close()

    await asyncio.gather(*(make() for _ in range(20)))


async def test_an_index_of_another_model_is_refused(empty_database_url: str):
    connection = await asyncpg.connect(empty_database_url)
    await prepare(connection, "ingest", embedder="some", dims=3)
    with pytest.raises(EmbedderMismatchError, match=r"'some' \(3 dimensions\), but 'other' \(3\)"):
        await prepare(connection, "ingest", embedder="other", dims=3)
    with pytest.raises(EmbedderMismatchError):
        await prepare(connection, "ingest", embedder="some", dims=4)
    await connection.close()


async def test_without_the_right_to_create_the_extension_the_command_is_named(empty_database_url: str):
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute("create role nobody_special; set role nobody_special")
    with pytest.raises(StoreNotReadyError, match="CREATE EXTENSION vector"):
        await prepare(connection, "ingest", embedder="some", dims=3)
    await connection.execute("reset role; drop role nobody_special")
    await connection.close()


async def test_a_document_is_found_by_words_and_by_meaning(service: Service):
    document_id = await _add(service, FRUIT)
    first, *_ = await service.search("apple skin", limit=3)
    assert (first.document_id, first.filename, first.heading) == (document_id, "fruit.txt", "Apples")
    assert (first.text_rank, first.vector_rank) == (1, 1)
    assert first.score == pytest.approx(2 / 61)


async def test_meaning_finds_what_words_do_not(service: Service):
    await _add(service, FRUIT)
    first, *_ = await service.search("underground vegetables for cooking", limit=1)
    assert first.heading == "Potatoes"
    assert first.text_rank is None


async def test_accents_do_not_matter(service: Service):
    await _add(service, FRUIT)
    for question in ("cafe", "Café", "naively", "naïvely"):
        hits = await service.search(question, limit=4)
        assert [hit.heading for hit in hits if hit.text_rank == 1] == ["Café"]


@pytest.mark.parametrize(
    "question", ["", "the of and", "%&'\"; drop table", "(((", "a & b | !c", "\\", "🎉", "x" * 1000]
)
async def test_any_question_has_an_answer(service: Service, question: str):
    await _add(service, FRUIT)
    assert len(await service.search(question, limit=10)) == len(FRUIT)


async def test_the_same_question_has_the_same_answer(service: Service):
    await _add(service, FRUIT)
    await _add(service, FRUIT, name="copy.txt")
    first = await service.search("fruit", limit=8)
    assert first == await service.search("fruit", limit=8)
    # Both copies are equally good; the older one goes first.
    assert first[0].document_id < first[1].document_id


async def test_an_empty_index_answers_with_nothing(service: Service):
    assert await service.search("anything", limit=5) == []


async def test_search_is_written_so_that_both_indexes_can_serve_it(service: Service):
    await _add(service, [(f"Number {n}", f"This is the text of number {n} of many.") for n in range(300)])
    vector = (await service.embedder.embed(["x"]))[0]
    text = "[" + ",".join(map(str, vector.tolist())) + "]"
    async with service.store.pool.acquire() as connection:
        # So few rows are read faster without an index; the question here is whether one could be used.
        await connection.execute("analyze; set enable_seqscan = off")
        statement = service.store._sql("search").replace("$1", "'text'").replace("$2", f"'{text}'")
        plan = await connection.fetch("explain " + statement.replace("$3", "10").replace("$4", "60"))
    lines = "\n".join(row[0] for row in plan)
    assert "chunk_by_meaning" in lines
    assert "posting_by_lexeme" in lines


async def test_what_was_deleted_is_gone_from_everywhere(service: Service):
    kept = await _add(service, FRUIT[:1], name="kept.txt")
    before = await _postings(service)
    document_id = await _add(service, FRUIT)
    document = await service.store.document(document_id)
    assert document is not None
    assert service.files.original(document.sha256).exists()
    assert await service.store.delete(document_id)
    assert not await service.store.delete(document_id)
    assert not service.files.original(document.sha256).exists()
    assert await _postings(service) == before
    assert [document.id for document in await service.store.documents(limit=10)] == [kept]
    assert await service.store.counts() == (1, 1)


async def test_two_jobs_with_the_same_content_write_it_once(service: Service):
    upload = _upload(service, "fruit.txt")
    async with service.store.pool.acquire() as connection, connection.transaction():
        ids = await service.store.add_documents([upload], connection=connection)
    (document_id,) = ids.values()
    chunks = [Chunk(heading=heading, text=text) for heading, text in FRUIT]
    vectors = await service.embedder.embed([chunk.embedded for chunk in chunks])
    counts = await asyncio.gather(*(service.store.index(document_id, upload.name, chunks, vectors) for _ in range(4)))
    assert counts == [len(FRUIT)] * 4
    assert await service.store.counts() == (1, len(FRUIT))
    assert await service.store.pool.fetchval("select count(*) from ingest.chunk") == len(FRUIT)


async def test_a_document_that_was_deleted_meanwhile_is_not_written(service: Service):
    assert await service.store.index(12345, service.files.new_name(), [], await service.embedder.embed([])) is None


async def test_requests_with_the_same_files_in_another_order_do_not_deadlock(service: Service):
    uploads = [_upload(service, f"{number}.txt") for number in range(20)]

    async def add(order: Sequence[NewUpload]) -> dict[str, int]:
        async with service.store.pool.acquire() as connection, connection.transaction():
            return await service.store.add_documents(order, connection=connection)

    first, *others = await asyncio.gather(*(add(order) for order in (uploads, uploads[::-1]) for _ in range(4)))
    assert all(ids == first for ids in others)


async def test_a_document_that_never_came_to_be_is_forgotten_with_its_last_upload(service: Service):
    one, two = _upload(service, "same.txt"), _upload(service, "same.txt")
    async with service.store.pool.acquire() as connection, connection.transaction():
        ids = await service.store.add_documents([one, two], connection=connection)
        (document_id,) = ids.values()
        uploads = [Upload(name=new.name, document_id=document_id, job_id=job) for job, new in enumerate((one, two))]
        await service.store.add_uploads(uploads, connection=connection)
    await service.store.drop_uploads(uploads[:1])
    assert await service.store.document(document_id) is not None
    assert not service.files.spooled(one.name).exists()
    assert service.files.spooled(two.name).exists()
    await service.store.drop_uploads(uploads[1:])
    assert await service.store.document(document_id) is None


async def test_an_indexed_document_outlives_its_uploads(service: Service):
    document_id = await _add(service, FRUIT)
    await service.store.drop_uploads([Upload(name=service.files.new_name(), document_id=document_id, job_id=1)])
    assert await service.store.document(document_id) is not None


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".", "..", "a.b", "ä"])
def test_a_name_that_was_not_made_here_is_no_upload(service: Service, name: str):
    with pytest.raises(ValueError, match="letters and figures"):
        service.files.spooled(name)


def test_keeping_the_same_content_twice_keeps_it_once(service: Service):
    name = service.files.new_name()
    service.files.spooled(name).write_text("content")
    service.files.keep(name, "abcd")
    service.files.keep(name, "abcd")
    assert service.files.original("abcd").read_text() == "content"
    assert [path.name for path in service.files.original("abcd").parent.iterdir()] == ["abcd"]


def test_originals_are_copied_where_links_are_not_possible(service: Service, tmp_path_factory):
    from pathlib import Path

    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == service.files.originals.stat().st_dev:
        pytest.skip("there is no second file system here")
    import tempfile

    with tempfile.TemporaryDirectory(dir=memory) as elsewhere:
        files = replace(service.files, spool=Path(elsewhere))
        name = files.new_name()
        files.spooled(name).write_text("content")
        files.keep(name, "abcd")
        assert files.original("abcd").read_text() == "content"
