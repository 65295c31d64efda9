"""`python -m tf_imgtrans` is `tf-imgtrans`."""

from tf_imgtrans.cli.main import main

main()
