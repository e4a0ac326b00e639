"""What runs beside an answer: the maps and networks that it is given, and how it is watched. A module a lecture.

In marking an answer runs in a process that holds no references. What stands here is there too, and is sent by name
(exercise/plain.py): functions, and dataclasses with plain values as fields. So nothing here says what is right.
"""
