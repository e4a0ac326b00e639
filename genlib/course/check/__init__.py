"""Telling learners where they stand.

cell: `check("name")`, what a check cell calls in the kernel. defined: whether the answer is the one written last.
notebook: `genlib check`, a whole notebook run with nbval. outside: a notebook's file is read, whatever it is. report:
what nbval saw. progress: how far a learner is; kept: the file that remembers it. shown: what a notebook shows in
colour.
"""
