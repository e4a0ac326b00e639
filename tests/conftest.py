"""What all tests share."""

import os

# Parallel workers run with one thread each: two threads each on two cores is ten times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
# What tests solve is nobody's progress; those of progress itself name a file.
os.environ["GENLIB_PROGRESS"] = ""
