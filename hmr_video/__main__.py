"""``python -m hmr_video`` is the `hmr-video` program."""

from hmr_video.cli.main import main

main()
