"""Damaged and hostile files, by a seed: always a typed error or a result, and nothing written outside the output."""

import json
import random
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from batch_of_texts import run_texts

from hmr_video.batch.manifest import Manifest, read_entries
from hmr_video.batch.outputs import is_safe
from hmr_video.batch.runner import BatchOptions
from hmr_video.checkpoints import load_model, save_model
from hmr_video.console import Reporter
from hmr_video.errors import HmrVideoError
from hmr_video.model import HMMR, hmr_video_default
from hmr_video.motion import Motion
from hmr_video.people import read_keypoints
from hmr_video.video import open_video

SEED, ROUNDS = 2019, 25


def damaged(data: bytes, chance: random.Random) -> bytes:
    """The bytes cut, overwritten, doubled in part, or with a length field blown up."""
    at = chance.randrange(len(data))
    if chance.random() < 0.3:
        at = chance.randrange(min(200, len(data)))  # headers
    kind = chance.randrange(5)
    if kind == 0:
        return data[:at]
    if kind == 1:
        return data[:at] + chance.randbytes(chance.randrange(1, 40)) + data[at + 20 :]
    if kind == 2:
        return data[:at] + data[max(0, at - 100) :]
    if kind == 3:
        return data[:at] + struct.pack("<Q", chance.choice([0, 2**31, 2**63, 2**64 - 1])) + data[at + 8 :]
    return bytes(byte ^ (1 << chance.randrange(8)) if chance.random() < 0.01 else byte for byte in data)


def survives(read: Callable[[Path], object], whole: Path) -> None:
    """Reads damaged copies: only typed errors, with a documented exit code, may come of it."""
    data, chance = whole.read_bytes(), random.Random(SEED)
    read(whole)
    copy, codes = whole.with_name(f"damaged{whole.suffix}"), set()
    for _ in range(ROUNDS):
        copy.write_bytes(damaged(data, chance))
        try:
            read(copy)
        except HmrVideoError as error:
            codes.add(error.exit_code)
    assert codes
    assert codes <= {2, 3, 6}


def test_results(tmp_path: Path, motion: Motion) -> None:
    motion.save(tmp_path / "person_01.npz")
    survives(Motion.load, tmp_path / "person_01.npz")


def test_keypoints(tmp_path: Path) -> None:
    points = np.concatenate([np.random.default_rng(0).uniform(0, 300, (6, 17, 2)), np.full((6, 17, 1), 0.9)], -1)
    np.savez(tmp_path / "k.npz", keypoints2d=points, frame_ids=np.arange(6), image_size=[320, 320], mocap_frame_rate=30.0)
    survives(read_keypoints, tmp_path / "k.npz")
    person = {"category_id": 1, "score": 0.9}
    coco = [{"image_id": index, "keypoints": one.ravel().tolist()} | person for index, one in enumerate(points)]
    images = [{"id": index, "file_name": f"{index}.jpg", "width": 320, "height": 320} for index in range(len(points))]
    (tmp_path / "k.json").write_text(json.dumps({"images": images, "annotations": coco}))
    survives(lambda path: read_keypoints(path, (320, 320), 30.0), tmp_path / "k.json")


def test_weights(tmp_path: Path) -> None:
    save_model(tmp_path / "m.safetensors", HMMR(hmr_video_default(6, 8, 1)), {"name": "small"})
    survives(load_model, tmp_path / "m.safetensors")


def test_videos(tmp_path: Path) -> None:
    from hmr_video.video import VideoWriter

    with VideoWriter(tmp_path / "v.mp4", 10.0, (64, 48)) as writer:
        for index in range(12):
            writer.write(np.full((48, 64, 3), 20 * index, np.uint8))

    def read(path: Path) -> int:
        return sum(len(chunk) for chunk in open_video(path, Reporter(quiet=True)).chunks())

    survives(read, tmp_path / "v.mp4")


def test_manifests(tmp_path: Path) -> None:
    """No manifest leads out of its folder."""
    chance = random.Random(SEED)
    path = tmp_path / "manifest.jsonl"
    manifest = Manifest(path)
    evil = ["../evil", "/evil", "a/../../evil", ".batch/x", "manifest.jsonl", "x" * 300, "", "\ud800", "a\0b", 7, None]
    for output in ["a", *evil]:
        manifest.append("done", name=str(output), output=output, key="key", sha256="", stamp="")
    manifest.close()
    data = path.read_bytes() + b"[" * 100_000 + b'\n{"event": "done", "output": "b", "time": NaN}\n'
    path.write_bytes(data)
    assert read_entries([path]).keys() == {"a"}
    for _ in range(200):
        assert all(is_safe(entry.output) for entry in read_entries([path]).values())
        path.write_bytes(damaged(data, chance))


ODD = ["n" * 251, "a\nb", "\u202egpj", "a b'\"$(x)", "-rf", "\U0001f3ac\u00e9", "\udcff\udc80", "[red]x"]


def test_odd_names(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ODD:
        (folder / f"{name}.txt").write_text("good")
    report = run_texts(folder, BatchOptions(tmp_path / "out", "key"), log=tmp_path / "log")
    assert report.count("done") == len(ODD)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*ODD, ".batch", "manifest.jsonl"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "log", "out"]
    assert len(json.loads(json.dumps(report.as_dict()))["items"]) == len(ODD)
