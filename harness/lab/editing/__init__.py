"""Editing a fact in a model's weights, or beside them: one file for each method, and what tests them all alike.

requests (what is asked) -> running (how a model goes on) -> methods (one file each) -> measuring. Every method works on
a copy of the model; nothing that was read is changed.
"""
