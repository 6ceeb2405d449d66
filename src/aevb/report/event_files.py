"""TensorBoard event files written whole, without torch: scalars, the layout of Custom Scalars, hyperparameters, text.

What torch.utils.tensorboard writes at the speed of training is written here at once, from records; the same values give the
same bytes, since the wall time of an event is not that of the writing.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from aevb.files.atomic import write_atomically

__all__ = ["custom_scalars", "experiment", "scalar", "session", "text", "write_event_file"]

TIME = 1_387_497_600.0
"""Wall time of every event: 20 December 2013, when the paper appeared."""


def scalar(tag: str, samples_seen: int, value: float) -> Any:
    """Return an event with one value of a curve.

    Args:
        tag: The tag of the curve.
        samples_seen: The training samples seen.
        value: The value.
    """
    event = _event(samples_seen)
    event.summary.value.add(tag=tag, simple_value=value)
    return event


def text(tag: str, markdown: str) -> Any:
    """Return an event that the Text tab shows.

    Args:
        tag: The tag.
        markdown: The text in Markdown.
    """
    return _string_event(f"{tag}/text_summary", "text", b"", markdown.encode())


def custom_scalars(categories: dict[str, dict[str, tuple[str, ...] | list[tuple[str, str, str]]]]) -> Any:
    """Return the layout of the Custom Scalars tab.

    Args:
        categories: Charts by category and title: a tuple of tags (regular expressions) for lines, a list of (value, lower, upper) for
            lines with a band.
    """
    from tensorboard.plugins.custom_scalar import layout_pb2 as proto

    layout = proto.Layout()
    for title, charts in categories.items():
        category = layout.category.add(title=title)
        for name, content in charts.items():
            chart = category.chart.add(title=name)
            if isinstance(content, tuple):
                chart.multiline.tag.extend(content)
            else:
                for value, lower, upper in content:
                    chart.margin.series.add(value=value, lower=lower, upper=upper)
    return _string_event("custom_scalars__config__", "custom_scalars", b"", layout.SerializeToString())


def experiment(columns: dict[str, list[Any]], metrics: list[str]) -> Any:
    """Return the event that says which columns the HParams tab has.

    Args:
        columns: The values of every hyperparameter: all numbers, or texts.
        metrics: Tags of scalars.
    """
    from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2

    data = plugin_data_pb2.HParamsPluginData(version=0)
    data.experiment.description = "the settings that differ between the runs"
    for name, values in columns.items():
        numeric = all(isinstance(value, float) for value in values)
        kind = api_pb2.DATA_TYPE_FLOAT64 if numeric else api_pb2.DATA_TYPE_STRING
        info = data.experiment.hparam_infos.add(name=name, type=kind)
        info.domain_discrete.extend(sorted(set(values)))
    for tag in metrics:
        data.experiment.metric_infos.add(name=api_pb2.MetricName(tag=tag))
    return _string_event("_hparams_/experiment", "hparams", data.SerializeToString())


def session(values: dict[str, Any], status: str) -> list[Any]:
    """Return the two events that make a row of the HParams tab.

    Args:
        values: Hyperparameters by name: numbers or texts.
        status: "SUCCESS", "FAILURE" or "RUNNING".
    """
    from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2

    start, end = plugin_data_pb2.HParamsPluginData(version=0), plugin_data_pb2.HParamsPluginData(version=0)
    start.session_start_info.start_time_secs = TIME
    for name, value in values.items():
        if isinstance(value, float):
            start.session_start_info.hparams[name].number_value = value
        else:
            start.session_start_info.hparams[name].string_value = value
    end.session_end_info.status = api_pb2.Status.Value(f"STATUS_{status}")
    return [
        _string_event("_hparams_/session_start_info", "hparams", start.SerializeToString()),
        _string_event("_hparams_/session_end_info", "hparams", end.SerializeToString()),
    ]


def _event(step: int) -> Any:
    from tensorboard.compat.proto.event_pb2 import Event  # here: a command that writes no events does not wait for it

    return Event(wall_time=TIME, step=step)


def _string_event(tag: str, plugin: str, content: bytes, value: bytes = b"") -> Any:
    event = _event(0)
    summary = event.summary.value.add(tag=tag)
    summary.metadata.plugin_data.plugin_name = plugin
    summary.metadata.plugin_data.content = content
    summary.tensor.dtype = 7  # DT_STRING
    summary.tensor.tensor_shape.SetInParent()
    summary.tensor.string_val.append(value)
    return event


def write_event_file(path: Path, events: Iterable[Any]) -> None:
    """Write an event file as a whole.

    Args:
        path: The file; TensorBoard reads those with "tfevents" in their name.
        events: What the functions above return.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    def write(file: Any) -> None:
        writer = RecordWriter(file)
        writer.write(Event(wall_time=TIME, file_version="brain.Event:2").SerializeToString())
        for event in events:
            writer.write(event.SerializeToString())

    write_atomically(path, write)
