"""`python -m tf_imgtrans.tables`: for maintainers, keeps results beside their paper and writes its README from them."""

import tyro

from tf_imgtrans.tables.results import keep, readme

if __name__ == "__main__":
  tyro.extras.subcommand_cli_from_dict({"keep": keep, "readme": readme})
