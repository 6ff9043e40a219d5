"""What `run.py` is made of: the lab (peers, data), measuring in turns, and the rows."""
