"""What can go wrong when images are read; does not read them.

Every byte of an image is a stranger's: whatever it holds, only these errors come out of the readers.
"""

from hpcrun.errors import InputError


class ImageError(InputError):
    """The image, or a part of it, is damaged or lies about itself."""


class UnsupportedError(ImageError):
    """The part is sound as far as one can see, but cannot be read here: format or decoder missing."""
