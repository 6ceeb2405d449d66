"""What several tests share: commands as processes, oracles with known answers, small runs."""
