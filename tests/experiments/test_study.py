"""The study of unlabelled video, on a toy: what it runs, what it keeps, and how its motion is divided."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

pytest.importorskip("lightning", reason="the extra `train` is not installed")

from hmr_video.console import Reporter
from hmr_video.experiments import study
from hmr_video.experiments.study import (
    FULL,
    SEEN,
    SIMULATED,
    Case,
    SingleFrames,
    StudyConfig,
    cases,
    divide,
    read_results,
    run_study,
)
from hmr_video.experiments.study_figure import table
from hmr_video.mocap.clips import list_mocap
from hmr_video.model import HMMR
from hmr_video.model.presets import hmr_video_default
from hmr_video.synth.film.filmed import Film

TOY = StudyConfig(
    labelled=0.25, fractions=(0.0, 1.0), seeds=1, width=32, blocks=1, hidden=16, frame_steps=2, frame_batch=8, window_steps=2,
    window_batch=4,
)  # fmt: skip


def test_labelled_and_unlabelled_motion_are_disjoint_and_all_there_is(mocap: Path) -> None:
    names = list_mocap(mocap)
    labelled, rest = divide(mocap, names, 0.34, seed=0)
    assert len(labelled) == 2
    assert sorted(labelled + rest) == names
    assert divide(mocap, names, 0.34, seed=0) == (labelled, rest)
    assert any(divide(mocap, names, 0.34, seed)[0] != labelled for seed in range(1, 5))


def test_without_context_a_frame_knows_nothing_of_the_others() -> None:
    model = HMMR(hmr_video_default(54, 32, 1))
    phi = torch.randn(2, 8, 32)
    alone = SingleFrames(model.temporal)
    changed = phi.clone()
    changed[:, 3] = torch.randn(2, 32)
    same = (alone(phi) == alone(changed)).all(-1)[0]
    assert same.tolist() == [frame != 3 for frame in range(8)]
    assert not torch.equal(model.temporal(phi)[:, 4], model.temporal(changed)[:, 4])


@pytest.mark.slow
def test_every_case_is_run_once_and_a_kill_loses_one(mocap: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, left = study.run_case, iter(range(4))

    def mortal(mocap: Path, output: Path, case: Case, config: StudyConfig) -> study.Result:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return run(mocap, output, case, config)

    monkeypatch.setattr(study, "run_case", mortal)
    with pytest.raises(KeyboardInterrupt):
        run_study(mocap, tmp_path, TOY, Reporter(quiet=True))
    with (tmp_path / "runs.csv").open("a") as stream:
        stream.write(f"{TOY.key},full,0.\n")  # cut short
    monkeypatch.setattr(study, "run_case", run)
    before = (tmp_path / "runs.csv").read_text()
    results = run_study(mocap, tmp_path, TOY, Reporter(quiet=True))
    assert (tmp_path / "runs.csv").read_text().startswith(before)
    assert [result.case for result in results] == list(cases(TOY))
    assert len(results) == 9
    assert {result.case.fraction: result.hours > 0 for result in results} == {0.0: False, 1.0: True}
    assert all(0 <= result.pck <= 1 and 0 < result.pa_mpjpe < result.mpjpe for result in results)
    assert (tmp_path / "study.md").read_text() == table(results)
    assert Image.open(tmp_path / "study.png").size > (800, 300)
    with (tmp_path / "runs.csv").open() as stream:
        assert sum(len(row) == 11 for row in csv.reader(stream)) == 9
    assert read_results(tmp_path / "runs.csv", StudyConfig().key) == []


@pytest.mark.slow
def test_a_film_is_unlabelled_video_and_something_to_measure_on(
    mocap: Path, tmp_path: Path, small_film: Callable[[int], Film]
) -> None:
    small_film(22).save(tmp_path / "film.npz")
    config = replace(TOY, film=tmp_path / "film.npz", held=tmp_path / "film.npz")
    assert config.key != TOY.key
    results = run_study(mocap, tmp_path / "out", config, Reporter(quiet=True))
    assert [(one.case.variant, one.hours > 0) for one in results] == [(FULL, False), (SEEN, True), (SIMULATED, True)]
    assert results[1].hours == results[2].hours
    assert all(0 < one.filmed < 2000 for one in results)
    assert "PA-MPJPE on filmed windows" in (tmp_path / "out" / "study.md").read_text()
