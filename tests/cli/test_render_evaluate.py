"""The commands render and evaluate on a finished result."""

import json

import av
import pytest

from hmr_video.cli.main import run


def test_render_of_a_finished_result(result, tmp_path, capsys):
    assert run(["render", str(result), "--quiet", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["people"] == 2
    assert summary["renderer"] in ("software", "pyrender")
    with av.open(summary["output"]) as container:
        assert sum(1 for _ in container.decode(video=0)) == 24
    assert run(["render", str(result), "--quiet"]) == 7  # it exists
    assert run(["render", str(result), "--quiet", "--overwrite", "--renderer", "povray"]) == 2
    (tmp_path / "clip.mp4").unlink()
    assert run(["render", str(result), "--quiet", "--overwrite"]) == 3
    assert run(["render", str(result / "nothing.mp4"), "--quiet"]) == 3


def test_a_result_of_a_part_of_the_video_is_drawn_on_that_part(result, capsys):
    """And `--start` and `--end` choose another part; how it was converted cannot be changed any more."""
    summary = json.loads((result / "summary.json").read_text())
    (result / "summary.json").write_text(json.dumps(summary | {"options": {"start": 0.2, "end": 0.6}}))

    def frames(*options: str) -> int:
        assert run(["render", str(result), "--quiet", "--json", "--overwrite", *options]) == 0
        with av.open(json.loads(capsys.readouterr().out)["output"]) as container:
            return sum(1 for _ in container.decode(video=0))

    assert frames() == 10
    assert frames("--end", "0.4") == 5
    assert frames("--start", "0.0", "--end", "9.0") == 24
    assert run(["render", str(result), "--quiet", "--overwrite", "--world"]) == 2
    assert "--world" in capsys.readouterr().err


def test_evaluate_a_result_against_itself(result, capsys):
    assert run(["evaluate", str(result), str(result), "--json"]) == 0
    people = json.loads(capsys.readouterr().out)
    assert len(people) == 2
    for person in people:
        assert person["mpjpe"] == 0
        assert person["pve"] == 0
        assert person["pck"] == 1
    assert run(["evaluate", str(result), str(result), "--protocol", "paper"]) == 0
    assert "acceleration_error" in capsys.readouterr().out


def test_evaluate_says_who_was_missed(result, capsys):
    assert run(["evaluate", str(result / "person_02.npz"), str(result), "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert "missed" in first["person"]
    assert "mpjpe" not in first
    assert second["mpjpe"] == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [([], 2), (["a"], 2), (["--samples", "a", "b"], 2), (["nowhere", "nowhere"], 3), (["--samples", "--protocol", "own"], 2)],
)
def test_evaluate_refuses(arguments, code, capsys):
    assert run(["evaluate", *arguments]) == code
    assert "error" in capsys.readouterr().err
