"""The judge: what a response commits to, and what becomes of it. One rule for every task, every world, every notation.

A response goes through six steps, each in a file of its own:

    clean     envelope.py     template tokens, zero-width and full-width characters, entities, thinking sections
    cut       envelope.py     text that follows the answer: a new question, the next turn
    open      envelope.py     JSON, XML, HTML, tables, fences and LaTeX become plain marked lines
    commit    commitment.py   markers, boxes, the last statement; retractions and corrections
    read      the task        a stretch of text becomes a value, or a reason why it has no value
    judge     outcome.py      correct, wrong, unparsed, truncated, refused

Text in, value or reason out. Nothing here knows a task or a right answer. Text is hostile: every pattern takes linear
time, and only bounded stretches are looked at closely. words.py has the words that all steps share.
"""
