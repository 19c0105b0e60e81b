"""The HTML report of runs: `collect` reads them, `plots` draws, `page` puts one self-contained file together."""
