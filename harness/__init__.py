"""harness: does a language model reason, or only recognise?"""

__version__ = "0.1.0"
