"""The benchmark: what it measures, and its arithmetic. How fast the tool is, is no test: machines differ."""

import time
from pathlib import Path

import numpy as np
import pytest

from hmr_video.console import Reporter
from hmr_video.errors import HmrVideoError
from hmr_video.evaluate.benchmark import Benchmark, Stage, make_clip
from hmr_video.evaluate.stages import STAGES, Cost, Facts, StageMeter, run_program, run_stages, typical
from hmr_video.video import open_video
from hmr_video.video.writer import VideoWriter

SAMPLE = Path(__file__).parents[2] / "samples" / "one_person.mp4"


def test_costs_add_up_and_peaks_do_not():
    assert Cost(1, 2, 50) + Cost(3, 4, 70) + Cost(0, 0, None) == Cost(4, 6, 70)
    assert typical([Cost(1, 5, 10), Cost(9, 4, 30), Cost(2, 3, 20)]) == Cost(2, 4, 30)


def test_a_meter_tells_sleep_from_work_and_sees_memory():
    meter = StageMeter()
    with meter.stage("sleep"):
        time.sleep(0.2)
    with meter.stage("work"):
        block = np.ones(100_000_000, np.uint8)
        sum(range(3_000_000))
    with meter.stage("after"):
        del block
    assert meter.costs["sleep"].seconds >= 0.2
    assert meter.costs["sleep"].processor_seconds < 0.1
    assert meter.costs["work"].processor_seconds > 0.01
    peaks = [meter.costs[name].peak_mb for name in ("sleep", "work")]
    if None not in peaks:
        assert peaks[1] - peaks[0] > 80


def test_a_program_is_measured_from_start_to_end():
    cost = run_program(["--version"])
    assert 0 < cost.processor_seconds < 30
    assert 10 < (cost.peak_mb or 50) < 300  # its own memory, not that of these tests
    with pytest.raises(HmrVideoError, match="No such command"):
        run_program(["fly"])


def test_the_share_of_resnet_is_per_frame():
    cost = Cost(9.0, 16.0, 800.0)
    measured = Benchmark(
        machine={},
        device="cpu",
        clip=Facts(301, 1280, 720),
        stages={name: Stage(cost, cost) for name in STAGES},
        program=cost,
        cold=cost,
        start_up=Cost(3.0, 3.0, 500.0),
        crops={"float32": Cost(0.06, 0.12, 300.0)},
    )
    assert measured.frames_per_second == pytest.approx(50)
    assert measured.share() == pytest.approx(9 / (301 * 0.06))
    assert measured.as_dict()["share_of_resnet50"] == {"float32": measured.share()}


def test_made_clips_play_to_and_fro_in_tiles(tmp_path):
    with VideoWriter(tmp_path / "source.mp4", 30, (64, 48), quality=5) as writer:
        for level in (0, 100, 200):
            writer.write(np.full((48, 64, 3), level, np.uint8))
    make_clip(tmp_path / "source.mp4", tmp_path / "made.mp4", 7, (128, 48), (True, False))
    frames = np.concatenate([chunk.frames for chunk in open_video(tmp_path / "made.mp4", Reporter(quiet=True)).chunks()])
    assert frames.shape == (7, 48, 128, 3)
    np.testing.assert_allclose(frames[:, 24, 32, 0].astype(int), [0, 100, 200, 100, 0, 100, 200], atol=8)
    np.testing.assert_allclose(frames[:, 24, 96, 0].astype(int), 114, atol=8)


@pytest.mark.slow
def test_every_stage_costs_something(tmp_path):
    make_clip(SAMPLE, tmp_path / "short.mp4", 12, (480, 270))
    costs = run_stages(tmp_path / "short.mp4", tmp_path)
    # No features of images, which the paper's model reads, and no landmarks, where no network is here.
    assert tuple(costs) == tuple(name for name in STAGES if name not in ("features", "landmarks"))
    assert all(cost.seconds > 0 for cost in costs.values())
    assert (tmp_path / "person.npz").is_file()
