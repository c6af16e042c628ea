import zlib

import numpy as np
import pytest
from PIL import Image

from hmr_video.console import Reporter
from hmr_video.errors import InputError
from hmr_video.video import open_video


def picture(width: int = 60, height: int = 40, left: int = 250) -> Image.Image:
    """Bright on the left quarter, dark elsewhere."""
    pixels = np.full((height, width, 3), 10, np.uint8)
    pixels[:, : width // 4] = left
    return Image.fromarray(pixels)


def frames(path, **options):
    reporter = Reporter(quiet=True)
    chunks = list(open_video(path, reporter, **options).chunks())
    return np.concatenate([chunk.frames for chunk in chunks]), np.concatenate([chunk.timestamps for chunk in chunks]), reporter


def test_a_photograph_is_upright_and_knows_its_focal_length(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    exif.get_ifd(0x8769)[0xA405] = 26
    picture().save(tmp_path / "photo.jpg", exif=exif)
    info = open_video(tmp_path / "photo.jpg", Reporter(quiet=True)).info
    assert (info.width, info.height, info.frame_count) == (40, 60, 1)
    assert info.focal == pytest.approx(26 / 43.2666 * np.hypot(40, 60), rel=1e-4)
    image = frames(tmp_path / "photo.jpg")[0][0]
    assert image.shape == (60, 40, 3)
    assert image[:10].mean() > 200  # the left edge went up
    assert image[30:].mean() < 50


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "I;16", "CMYK"])
def test_modes(tmp_path, mode):
    deep = Image.fromarray(np.asarray(picture().convert("L")).astype(np.uint16) * 257)
    image = deep if mode == "I;16" else picture().convert(mode)
    path = tmp_path / ("photo.tif" if mode == "CMYK" else "photo.png")
    image.save(path)
    pixels = frames(path)[0][0]
    assert pixels.dtype == np.uint8
    assert pixels[:, :10].mean() > 200
    assert pixels[:, 20:].mean() < 50


def test_a_folder_is_sorted_as_people_count(tmp_path):
    for number in (10, 9, 100, 1):
        picture(left=100 + number).save(tmp_path / f"frame_{number}.png")
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "._frame_2.png").write_bytes(b"a shadow file")
    pixels, times, reporter = frames(tmp_path, frame_rate=10.0)
    assert pixels[:, 0, 0, 0].tolist() == [101, 109, 110, 200]
    np.testing.assert_allclose(times, [0, 0.1, 0.2, 0.3])
    assert reporter.notes == []


def test_a_broken_image_is_left_out_with_a_note(tmp_path):
    for number in range(3):
        picture(left=100 + number).save(tmp_path / f"{number}.png")
    data = (tmp_path / "1.png").read_bytes()
    (tmp_path / "1.png").write_bytes(data[: len(data) // 2])
    pixels, times, reporter = frames(tmp_path)
    assert pixels[:, 0, 0, 0].tolist() == [100, 102]
    np.testing.assert_allclose(times, [0, 2 / 30])
    assert "1.png" in reporter.notes[0]


def test_mixed_sizes_are_refused(tmp_path):
    picture(60, 40).save(tmp_path / "a.png")
    picture(40, 60).save(tmp_path / "b.png")
    with pytest.raises(InputError, match=r"b\.png has 40 x 60"):
        frames(tmp_path)


def test_a_cut_photograph_is_an_input_error(tmp_path):
    picture(300, 200).save(tmp_path / "photo.png")
    data = (tmp_path / "photo.png").read_bytes()
    (tmp_path / "photo.png").write_bytes(data[:200])
    with pytest.raises(InputError, match="cannot be read as an image"):
        frames(tmp_path / "photo.png")


def test_absurd_dimensions_are_refused(tmp_path):
    picture().save(tmp_path / "photo.png")
    data = bytearray((tmp_path / "photo.png").read_bytes())
    data[16:24] = (50_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    (tmp_path / "photo.png").write_bytes(data)
    with pytest.raises(InputError, match="50000 x 50000"):
        frames(tmp_path / "photo.png")


# --- several pictures in one file -----------------------------------------------------------------------------------------


def steps(count: int = 6, size: tuple[int, int] = (60, 40)) -> list[Image.Image]:
    """Pictures that get brighter."""
    return [Image.fromarray(np.full((size[1], size[0], 3), 40 * number, np.uint8)) for number in range(count)]


@pytest.mark.parametrize("name", ["clip.webp", "clip.png", "clip.apng"])
def test_animated_pictures_are_clips_with_their_own_times(tmp_path, name):
    images, shown = steps(), [40, 40, 80, 40, 120, 40]
    kind = "WEBP" if name.endswith("webp") else "PNG"
    images[0].save(tmp_path / name, kind, save_all=True, append_images=images[1:], duration=shown, lossless=True)
    pixels, times, reporter = frames(tmp_path / name)
    assert pixels[:, 0, 0, 0].tolist() == [0, 40, 80, 120, 160, 200]
    np.testing.assert_allclose(times, np.cumsum([0, *shown[:-1]]) / 1000)
    assert reporter.notes == []
    part, times, _ = frames(tmp_path / name, start=0.08, every=2)
    assert part[:, 0, 0, 0].tolist() == [80, 160]
    np.testing.assert_allclose(times, [0.08, 0.2])
    np.testing.assert_allclose(frames(tmp_path / name, frame_rate=10)[1], np.arange(6) / 10)


def test_pages_are_frames_and_thumbnails_are_none(tmp_path):
    images = steps(4)
    thumbnail = images[3].resize((6, 4))
    thumbnail.encoderinfo = {"tiffinfo": {254: 1}}
    images[0].save(tmp_path / "clip.tif", save_all=True, append_images=[*images[1:], thumbnail])
    pixels, times, _ = frames(tmp_path / "clip.tif")
    assert pixels[:, 0, 0, 0].tolist() == [0, 40, 80, 120]
    np.testing.assert_allclose(times, np.arange(4) / 30)


def test_pages_of_other_shapes_keep_theirs(tmp_path):
    wide, tall = picture(60, 40, 250), picture(20, 40, 250)
    wide.save(tmp_path / "clip.tif", save_all=True, append_images=[tall])
    pixels, _, reporter = frames(tmp_path / "clip.tif")
    assert pixels.shape == (2, 40, 60, 3)
    assert not pixels[1, :, :20].any()
    assert pixels[1, :, 20:25].min() > 200
    assert any("change their size" in note for note in reporter.notes)


def test_a_picture_for_programs_without_animation_is_no_frame(tmp_path):
    images = steps(4)
    images[0].save(tmp_path / "clip.png", save_all=True, append_images=images[1:], duration=40, default_image=True)
    assert frames(tmp_path / "clip.png")[0][:, 0, 0, 0].tolist() == [40, 80, 120]


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_an_animation_that_breaks_off_is_read_so_far_and_said(tmp_path):
    images = [Image.fromarray(np.random.default_rng(n).integers(0, 256, (40, 60, 3), np.uint8)) for n in range(6)]
    images[0].save(tmp_path / "clip.tif", save_all=True, append_images=images[1:])
    data = bytearray((tmp_path / "clip.tif").read_bytes())
    (tmp_path / "clip.tif").write_bytes(data[: len(data) * 2 // 3])
    pixels, _, reporter = frames(tmp_path / "clip.tif")
    assert 1 <= len(pixels) < 6
    np.testing.assert_array_equal(pixels[0], np.asarray(images[0]))
    assert any("damaged" in note for note in reporter.notes)


def test_what_is_transparent_is_black_and_said(tmp_path):
    image = picture().convert("RGBA")
    image.putalpha(Image.fromarray(np.repeat(np.array([[255] * 30 + [0] * 30], np.uint8), 40, 0)))
    image.save(tmp_path / "photo.png")
    pixels, _, reporter = frames(tmp_path / "photo.png")
    assert pixels[0, :, :15].min() > 200
    assert not pixels[0, :, 30:].any()
    assert ["transparent" in note for note in reporter.notes] == [True]
