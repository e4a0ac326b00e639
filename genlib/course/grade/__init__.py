"""`genlib grade FOLDER`: points for a class, a feedback file for each learner; resumable.

folder: a class. collecting: who handed in what; archives: zips among it. staging: each in a folder of its own. memory:
what was marked before. feedback: table, CSV and what each learner is told; safe: so that nothing of it does harm.
one: the grade of one notebook. cells: which of its cells are run, and in which order.

Who judges never shares a process with who is judged. judge: the process that judges; judges: these, seen from the
grader. answering: the process in which a notebook runs, and shell: IPython in it; process: this one, seen from the
judge; channel: what they say to each other. sandbox: what keeps it in. whole: every cell of a notebook, by a kernel.
"""
