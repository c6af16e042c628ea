"""The overlay video and the contact sheet, on a made-up clip with sound and uneven times."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from hmr_video.errors import InputError, OutputError, UsageError
from hmr_video.export import ExportOptions, export
from hmr_video.export.overlay import unseen_seconds, write_overlay
from hmr_video.export.render.software import SoftwareRenderer
from hmr_video.export.sheet import chosen_frames
from hmr_video.export.stage import SideView
from hmr_video.motion import Motion

GREY = 110
# A 25 fps clip in which every third frame comes 10 ms late.
TIMES = np.arange(24) / 25 + np.where(np.arange(24) % 3 == 2, 0.01, 0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "grey.mp4"
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=25)
        picture.width, picture.height, picture.pix_fmt = 640, 480, "yuv420p"
        picture.codec_context.time_base = Fraction(1, 1000)
        sound = container.add_stream("aac", rate=44100, layout="mono")
        tone = np.sin(np.arange(44100) * 0.05).astype(np.float32)[None]
        for start in range(0, 44100 - 1024, 1024):
            frame = av.AudioFrame.from_ndarray(tone[:, start : start + 1024], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 44100, start, Fraction(1, 44100)
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
        for time in TIMES:
            frame = av.VideoFrame.from_ndarray(np.full((480, 640, 3), GREY, np.uint8), format="rgb24")
            frame.pts, frame.time_base = round(time * 1000), Fraction(1, 1000)
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
    return path


def read(path: Path) -> tuple[np.ndarray, np.ndarray, list[bytes]]:
    """All pictures, their times, and the packets of sound."""
    with av.open(str(path)) as container:
        frames = [(frame.to_ndarray(format="rgb24"), frame.time) for frame in container.decode(video=0)]
    with av.open(str(path)) as container:
        sound = [bytes(packet) for packet in container.demux(audio=0) if packet.size] if container.streams.audio else []
    return np.stack([image for image, _ in frames]), np.array([time for _, time in frames]), sound


def pelvis_pixel(motion: Motion, row: int) -> tuple[int, int]:
    """The row and the column of the picture in which the pelvis is."""
    x, y, z = motion.joints3d[row, 0]
    return round(y / z * 800 + 240), round(x / z * 800 + 320)


@pytest.fixture(scope="module")
def overlay(clip, motions, body, tmp_path_factory):
    target = tmp_path_factory.mktemp("overlay") / "overlay.mp4"
    return read(write_overlay(motions, body, target, SoftwareRenderer(), ExportOptions(video=clip), side_by_side=True))


def test_times_and_sound_are_those_of_the_source(clip, overlay):
    _, times, sound = read(clip)
    np.testing.assert_allclose(overlay[1], times, atol=1e-4)
    np.testing.assert_allclose(times, TIMES, atol=1e-3)
    assert len(overlay[2]) > 30
    assert overlay[2] == sound[: len(overlay[2])]


def test_people_are_drawn_where_and_when_they_are(overlay, motions):
    images = overlay[0][:, :, :640].astype(int)
    changed = np.abs(images - GREY).max(-1) > 25
    assert not changed[:3].any()  # nobody yet
    first = motions[0]
    for frame in (3, 10, 22):
        assert changed[frame][pelvis_pixel(first, frame - 3)]
    blue, orange = images[20, ..., 2] - images[20, ..., 0] > 40, images[20, ..., 0] - images[20, ..., 2] > 40
    assert blue.sum() > 2000
    assert orange.sum() > 2000


def test_the_nearer_person_hides_the_farther_one(clip, motions, body, tmp_path):
    """Person 2 walks through the same place 1 m behind person 1, then 1 m before."""
    one = motions[0]
    seen = {}
    for name, depth in (("behind", 1.0), ("before", -1.0)):
        shift = np.array([0, 0, depth])
        two = one.replace(trans=one.trans + shift, joints3d=one.joints3d + shift)
        target = write_overlay([one, two], body, tmp_path / f"{name}.mp4", SoftwareRenderer(), ExportOptions(video=clip))
        seen[name] = read(target)[0][10].astype(int)[pelvis_pixel(one, 7)]
    assert seen["behind"][2] > seen["behind"][0]  # blue: person 1
    assert seen["before"][0] > seen["before"][2]  # orange: person 2


def test_who_was_not_seen_for_a_while_is_faint(clip, motion, body, tmp_path):
    keypoints = motion.keypoints2d.copy()
    keypoints[:, :, 2] = 0.9
    keypoints[2:18, :, 2] = 0.0  # 0.64 s
    unseen = motion.replace(landmarks2d=keypoints)
    images, seen = (
        read(write_overlay([one], body, tmp_path / f"{name}.mp4", SoftwareRenderer(), ExportOptions(video=clip)))[0].astype(int)
        for name, one in (("faint", unseen), ("seen", motion.replace(landmarks2d=np.full_like(keypoints, 0.9))))
    )
    for row, share in ((0, 1.0), (10, 0.35), (19, 1.0)):
        faint, solid = (pictures[row + 3][pelvis_pixel(motion, row)] - GREY for pictures in (images, seen))
        np.testing.assert_allclose(faint, share * solid, atol=8)  # H.264 is not exact


def test_who_was_detected_elsewhere_was_not_seen(motion):
    keypoints, confidence = motion.keypoints2d.copy(), np.full(len(motion), 0.9, np.float32)
    keypoints[:, :, 2], confidence[5:9] = 0.9, 0.05
    away = unseen_seconds(motion.replace(landmarks2d=keypoints, confidence=confidence))
    assert (away > 0).nonzero()[0].tolist() == [5, 6, 7, 8]
    assert away[6] == pytest.approx(motion.timestamps[6] - motion.timestamps[4])


def test_side_by_side_shows_the_same_people_from_the_left(overlay, motions):
    assert overlay[0].shape[2] == 1280
    panel = overlay[0][20, :, 640:].astype(int)
    blue = np.nonzero(panel[..., 2] - panel[..., 0] > 40)[1].mean()
    orange = np.nonzero(panel[..., 0] - panel[..., 2] > 40)[1].mean()
    assert blue > orange  # person 1 is nearer to the camera, so to the right seen from the left


def test_the_side_view_takes_in_everybody(motions):
    view = SideView(motions, (640, 480))
    for motion in motions:
        points = view.turn(motion.joints3d.reshape(-1, 3))
        pixels = points[:, :2] / points[:, 2:] * 640 + [320, 240]
        assert (points[:, 2] > 0).all()
        assert ((pixels > 0) & (pixels < [640, 480])).all()


def test_a_result_of_every_second_frame_makes_a_video_of_those(clip, motions, body, tmp_path):
    rows = slice(1, None, 2)  # source frames 4, 6, ... are frames 2, 3, ... of the halved video
    half = motions[0].rows(rows)
    half = half.replace(frame_ids=half.frame_ids // 2, frame_rate=12.5)
    _, times, _ = read(write_overlay([half], body, tmp_path / "half.mp4", SoftwareRenderer(), ExportOptions(video=clip)))
    np.testing.assert_allclose(times, TIMES[::2], atol=1e-3)


def test_every_format_goes_at_the_rate_that_the_result_was_made_at(clip, motions, body, tmp_path, monkeypatch):
    monkeypatch.setattr("hmr_video.export.webpage.EMBEDDED_BYTES", 100)
    slow = motions[0].replace(timestamps=motions[0].frame_ids / 10, frame_rate=10.0)
    part = ExportOptions(video=clip, every=1, source_rate=10.0)
    for path in export([slow], body, tmp_path, ["overlay", "html"], part)[::2]:
        _, times, sound = read(path)
        np.testing.assert_allclose(times, np.arange(24) / 10, atol=1e-3)
        assert not sound  # which would go faster than the pictures


def test_every_format_shows_the_converted_part_only(clip, motions, body, tmp_path, monkeypatch):
    monkeypatch.setattr("hmr_video.export.webpage.EMBEDDED_BYTES", 100)
    part = ExportOptions(video=clip, start=0.4, end=0.6)
    paths = export([motions[0].rows(slice(7, 12))], body, tmp_path, ["overlay", "html", "sheet"], part)
    for path in (paths[0], paths[2]):  # the overlay, and the page's video
        np.testing.assert_allclose(read(path)[1], TIMES[10:15] - TIMES[10], atol=1e-3)
    assert '"firstFrame": 10' in paths[1].read_text(encoding="utf-8")


def test_another_video_a_missing_one_and_an_existing_output_are_refused(clip, motions, body, tmp_path):
    small = [motion.replace(image_size=np.array([320, 240])) for motion in motions]
    with pytest.raises(InputError, match="640 x 480"):
        write_overlay(small, body, tmp_path / "a.mp4", SoftwareRenderer(), ExportOptions(video=clip))
    with pytest.raises(InputError, match="--video"):
        export(motions, body, tmp_path, ["overlay"], ExportOptions())
    (tmp_path / "overlay.mp4").write_bytes(b"mine")
    with pytest.raises(OutputError):
        export(motions, body, tmp_path, ["overlay"], ExportOptions(video=clip))
    assert (tmp_path / "overlay.mp4").read_bytes() == b"mine"


def test_frames_of_the_sheet_are_spread_over_those_with_people(motions):
    assert chosen_frames(motions, 8).tolist() == [4, 6, 9, 11, 14, 16, 19, 21]
    short = [motions[0].rows(slice(0, 3))]
    assert chosen_frames(short, 8).tolist() == [3, 4, 5]


def test_the_sheet_shows_eight_frames_and_a_line_for_everybody(clip, motions, body, tmp_path):
    (path,) = export(motions, body, tmp_path, ["sheet"], ExportOptions(video=clip))
    one, two = np.asarray(Image.open(path)), (480, 360)
    assert one.shape[1] > 4 * two[0]
    assert one.shape[0] > 2 * two[1]
    for row in range(2):
        for column in range(4):  # each tile shows the grey clip, with a body on it
            tile = one[8 + row * 368 :, 8 + column * 488 :][:360, :480].astype(int)
            assert np.abs(tile[5, 5] - GREY).max() < 12
            assert (tile[..., 2] - tile[..., 0] > 40).sum() > 500


def test_on_a_photograph_it_is_a_picture(motions, body, tmp_path) -> None:
    photo = tmp_path / "photo.png"
    Image.new("RGB", (640, 480), (GREY,) * 3).save(photo)
    alone = [motions[0].rows(slice(0, 1)).replace(frame_ids=np.array([0]))]
    (written,) = export(alone, body, tmp_path / "out", ["overlay"], ExportOptions(video=photo))
    assert written.name == "overlay.png"
    with Image.open(written) as picture:
        assert (picture.format, picture.size) == ("PNG", (640, 480))
        assert (np.abs(np.asarray(picture).astype(int) - GREY).max(-1) > 30).sum() > 3000
    with pytest.raises(OutputError, match=r"overlay\.png exists"):
        export(alone, body, tmp_path / "out", ["overlay"], ExportOptions(video=photo))
    with pytest.raises(UsageError, match=r"ends in \.png"):
        write_overlay(alone, body, tmp_path / "x.mp4", SoftwareRenderer(), ExportOptions(video=photo))


@pytest.mark.parametrize("name", ["x.png", "x.avi", "x"])
def test_on_a_video_it_is_a_video(motions, body, clip, tmp_path, name) -> None:
    with pytest.raises(UsageError, match=r"ends in \.mp4"):
        write_overlay(motions, body, tmp_path / name, SoftwareRenderer(), ExportOptions(video=clip))
    assert not list(tmp_path.iterdir())
