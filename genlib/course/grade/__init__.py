"""`genlib grade FOLDER`: points for a class, a feedback file for each learner; resumable.

folder: a class. one: the grade of one notebook. cells: which of its cells are run. process: the process that runs them,
seen from outside; marking: from inside, where foreign code runs. feedback: table, CSV and what each learner is told.
"""
