"""A new wave's folder, proposed: what each column of the files that came probably is. A person confirms it.

Nothing here runs when files are taken in.
"""
