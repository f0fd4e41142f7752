"""A DSN that names several servers, of which one takes writes at a time."""

from urllib.parse import parse_qsl, quote, urlencode, urlsplit


def one_by_one(dsn: str) -> list[str]:
    """*dsn* once for each server that it names, in its order; a DSN that names one comes back as it is.

    The driver tries them in turn by itself, but within one time limit for all: a server that does not even refuse, as
    one without power, would use it up, and the next one would never be asked.
    """
    if "," not in dsn:
        return [dsn]
    scheme, netloc, path, query, fragment = urlsplit(dsn)
    user, at, hosts = netloc.rpartition("@")
    if hosts:
        netlocs, queries = [f"{user}{at}{host}" for host in hosts.split(",")], [query]
    else:
        netlocs, queries = [netloc], _queries(query)
    end = f"#{fragment}" if fragment else ""
    return [f"{scheme}://{each}{path}{f'?{part}' if part else ''}{end}" for each in netlocs for part in queries]


def _queries(query: str) -> list[str]:
    """The query for each server in its parameter `host`; with as many ports, or one for all."""
    params = dict(parse_qsl(query, keep_blank_values=True))
    hosts = params.get("host", "").split(",")
    ports = params.get("port", "").split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    if len(hosts) == 1 or len(ports) != len(hosts):  # the driver says what is wrong with the latter
        return [query]
    servers = [{"host": host} | ({"port": port} if port else {}) for host, port in zip(hosts, ports, strict=True)]
    return [urlencode(params | server, quote_via=quote, safe="/:") for server in servers]
