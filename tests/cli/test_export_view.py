"""`export` and `view` on a finished result."""

import json
import subprocess
import sys
import webbrowser

import numpy as np

from hmr_video.cli.main import run
from hmr_video.results import read_result


def test_export_writes_beside_the_result_and_says_where(result, capsys):
    assert run(["export", str(result), "--format", "glb,bvh", "-f", "csv", "--json"]) == 0
    written = json.loads(capsys.readouterr().out)["written"]
    names = {"person_01.glb", "person_02.glb", "people.glb", "person_01.bvh", "person_02.bvh", "person_01.csv", "person_02.csv"}
    assert {path.rsplit("/", 1)[1] for path in written} == names
    assert names < {path.name for path in result.iterdir()}


def test_export_to_elsewhere_at_another_rate(result, tmp_path):
    assert run(["export", str(result), "-f", "amass", "-o", str(tmp_path / "x"), "--fps", "30", "-q"]) == 0
    with np.load(tmp_path / "x" / "amass" / "person_02_amass.npz") as data:
        assert float(data["mocap_framerate"]) == 30


def test_errors_have_their_exit_codes(result, motions, tmp_path, capsys):
    assert run(["export", str(tmp_path / "nothing"), "-f", "glb"]) == 3
    assert run(["export", str(tmp_path), "-f", "glb"]) == 3  # no person in it
    assert run(["export", str(result), "-f", "dae"]) == 2
    assert run(["export", str(result), "-f", "html", "--fps", "30"]) == 2
    assert run(["export", str(result), "-f", "bvh", "--rig", "metahuman"]) == 2
    assert run(["export", str(result), "-f", "csv", "--rig", "unity"]) == 2
    assert run(["export", str(result), "-f", "bvh", "-q"]) == 0
    assert run(["export", str(result), "-f", "bvh", "-q"]) == 7  # exists
    assert run(["export", str(result / "person_01.npz"), "-f", "bvh"]) == 3  # a file
    motions[0].replace(body_hash="1" * 64).save(tmp_path / "other" / "person_01.npz")
    assert run(["export", str(tmp_path / "other"), "-f", "bvh"]) == 6  # made with another body
    assert "Traceback" not in capsys.readouterr().err


def test_what_exists_is_refused_before_anything_is_written_or_torch_is_imported(result):
    (result / "people.glb").touch()
    code = f"import sys; from hmr_video.cli.main import run; code = run(['export', {str(result)!r}, '-f', 'csv,glb'])"
    code += "; sys.exit(code + 10 * ('torch' in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 7
    assert not list(result.glob("*.csv"))


def test_the_video_is_found_where_the_summary_says(result, tmp_path):
    assert read_result(result).footage["video"] == tmp_path / "clip.mp4"
    (tmp_path / "clip.mp4").rename(result / "moved.mp4")
    assert read_result(result).footage["video"] is None


def test_view_writes_a_page_and_opens_it(result, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or True)
    assert run(["view", str(result), "--no-open", "-q"]) == 0
    page = result / "view.html"
    first = page.stat().st_mtime_ns
    assert opened == []
    assert run(["view", str(result), "-q"]) == 0
    assert opened == [page.resolve().as_uri()]
    assert page.stat().st_mtime_ns == first  # there already
    assert run(["view", str(result), "-q", "--overwrite", "--no-open"]) == 0
    assert page.stat().st_mtime_ns != first
