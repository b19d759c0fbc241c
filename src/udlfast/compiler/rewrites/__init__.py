"""The passes over the calls of a plan, one a file; passes.py runs them."""
