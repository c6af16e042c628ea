"""Batches of scripted items: nothing lost, nothing twice, and a failure stays with its item."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from batch_of_texts import run_texts

from hmr_video.batch.lock import locked
from hmr_video.batch.runner import BatchOptions
from hmr_video.errors import AssetError, OutputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "in", {"good.txt": "good", "sub/too.txt": "too"})


def write(folder: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def events(output: Path, kind: str) -> list[str]:
    lines = [json.loads(line) for line in (output / "manifest.jsonl").read_text().splitlines()]
    return sorted(line["name"] for line in lines if line["event"] == kind)


def results(output: Path) -> dict[str, bytes]:
    """Everything below the output but the manifest and the lock."""
    files = (path for path in output.rglob("*") if path.is_file() and path.name not in ("manifest.jsonl", "lock-all"))
    return {str(path.relative_to(output)): path.read_bytes() for path in files}


def test_failures_stay_with_their_items(tmp_path: Path, folder: Path) -> None:
    write(
        folder,
        {
            "bad.txt": "bad",
            "bug.txt": "bug",
            "die.txt": "die",
            "empty.txt": "nobody",
            "hang.txt": "sleep",
            "shaky.txt": "die once",
        },
    )
    options = BatchOptions(tmp_path / "out", "key", attempts=2)
    report = run_texts(folder, options, workers=2, timeout=3, log=tmp_path / "log")
    items = {Path(item.source).stem: item for item in report.items}
    assert {name: item.outcome for name, item in items.items()} == {
        **dict.fromkeys(["good", "too", "shaky"], "done"),
        **dict.fromkeys(["bad", "bug", "die", "hang"], "failed"),
        "empty": "nobody",
    }
    assert "SIGKILL" in items["die"].reason
    assert "3 s" in items["hang"].reason
    assert "RuntimeError: unheard of" in items["bug"].reason
    assert report.as_dict()["frames"] == 15
    assert {name.split("/")[-2] for name in results(options.output)} == {"good", "too", "shaky"}  # no debris
    logged = [json.loads(line)["event"] for line in (tmp_path / "log").read_text().splitlines()]
    assert logged.count("retry") == 2
    assert events(options.output, "done") == ["good.txt", "shaky.txt", "sub/too.txt"]


def test_a_second_run_does_what_is_left(tmp_path: Path, folder: Path) -> None:
    write(folder, {"bad.txt": "bad once", "die.txt": "die once", "empty.txt": "nobody"})
    options = BatchOptions(tmp_path / "out", "key", attempts=1)
    assert run_texts(folder, options).count("failed") == 2
    again = run_texts(folder, options)
    assert [item.earlier for item in again.items] == [True] * 5
    assert again.items[0].reason.endswith("bad.txt is damaged.")
    assert len(events(options.output, "started")) == 5

    retried = run_texts(folder, replace(options, retry_failed=True))
    assert retried.count("done") == 4
    (folder / "good.txt").write_text("better")
    os.utime(folder / "sub" / "too.txt", (1, 1))  # touched, but the same
    changed = run_texts(folder, options)
    assert [item.source for item in changed.items if item.outcome == "failed"] == [str(folder / "good.txt")]
    assert "other options" in changed.items[3].reason
    assert run_texts(folder, replace(options, overwrite=True)).count("done") == 4
    assert (options.output / "good" / "person_01.npz").read_text() == "better"
    assert events(options.output, "started").count("sub/too.txt") == 1


def test_what_is_not_ours_is_never_replaced(tmp_path: Path, folder: Path) -> None:
    options = BatchOptions(tmp_path / "out", "key", overwrite=True)
    write(options.output, {"good/letter.txt": "dear"})
    report = run_texts(folder, options)
    assert [item.outcome for item in report.items] == ["failed", "done"]
    assert [path.name for path in (options.output / "good").iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(("word", "error"), [("asset", AssetError), ("full", OutputError)])
def test_what_would_fail_everywhere_stops_the_run(tmp_path: Path, folder: Path, word: str, error: type[Exception]) -> None:
    write(folder, {"a.txt": f"{word} once"})
    options = BatchOptions(tmp_path / "out", "key")
    with pytest.raises(error):
        run_texts(folder, options)
    assert run_texts(folder, options).count("done") == 3  # and a resume finishes


def test_two_runs_do_not_share_a_folder_but_shards_do(tmp_path: Path, folder: Path) -> None:
    output = tmp_path / "out"
    with locked(output / ".batch", (1, 2)):
        for shard in (None, (1, 2), (1, 3)):
            with pytest.raises(OutputError, match=f"process {os.getpid()}"):
                run_texts(folder, BatchOptions(output, "key", shard))
        rest = run_texts(folder, BatchOptions(output, "key", (2, 2)))
    first = run_texts(folder, BatchOptions(output, "key", (1, 2)))
    assert len(first.items) + len(rest.items) == 2
    assert [item.earlier for item in run_texts(folder, BatchOptions(output, "key")).items] == [True, True]
