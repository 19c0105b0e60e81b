"""The lab: look inside the model that fails, on the same matched prompts.

One sample pair goes from left to right: models (open one) -> pairs (two matched prompts as tokens) -> hooks (read or
replace what layers hand on) -> metrics -> a study (a table, a page). torch is imported inside functions alone.
"""
