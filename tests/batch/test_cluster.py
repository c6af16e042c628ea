"""The same batches on Ray: two simulated machines, workers that die, nothing lost."""

from pathlib import Path

import pytest
from batch_of_texts import run_texts
from scripted_converter import ScriptedConverter

from hmr_video.batch.cluster import RayWorkers
from hmr_video.batch.runner import BatchOptions
from hmr_video.errors import UsageError

ray = pytest.importorskip("ray")

TIMEOUT, LOADING = 3.0, 3.5  # seconds: loading the models is not the video's time


@pytest.mark.slow
def test_a_batch_on_two_machines(tmp_path: Path, cluster: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    texts = {"a": "good", "b": "bad", "c": "die once", "d": "nobody", "e": "slow", "f": "die", "g": "sleep"}
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text)
    ray.init(address=cluster, log_to_driver=False)
    try:
        with pytest.raises(UsageError, match="no room"):
            RayWorkers(ScriptedConverter(), cluster, 8, 0, None, None)
        options = BatchOptions(tmp_path / "out", "key", attempts=2)

        def make() -> RayWorkers:
            return RayWorkers(ScriptedConverter(LOADING), cluster, 1, 0, None, TIMEOUT)

        report = run_texts(folder, options, make=make)
        assert [item.outcome for item in report.items] == ["done", "failed", "done", "nobody", "done", "failed", "failed"]
        assert "longer than 3 s" in report.items[-1].reason
        assert sorted(path.name for path in options.output.iterdir() if path.is_dir()) == [".batch", "a", "c", "e"]
        assert [item.earlier for item in run_texts(folder, options, make=make).items] == [True] * 7
    finally:
        ray.shutdown()
