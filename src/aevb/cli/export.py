"""aevb-export: write the networks of a finished run in a format that other programs read."""

import os

from aevb.cli.arguments import Arguments, run_command, user_path
from aevb.cli.flags import take_trusted
from aevb.console.typed import as_typed
from aevb.errors import UserError
from aevb.files.regular import check_folder
from aevb.runs.run_reference import is_archived, unpacked_run
from aevb.runs.settings import read_settings

__all__ = ["export"]

FORMATS = ("safetensors", "onnx", "torch_export")  # of aevb.evaluation.export, which loads torch
KEYS = {"run": "the directory of a finished run", "format": "a format", "output_dir": "a folder"}


def export() -> None:
    """aevb-export run=DIRECTORY format=FORMAT: the encoder and decoder of a finished run for other programs."""
    run_command("aevb-export", _export)


def _export() -> int:
    parser = Arguments("aevb-export", description=export.__doc__, allow_abbrev=False)
    parser.add_argument(
        "settings",
        nargs="+",
        metavar="key=value",
        help=f"run: directory of a finished run, or ARCHIVE.zip:NAME; format: {', '.join(FORMATS)}; output_dir: folder (<run>/export)",
    )
    trusted = take_trusted()
    settings = _settings(parser.parse_args().settings)
    if is_archived(settings["run"]) and "output_dir" not in settings:
        raise UserError(
            f"output_dir: missing, and {settings['run']} is in an archive, which is not written to; "
            "allowed: a folder; try: output_dir=outputs/export"
        )
    run = unpacked_run(user_path(settings["run"]), parser)
    read_settings(run)  # a folder that is no run is refused before torch is loaded
    output_dir = user_path(settings["output_dir"]) if "output_dir" in settings else run / "export"
    if "output_dir" not in settings:
        check_folder(output_dir)  # a link in a run directory from elsewhere is not followed
    from aevb.evaluation.export import export_run
    from aevb.evaluation.loading import load_run

    for path in export_run(load_run(run, trusted=trusted), settings["format"], output_dir):  # type: ignore[arg-type]
        print(f"{path} ({path.stat().st_size / 1e6:.2f} MB, equal to the model)")
    return 0


def _settings(arguments: list[str]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if key in KEYS and equals and not value:
            raise UserError(f"{key}=: empty; allowed: {KEYS[key]}; try: --help")
        if key not in KEYS or not equals:
            if os.path.lexists(user_path(argument)):
                raise UserError(
                    f"{argument}: not of the form key=value; allowed: key=value; try: {as_typed('run', argument)}"
                )
            raise UserError(f"{argument}: no such setting; allowed: {', '.join(f'{k}=...' for k in KEYS)}; try: --help")
        quoted = (
            value[0] in "'\"" and value[-1:] == value[0] and len(value) > 2 and not os.path.lexists(user_path(value))
        )
        settings[key] = value[1:-1] if quoted else value  # as the commands that Hydra reads suggest it: run="my runs"
    if "run" not in settings:
        raise UserError("run: missing; allowed: the directory of a finished run; try: run=outputs/runs/NAME")
    if (chosen := settings.get("format")) not in FORMATS:
        wrong = "format: missing" if chosen is None else f"format={chosen}: no such format"
        raise UserError(f"{wrong}; allowed: {', '.join(FORMATS)}; try: format=safetensors")
    return settings
