"""`genlib grade FOLDER`: points for a class, a feedback file for each learner; resumable.

folder: a class. collecting: who handed in what; archives: zips among it. staging: each in a folder of its own. memory:
what was marked before. feedback: table, CSV and what each learner is told; safe: so that nothing of it does harm.

one: the grade of one notebook. cells: which of its cells are run. process: the process that runs them, seen from
outside; marking: from inside, where foreign code runs.
"""
