"""Settings from files and the command line, and what a run refuses to go on with."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("lightning", reason="the extra `train` is not installed")

from hmr_video.errors import UsageError
from hmr_video.train import settings
from hmr_video.train.settings import TrainConfig

FILE = """
mocap = "motion"
frame_steps = 7
frame_learning_rate = 1
[source_weights]
mine = 2
[objective]
velocity = 3.5
[synthetic]
augment = false
slowest = 1
[synthetic.camera]
distance = [2, 3.0]
[synthetic.detector]
swap = 0.5
"""


def test_every_part_can_be_set_in_a_file_and_later_tables_win(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(FILE)
    table = settings.merge(
        [
            {"state": tmp_path},
            settings.read_table(str(tmp_path / "run.toml")),
            settings.parse_assignment("synthetic.detector.swap=0.25"),
            settings.parse_assignment("precision=32-true"),
            {"frame_steps": 9},
        ]
    )
    config = settings.build_config(table)
    assert config.mocap == tmp_path / "motion"  # beside the file
    assert (config.frame_steps, config.frame_learning_rate, config.source_weights) == (9, 1.0, {"mine": 2.0})
    assert config.objective.velocity == 3.5
    assert config.synthetic.augment is None
    assert config.synthetic.camera.distance == (2.0, 3.0)
    assert config.synthetic.detector.swap == 0.25
    assert config.precision == "32-true"


def test_what_a_run_writes_reads_as_the_same_settings(tmp_path: Path) -> None:
    config = TrainConfig(tmp_path / "m", tmp_path / "s", frame_steps=3)
    settings.write_config(config, {})
    table = json.loads((tmp_path / "s" / "config.json").read_text())
    table.pop("data")
    assert settings.build_config(table) == config


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("frame_step=3", "frame_step.*Did you mean frame_steps"),
        ("synthetic.detector.swaps=3", r"synthetic\.detector\.swaps.*swap"),
        ("objective.velocity=fast", r"objective\.velocity is 'fast'.*a number"),
        ("width=1.5", "width is 1.5.*whole number"),
        ("width=true", "width is True"),
        ("synthetic.camera.distance=[1]", "a list of 2 values"),
        ("window_frames=10", "too short for the deltas"),
        ("precision=8", "precision"),
        ("devices=0", "devices is 0"),
        ("nothing", "nothing sets nothing"),
    ],
)
def test_what_does_not_fit_is_named(assignment: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        settings.build_config(settings.merge([{"mocap": "a", "state": "b"}, settings.parse_assignment(assignment)]))


def test_motion_must_be_named_and_files_must_be_toml(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="mocap is not set"):
        settings.build_config({"state": "b"})
    (tmp_path / "bad.toml").write_text("width = ")
    with pytest.raises(UsageError, match=r"bad\.toml is no TOML"):
        settings.read_table(str(tmp_path / "bad.toml"))
    with pytest.raises(UsageError, match="smoke"):
        settings.read_table("smokey")


def test_a_run_goes_on_with_the_settings_it_began_with(tmp_path: Path) -> None:
    config, data = TrainConfig(tmp_path / "m", tmp_path / "s"), {"clips": 3}
    settings.refuse_other_config(config, data)  # a new run
    settings.write_config(config, data)
    settings.refuse_other_config(replace(config, mocap=tmp_path / "moved", threads=2, save_every=7), data)
    changed = replace(config, objective=replace(config.objective, joints=1.0))
    with pytest.raises(UsageError, match=r"objective\.joints \(20\.0, now 1\.0\).*--name"):
        settings.refuse_other_config(changed, data)
    with pytest.raises(UsageError, match=r"data\.clips"):
        settings.refuse_other_config(config, {"clips": 4})
    with pytest.raises(UsageError, match="devices"):
        settings.refuse_other_config(replace(config, devices=2), data)
