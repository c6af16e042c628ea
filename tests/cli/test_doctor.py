import json
import sys
from pathlib import Path

import pytest

from hmr_video.cli.main import run


def test_a_sound_installation_has_no_problems(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["problems"] == []
    assert "6889 vertices" in report["body"]


def test_what_is_missing_is_named_with_a_remedy(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from hmr_video import assets

    monkeypatch.setitem(assets._WEIGHTS, "default", "gone.safetensors")
    assert run(["doctor"]) == 6
    assert "problem: weights" in capsys.readouterr().out


def test_nothing_to_run_landmark_networks_with_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for package in ("openvino", "ai_edge_litert"):
        monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr("hmr_video.assets.find_model_file", lambda name: Path(name))
    monkeypatch.setattr("hmr_video.people.keypoints.choice.stored_choice", lambda: None)
    run(["doctor", "--json"])
    assert any(problem.startswith("landmarks: Neither") for problem in json.loads(capsys.readouterr().out)["problems"])
