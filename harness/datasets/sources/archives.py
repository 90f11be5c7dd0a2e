"""Unpack a zip file of a stranger: nothing lands outside the folder, and nothing swells beyond measure."""

import errno
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath

from harness.errors import BadInput
from harness.files import RATIO, SMALL

# What `zipfile` raises for files that are none; and of the file system, what a member's name or place brings about.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
)
BY_MEMBERS = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EINVAL}


def unpack(archive: Path, folder: Path, wanted: Callable[[PurePosixPath], bool], most: int | None = None) -> None:
    """Write the members that are `wanted` below `folder`.

    Raises BadInput if any member, wanted or not, has a name that leads out of the folder, is a link, a device or
    encrypted, if the wanted ones are out of proportion to the archive, larger than `most` bytes or than the disk, or
    if data is damaged.
    """
    try:
        with zipfile.ZipFile(archive) as zip_file:
            members = [info for info in zip_file.infolist() if _checked(archive, info) and not info.is_dir()]
            chosen = [info for info in members if wanted(PurePosixPath(info.filename))]
            _check_size(archive, folder, sum(info.file_size for info in chosen), most)
            for info in chosen:
                target = folder / info.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with zip_file.open(info) as source, open(target, "xb") as file:
                    shutil.copyfileobj(source, file, 1 << 20)  # zipfile stops at the declared size and checks the CRC
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno not in BY_MEMBERS:
            raise  # a full disk, say
        raise BadInput(archive, None, f"not a sound zip file ({error}); delete it and download it again") from error


def _checked(archive: Path, info: zipfile.ZipInfo) -> bool:
    name, mode = info.orig_filename, info.external_attr >> 16
    if (
        not name
        or PurePosixPath(name).is_absolute()
        or PureWindowsPath(name).drive
        or "\\" in name
        or "\0" in name
        or ".." in PurePosixPath(name).parts
    ):
        raise BadInput(archive, None, f"the member {name!r} leads out of the folder; the file is not what it should be")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise BadInput(archive, None, f"the member {name!r} is a link or a device; the file is not what it should be")
    if any(len(part.encode("utf-8", "surrogatepass")) > 255 for part in PurePosixPath(name).parts):
        raise BadInput(archive, None, f"the member {name!r} has too long a name; the file is not what it should be")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others may take memory as they like
        raise BadInput(archive, None, f"the member {name!r} is packed in a rare way; pack the files with zip again")
    if info.flag_bits & 0x1:
        raise BadInput(archive, None, f"the member {name!r} is encrypted; the file is not what it should be")
    return True


def _check_size(archive: Path, folder: Path, size: int, most: int | None) -> None:
    if most is not None and size > most:
        what = f"it would swell to {size:,} bytes, more than the {most:,} that its dataset can have"
        raise BadInput(archive, None, f"{what}; the file is not what it should be")
    packed = archive.stat().st_size
    if size > max(SMALL, RATIO * packed):
        raise BadInput(archive, None, f"{packed:,} bytes would swell to {size:,}; the file is not what it should be")
    free = shutil.disk_usage(folder).free
    if size > free:
        raise BadInput(archive, None, f"unpacking needs {size / 1e9:.1f} GB, {folder} has {free / 1e9:.1f} GB free")
