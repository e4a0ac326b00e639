"""Telling learners where they stand.

cell: `check("name")`, what a check cell calls in the kernel. defined: whether the answer is the one written last.
notebook: `genlib check`, a whole notebook run with nbval. progress: how far a learner is; kept: the file that remembers
it. shown: what a notebook shows in colour. report: the plugin that writes down what nbval saw.
"""
