"""The same batches on Ray: two simulated machines, workers that die, nothing lost."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from scripted_converter import ScriptedConverter

from hmr_video.batch.cluster import RayWorkers
from hmr_video.batch.display import Display
from hmr_video.batch.events import EventLog
from hmr_video.batch.items import find_videos
from hmr_video.batch.runner import BatchOptions, Report, run_batch
from hmr_video.errors import UsageError

ray = pytest.importorskip("ray")

TIMEOUT, LOADING = 3.0, 3.5  # seconds: loading the models is not the video's time


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    nodes.add_node(num_cpus=1)
    ray.init(address=nodes.address, log_to_driver=False)
    yield nodes.address
    ray.shutdown()
    nodes.shutdown()


def run_on_ray(folder: Path, options: BatchOptions, address: str) -> Report:
    def make() -> RayWorkers:
        return RayWorkers(ScriptedConverter(LOADING), address, 1, 0, None, TIMEOUT)

    items = find_videos(folder, ["*.txt"], [], options.output, print)
    with EventLog(None) as events:
        return run_batch(items, options, make, Display(Console(file=sys.stderr), quiet=True), events)


@pytest.mark.slow
def test_a_batch_on_two_machines(tmp_path: Path, cluster: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    texts = {"a": "good", "b": "bad", "c": "die once", "d": "nobody", "e": "slow", "f": "die", "g": "sleep"}
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text)
    with pytest.raises(UsageError, match="no room"):
        RayWorkers(ScriptedConverter(), cluster, 8, 0, None, None)
    options = BatchOptions(tmp_path / "out", "key", attempts=2)
    report = run_on_ray(folder, options, cluster)
    assert [item.outcome for item in report.items] == ["done", "failed", "done", "nobody", "done", "failed", "failed"]
    assert "longer than 3 s" in report.items[-1].reason
    assert sorted(path.name for path in options.output.iterdir() if path.is_dir()) == [".batch", "a", "c", "e"]
    assert [item.earlier for item in run_on_ray(folder, options, cluster).items] == [True] * 7
