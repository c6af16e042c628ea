"""Writers of finished results: one small module per format, found by name."""

from hmr_video.export.registry import FORMATS, ExportOptions, check_formats, export

__all__ = ["FORMATS", "ExportOptions", "check_formats", "export"]
