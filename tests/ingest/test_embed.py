"""Embedders: the local one against published figures, the HTTP one against a real server on loopback."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dibs_ingest.embed import open_embedder
from dibs_ingest.embed.local import LocalEmbedder, load
from dibs_ingest.errors import EmbeddingError, IngestError, ModelMissingError
from dibs_ingest.model import ModelFiles, ensure_model
from dibs_ingest.settings import Settings

HAPPY = (
    "That is a happy person",
    "That is a very happy person",
    "That is a happy dog",
    "Today is a sunny day",
)
#: What the published model answers for the first sentence against the others.
COSINES = (0.943, 0.695, 0.257)


async def test_the_full_model_gives_the_published_figures(models_folder: Path):
    vectors = await load(ensure_model(models_folder, "fp32")).embed(HAPPY)
    np.testing.assert_allclose(vectors[1:] @ vectors[0], COSINES, atol=0.0006)


async def test_the_small_model_comes_close(embedder: LocalEmbedder):
    vectors = await embedder.embed(HAPPY)
    np.testing.assert_allclose(vectors[1:] @ vectors[0], COSINES, atol=0.03)


async def test_a_vector_does_not_depend_on_what_stands_beside_it(models_folder: Path):
    full = load(ensure_model(models_folder, "fp32"))
    texts = ["short", "a good deal longer than the other one " * 20, ""]
    together = await full.embed(texts)
    alone = np.concatenate([await full.embed([text]) for text in texts])
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(together, alone, atol=1e-5)


async def test_nothing_embeds_to_nothing(embedder: LocalEmbedder):
    assert (await embedder.embed([])).shape == (0, 384)


async def test_a_model_that_is_not_set_up_says_what_to_run(tmp_path: Path):
    with pytest.raises(ModelMissingError, match="dibs-ingest setup-model"):
        await open_embedder(Settings(models=tmp_path))


async def test_an_unknown_embedder_is_refused():
    with pytest.raises(IngestError, match="'local' or 'http', got 'magic'"):
        await open_embedder(Settings(embedder="magic"))


class Endpoint:
    """A real server that answers as it is told."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[Callable[[dict[str, Any]], tuple[int, dict[str, str], bytes]]] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                endpoint.requests.append(body)
                endpoint.headers.append(dict(self.headers))
                answer = endpoint.answers.pop(0) if endpoint.answers else good
                status, headers, content = answer(body) if self.path == "/v1/embeddings" else (404, {}, b"")
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def settings(self, **changes: Any) -> Settings:
        url = f"http://127.0.0.1:{self.server.server_port}/v1"
        return Settings(embedder="http", http_url=url, http_model="tiny", **changes)

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def good(body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """Vectors that tell their texts apart, sent in the wrong order as some servers do."""
    data = [{"index": index, "embedding": [len(text), 1.0, 0.0]} for index, text in enumerate(body["input"])]
    return 200, {}, json.dumps({"data": data[::-1], "model": "tiny"}).encode()


def failing(status: int, **headers: str) -> Callable[[dict[str, Any]], tuple[int, dict[str, str], bytes]]:
    return lambda body: (status, {name.replace("_", "-"): value for name, value in headers.items()}, b"no")


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    yield made
    made.close()


async def test_an_endpoint_is_asked_for_floats_in_bounded_requests(endpoint: Endpoint):
    embedder = await open_embedder(endpoint.settings(http_batch=2, http_key="k"))
    assert (embedder.name, embedder.dims, embedder.tokenizer) == ("http/tiny", 3, None)
    vectors = await embedder.embed(["", "a", "bb", "ccc", "dddd"])
    await embedder.close()
    assert [len(request["input"]) for request in endpoint.requests[1:]] == [2, 2, 1]
    assert all(request["encoding_format"] == "float" for request in endpoint.requests)
    assert not any("dimensions" in request for request in endpoint.requests)
    assert all(headers["authorization"] == "Bearer k" for headers in endpoint.headers)
    np.testing.assert_allclose(vectors[:, 0] / vectors[:, 1], [0, 1, 2, 3, 4], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


async def test_dimensions_are_asked_for_when_set(endpoint: Endpoint):
    embedder = await open_embedder(endpoint.settings(http_dims=3))
    await embedder.close()
    assert endpoint.requests[0]["dimensions"] == 3


async def test_a_busy_endpoint_is_asked_again_when_it_says(endpoint: Endpoint):
    embedder = await open_embedder(endpoint.settings())
    endpoint.answers = [failing(429, retry_after="0"), failing(503, retry_after="0"), good]
    assert (await embedder.embed(["a"])).shape == (1, 3)
    await embedder.close()


async def test_a_long_wait_is_left_to_the_queue(endpoint: Endpoint):
    embedder = await open_embedder(endpoint.settings())
    endpoint.answers = [failing(429, retry_after="3600")]
    with pytest.raises(EmbeddingError, match="429"):
        await embedder.embed(["a"])
    await embedder.close()


async def test_a_refusal_is_not_repeated(endpoint: Endpoint):
    endpoint.answers = [failing(401)]
    with pytest.raises(EmbeddingError, match="401"):
        await open_embedder(endpoint.settings())
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        lambda body: (200, {}, b"<html>a login page</html>"),
        lambda body: (200, {}, b'{"data": []}'),
        lambda body: (200, {}, b'{"data": [{"index": 5, "embedding": [1.0]}]}'),
        lambda body: (200, {}, b'{"data": [{"index": 0, "embedding": "AAAA"}]}'),
    ],
)
async def test_what_is_no_embedding_is_said_to_be_none(endpoint: Endpoint, answer: Any):
    embedder = await open_embedder(endpoint.settings())
    endpoint.answers = [answer]
    with pytest.raises(EmbeddingError, match="The endpoint sent"):
        await embedder.embed(["a"])
    await embedder.close()


async def test_vectors_of_another_length_than_before_are_refused(endpoint: Endpoint):
    embedder = await open_embedder(endpoint.settings())
    endpoint.answers = [lambda body: (200, {}, b'{"data": [{"index": 0, "embedding": [1.0, 2.0]}]}')]
    with pytest.raises(EmbeddingError, match="2 numbers, expected 3"):
        await embedder.embed(["a"])
    await embedder.close()


async def test_an_endpoint_needs_an_address_and_a_model():
    with pytest.raises(IngestError, match="DIBS_INGEST_HTTP_URL"):
        await open_embedder(Settings(embedder="http"))


def test_the_runtime_reports_to_nobody(model_files: ModelFiles, tmp_path: Path):
    """With its telemetry on, onnxruntime leaves a session file in the folder for temporary files."""
    script = "import sys, pathlib, dibs_ingest.runtime as r; r.open_session(pathlib.Path(sys.argv[1]))"
    variables = {"TMPDIR": str(tmp_path), "HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, "-c", script, str(model_files.graph)], env=variables, check=True)
    assert list(tmp_path.iterdir()) == []
