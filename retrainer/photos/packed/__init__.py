"""Readers of archives, whose members are read in place. `photos.archives` opens them."""
