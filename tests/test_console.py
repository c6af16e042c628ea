"""How programs end: by the exit code of the error that ends them, with a sentence and a remedy on standard error."""

import pytest

from hmr_video.console import exit_code_of
from hmr_video.errors import InputError


def raising(error: BaseException) -> None:
    raise error


def test_errors_become_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(lambda: None) == 0
    assert exit_code_of(lambda: raising(InputError("x.npz is no film.", "Film anew [again]."))) == InputError.exit_code
    assert "error: x.npz is no film.\nFilm anew [again]." in capsys.readouterr().err
    assert exit_code_of(lambda: raising(ValueError("lost"))) == 1
    assert "ValueError: lost" in capsys.readouterr().err
    assert exit_code_of(lambda: raising(SystemExit(130))) == 130
