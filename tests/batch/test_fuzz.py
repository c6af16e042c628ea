"""Damaged and hostile files, by a seed: always a typed error or a result, soon, and nothing run or written because of a file."""

import copy
import json
import os
import pickle
import random
import signal
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from batch_of_texts import run_texts

from hmr_video.batch.lock import locked
from hmr_video.batch.manifest import Manifest, read_entries
from hmr_video.batch.outputs import is_safe
from hmr_video.batch.runner import BatchOptions
from hmr_video.body.smpl_file import read_smpl
from hmr_video.body.unpickle import read_pickle
from hmr_video.console import Reporter
from hmr_video.errors import HmrVideoError, OutputError
from hmr_video.motion import Motion
from hmr_video.people.keypoints.files import read_keypoints
from hmr_video.results import read_result, result_folder
from hmr_video.video import open_video

SECONDS = 20  # after which reading a small file counts as a hang
DOCUMENTED = {2, 3, 4, 6, 7}
HOSTILE: list[Any] = [None, True, -1, 0, 2**31, 2**70, -1e300, 1e300, float("nan"), float("inf"), [], {}]
HOSTILE += ["", "../x", "\0", "\ud800"]
HOSTILE += [[[[]]], ["a"], {"id": {}}, [1, "2", None], "9" * 5000]

Survives = Callable[[Callable[[Path], object], Path], None]


@contextmanager
def no_hang() -> Iterator[None]:
    def give_up(*_: object) -> None:
        pytest.fail(f"still reading after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


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


def attempt(read: Callable[[Path], object], path: Path) -> int | None:
    """Reads a file that nobody vouches for: the exit code of the typed error that came of it, or None; all else is a failure."""
    with no_hang():
        try:
            read(path)
        except HmrVideoError as error:
            return error.exit_code
    return None


@pytest.fixture
def chance(seed: int) -> random.Random:
    return random.Random(seed)


@pytest.fixture
def rounds(pytestconfig: pytest.Config) -> int:
    return int(pytestconfig.getoption("rounds"))


@pytest.fixture
def survives(chance: random.Random, rounds: int) -> Survives:
    """Reads damaged copies of a file: only typed errors, with a documented exit code, may come of it."""

    def run(read: Callable[[Path], object], whole: Path) -> None:
        read(whole)
        data, copied = whole.read_bytes(), whole.with_name(f"damaged{whole.suffix}")
        codes = set()
        for _ in range(rounds):
            copied.write_bytes(damaged(data, chance))
            codes.add(attempt(read, copied))
        assert codes - {None}
        assert codes <= {None, *DOCUMENTED}

    return run


def twisted(value: Any, chance: random.Random) -> Any:
    """A copy of a JSON value in which one part, anywhere, is replaced by something that does not belong there, or is gone."""
    value = copy.deepcopy(value)
    at, parents = value, []
    while isinstance(at, dict | list) and at and (not parents or chance.random() < 0.8):
        key = chance.choice(list(at)) if isinstance(at, dict) else chance.randrange(len(at))
        parents.append((at, key))
        at = at[key]
    if not parents:
        return chance.choice(HOSTILE)
    holder, key = parents[-1]
    if chance.random() < 0.2:
        del holder[key]
    else:
        holder[key] = chance.choice(HOSTILE)
    return value


def twisted_array(array: np.ndarray, chance: random.Random) -> np.ndarray:
    """An array of another shape, type or content."""
    other = [
        lambda: array[:-1] if array.ndim else np.zeros(2),
        lambda: array[..., None],
        lambda: np.zeros((0, *array.shape[1:])),
        lambda: np.array("text"),
        lambda: np.full(array.shape, "x"),
        lambda: np.full(array.shape, np.nan),
        lambda: np.full(array.shape, chance.choice([1e300, -1e300, 1e12, -1.0, np.inf])),
        lambda: np.full(array.shape, chance.choice([2**62, -1, 0]), np.int64),
        lambda: np.full(array.shape, 2**63 + 5, np.uint64),
        lambda: np.zeros(array.shape, complex),
        lambda: np.zeros(array.shape, [("x", "f4")]),
        lambda: np.zeros(array.shape, "datetime64[s]"),
        lambda: np.flip(array),
        lambda: np.array(chance.choice([0.0, -1.0, 1e-300, 1e300])),
    ]
    return np.asarray(chance.choice(other)())


def survives_arrays(read: Callable[[Path], object], whole: Path, chance: random.Random, rounds: int) -> None:
    """Reads copies of an NPZ in which one array is not what it should be, or not there."""
    with np.load(whole) as archive:
        arrays = dict(archive)
    path = whole.with_name("twisted.npz")
    codes = set()
    for _ in range(rounds):
        name = chance.choice(sorted(arrays))
        changed = {name: twisted_array(arrays[name], chance)} if chance.random() < 0.9 else {}
        np.savez(path, **({key: array for key, array in arrays.items() if key != name} | changed))
        codes.add(attempt(read, path))
    assert codes - {None}
    assert codes <= {None, *DOCUMENTED}


def test_results(tmp_path: Path, motion: Motion, survives: Survives, chance: random.Random, rounds: int) -> None:
    path = tmp_path / "person_01.npz"
    motion.save(path)
    survives(Motion.load, path)
    survives_arrays(Motion.load, path, chance, rounds)
    (tmp_path / "damaged.npz").unlink()
    for _ in range(rounds):
        record = twisted({"video": "clip.mp4", "options": {"start": 0.0, "end": 2.0}}, chance)
        (tmp_path / "summary.json").write_text(json.dumps(record))
        assert attempt(read_result, tmp_path) in (None, 3)
    for text in ("[" * 100_000, '{"video": "' + "x" * 5000 + '"}', ""):
        (tmp_path / "summary.json").write_text(text)
        assert attempt(read_result, tmp_path) in (None, 3)


@pytest.fixture
def keypoints() -> np.ndarray:
    """(6, 17, 3): somebody who is well seen."""
    return np.concatenate([np.random.default_rng(0).uniform(0, 300, (6, 17, 2)), np.full((6, 17, 1), 0.9)], -1)


def test_arrays_of_keypoints(
    tmp_path: Path, keypoints: np.ndarray, survives: Survives, chance: random.Random, rounds: int
) -> None:
    facts = {"image_size": [320, 320], "mocap_frame_rate": 30.0, "timestamps": np.arange(6) / 30, "camera_matrix": np.eye(3)}
    np.savez(tmp_path / "k.npz", keypoints2d=keypoints, frame_ids=np.arange(6), **facts)
    survives(read_keypoints, tmp_path / "k.npz")
    survives_arrays(read_keypoints, tmp_path / "k.npz", chance, 2 * rounds)


def test_json_of_keypoints(tmp_path: Path, keypoints: np.ndarray, survives: Survives, chance: random.Random, rounds: int) -> None:
    person = {"category_id": 1, "score": 0.9}
    coco = [{"image_id": index, "keypoints": one.ravel().tolist()} | person for index, one in enumerate(keypoints)]
    images = [{"id": index, "file_name": f"{index}.jpg", "width": 320, "height": 320} for index in range(len(keypoints))]
    whole = {"images": images, "annotations": coco, "info": {"fps": 30.0}}
    path = tmp_path / "k.json"
    path.write_text(json.dumps(whole))
    survives(lambda path: read_keypoints(path, (320, 320), 30.0), path)
    for _ in range(2 * rounds):
        path.write_text(json.dumps(twisted(whole, chance)))
        assert attempt(read_keypoints, path) in (None, 3, 4)
    path.write_text("[" * 100_000)
    assert attempt(read_keypoints, path) == 3


def test_openpose_folders(tmp_path: Path, keypoints: np.ndarray, chance: random.Random, rounds: int) -> None:
    one = {"people": [{"pose_keypoints_2d": [*keypoints.ravel().tolist()[:54]]}]}
    for _ in range(rounds):
        (tmp_path / "000_keypoints.json").write_text(json.dumps(twisted(one, chance)))
        assert attempt(lambda path: read_keypoints(path, (320, 320), 30.0), tmp_path) in (None, 3, 4)
    (tmp_path / f"{10**15}_keypoints.json").write_text(json.dumps(one))  # a gap that no memory could fill
    (tmp_path / "000_keypoints.json").write_text(json.dumps(one))
    assert attempt(lambda path: read_keypoints(path, (320, 320), 30.0), tmp_path) == 3


def test_pickled_bodies(tmp_path: Path, survives: Survives, chance: random.Random, rounds: int) -> None:
    """Bytes are damaged, calls are slipped in anywhere, entries are something else: an error, and nothing ever runs."""
    arrays = {"f": np.zeros((2, 3), np.uint32), "kintree_table": np.zeros((2, 24), np.int64), "weights": np.ones((4, 24))}
    arrays |= {name: np.ones((4, 3)) for name in ("v_template", "shapedirs", "posedirs", "J_regressor")}
    path, target = tmp_path / "body.pkl", tmp_path / "touched"
    path.write_bytes(pickle.dumps(arrays, 2))
    survives(read_pickle, path)
    whole = path.read_bytes()
    call = b"cposix\nsystem\n(S'touch " + os.fsencode(target) + b"'\ntR"
    for _ in range(rounds):
        at = chance.randrange(2, len(whole))
        path.write_bytes(whole[:at] + call + chance.choice([b"", b"0", b"."]) + whole[at:])
        attempt(read_smpl, path)
        path.write_bytes(pickle.dumps(arrays | {chance.choice(sorted(arrays)): chance.choice(HOSTILE)}, chance.randrange(5)))
        assert attempt(read_smpl, path) == 3
    assert not target.exists()


@pytest.mark.slow
def test_weights(tmp_path: Path, survives: Survives) -> None:
    from hmr_video.checkpoints import load_model
    from hmr_video.checkpoints.saving import save_model
    from hmr_video.model import HMMR
    from hmr_video.model.presets import hmr_video_default

    save_model(tmp_path / "m.safetensors", HMMR(hmr_video_default(6, 8, 1)), {"name": "small"})
    survives(load_model, tmp_path / "m.safetensors")


def test_videos(tmp_path: Path, survives: Survives) -> None:
    from hmr_video.video.writer import VideoWriter

    with VideoWriter(tmp_path / "v.mp4", 10.0, (64, 48)) as writer:
        for index in range(12):
            writer.write(np.full((48, 64, 3), 20 * index, np.uint8))

    def read(path: Path) -> int:
        return sum(len(chunk) for chunk in open_video(path, Reporter(quiet=True)).chunks())

    survives(read, tmp_path / "v.mp4")


def test_manifests(tmp_path: Path, chance: random.Random, rounds: int) -> None:
    """No manifest leads out of its folder."""
    path = tmp_path / "manifest.jsonl"
    manifest = Manifest(path)
    evil = ["../evil", "/evil", "a/../../evil", ".batch/x", "manifest.jsonl", "x" * 300, "", "\ud800", "a\0b", 7, None]
    for output in ["a", *evil]:
        manifest.write("done", name=str(output), output=output, key="key", sha256="", stamp="")
    manifest.close()
    data = path.read_bytes() + b"[" * 100_000 + b'\n{"event": "done", "output": "b", "time": NaN}\n'
    path.write_bytes(data)
    assert read_entries([path]).keys() == {"a"}
    for _ in range(8 * rounds):
        assert all(is_safe(entry.output) for entry in read_entries([path]).values())
        path.write_bytes(damaged(data, chance))
    line = json.loads(data.splitlines()[0])
    for _ in range(rounds):
        path.write_text(json.dumps(twisted(line, chance)) + "\n")
        assert all(is_safe(entry.output) for entry in read_entries([path]).values())


def test_locks(tmp_path: Path, chance: random.Random, rounds: int) -> None:
    """What a lock says of its holder is only repeated."""
    with locked(tmp_path, None):
        for _ in range(rounds):
            (tmp_path / "holder-all.json").write_text(json.dumps(twisted({"pid": 1, "host": "here"}, chance)))
            with pytest.raises(OutputError), locked(tmp_path, None):
                pass


def test_names_of_results_stay_in_the_output(tmp_path: Path) -> None:
    output, photos = tmp_path / "out", tmp_path / "photos"
    photos.mkdir()
    for name in ("...mp4", "..mp4", "..", ".", "a.mp4", "x" * 255, "a\nb.mp4", "/", "\udcff.mp4"):
        folder = result_folder(photos / name, output, Reporter(quiet=True))
        assert Path(os.path.abspath(folder)).parent == output
    assert result_folder(photos / "..", output, Reporter(quiet=True)).name == tmp_path.name


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
