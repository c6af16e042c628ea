"""The endings of the files that are read: what a search of a folder takes for videos and photographs."""


def _endings(names: str) -> frozenset[str]:
    return frozenset(f".{name}" for name in names.split())


VIDEOS = _endings(
    """
    264 265 360 3g2 3gp 3gp2 3gpp amv asf av1 avc avi avs2 avs3 bik cine divx dif dv dvr-ms evo f4v flc fli flv gif gxf h261 h263
    h264 h265 hevc ifv insv ivf ivr jpv k3g m1v m2p m2t m2ts m2v m4v mj2 mjpeg mjpg mk3d mkv mod moov mov mp2v mp4 mp4v mpe
    mpeg mpg mpv mts mxf nsv nut nuv obu ogg ogm ogv ogx qt rec rm rmvb tod tp trp ts vc1 vdr vob vro webm wmv wtv xvid y4m
    """
)
PHOTOGRAPHS = _endings("apng avif bmp jfif jp2 jpe jpeg jpg mpo pgm png ppm tif tiff webp")
