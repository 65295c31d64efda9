"""The command line. Modules here import TensorFlow only inside the functions that need it, so that --help is quick."""
