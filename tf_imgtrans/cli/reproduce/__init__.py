"""`tf-imgtrans reproduce PAPER TABLE`: the papers' tables, measured anew and set beside the published numbers."""
