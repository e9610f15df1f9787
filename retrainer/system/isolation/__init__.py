"""Runs code that opens files of others in a process of its own, which may crash, hang or fill its memory.

`parent` starts the process and asks it questions, `child` answers them there, and `frames` is what they send.
"""
