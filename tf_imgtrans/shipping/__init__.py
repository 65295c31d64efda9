"""The trained models of saved_models/: how each is trained, measured, exported and described."""
