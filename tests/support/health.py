"""What a worker that was started with `--health` says of itself."""

import http.client
import json


def health(port: int) -> tuple[int, str]:
    """The status and the words of its answer; zero while nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5.0)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        return answer.status, json.load(answer)["status"]
    except OSError:
        return 0, ""
    finally:
        connection.close()
