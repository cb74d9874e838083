"""The refinement loop as a client writes it: propose, act, judge, learn, repeat (PAE, section 3).

`python3 -m refine --help` (with clients/examples and the client package on PYTHONPATH) tells how to run it.
"""
