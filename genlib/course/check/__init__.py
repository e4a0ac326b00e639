"""Telling learners where they stand.

cell: `check("name")`, what a check cell calls in the kernel. notebook: `genlib check`, a whole notebook run with nbval.
progress: how far a learner is. report: the plugin that writes down what nbval saw.
"""
