"""First and last names of fictional people, for tasks. Knows no task."""

from __future__ import annotations

FIRST = (
    "Ada Alban Beatrix Bruno Calla Caspar Delia Dorian Edda Elias Fenna Florian Greta Gideon Hanna Hector Ilse Ivo "
    "Jonna Jasper Katrin Kilian Lena Lorenz Mathilda Marius Nella Nico Odette Oskar Petra Piers Romy Rufus Selma Silas "
    "Thea Tobias Ulla Urban Vera Viktor Wanda Wilmar Yara York Zelda Zeno"
).split()
HELD_OUT_FIRST = "Amos Britta Corin Dagny Emrik Frida Gustaf Hedda".split()
"""First names of the people in worked examples; no sample has them."""

_STARTS = "Alder Barrow Cor Dun Eller Fal Gran Hasel Inger Jar Kel Lum Mor Nether Ock Pel Quil Rav Stan Tarn Uff Vel"
_ENDS = "bane brook combe dale feld grove hurst isk lund mere nall ombe rick stow thorne ulf vane wick yard zell"
LAST = [start + end for start in _STARTS.split() for end in _ENDS.split()]
