"""From records to what is said about them: counts, tables, effects, the gate, the leaderboard, other formats."""
