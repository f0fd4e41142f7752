"""The API as a process: `python -m dibs_ingest.run.api HOST PORT`."""

import sys
from types import FrameType

import uvicorn

from dibs_ingest.api import create_app
from dibs_ingest.api.streams import Streams

#: How long requests that are under way may take once the process is told to stop.
STOP_SECONDS = 5


class _Server(uvicorn.Server):
    """A server that ends the event streams when it is told to stop: it would wait for them, and they for a batch."""

    def __init__(self, config: uvicorn.Config, streams: Streams) -> None:
        super().__init__(config)
        self._streams = streams

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._streams.close()
        super().handle_exit(sig, frame)


def main(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    api = create_app()
    config = uvicorn.Config(api, host=host, port=port, log_level="warning", timeout_graceful_shutdown=STOP_SECONDS)
    _Server(config, api.state.streams).run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
