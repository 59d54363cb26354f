"""One question per file: facts and tables in, a three-valued verdict with reasons out.

Does not read files and does not choose between candidates.
"""
