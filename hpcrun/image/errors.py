"""What can go wrong when images are read; does not read them.

Every byte of an image is a stranger's: whatever it holds, only these errors come out.
"""

from hpcrun.errors import InputError


class ImageError(InputError):
    """The image, or a part of it, is damaged or lies about itself."""


class UnsupportedError(ImageError):
    """The part may be sound but cannot be read here: the format or decoder is missing."""


class ForbiddenError(ImageError):
    """The file or folder may not be read by this user."""
