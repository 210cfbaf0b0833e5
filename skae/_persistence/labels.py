"""Categories and names of columns that are no numbers and no text, as JSON and back.

Dates, times and intervals of Python, pandas and polars: each has a tag, its parts, and a function
that makes it again of these. What parts are not numbers or text is encoded in turn.
"""

import importlib
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np

LONGEST_TEXT = 100
"""Most characters of a text that is part of a label. Long ones take pandas seconds to read."""


def is_label(value):
    """Whether a value may be a category, or the name of a column, of a file."""
    if type(value) is tuple:
        return all(part is None or is_label(part) for part in value)
    return isinstance(value, (str, int, float, np.number, np.bool_)) or tag_of(value) in FORMS


def tag_of(value):
    """Name of a value's type, with its package if that is not Python's."""
    package = type(value).__module__.partition(".")[0]
    name = type(value).__name__
    return name if package == "datetime" else f"{package}.{name}"


def parts_of(value):
    """The parts of a label of which `made` makes it again; None if there is no such way."""
    form = FORMS.get(tag_of(value))
    if form is None:
        return None
    try:
        parts = form[0](value)
        same = made(tag_of(value), parts) == value
    except (KeyError, ValueError):  # of a time zone
        return None
    return parts if same else None


def made(tag, parts):
    """The label of a tag and its parts."""
    if any(isinstance(part, str) and len(part) > LONGEST_TEXT for part in parts):
        raise ValueError(f"a text of more than {LONGEST_TEXT} characters")
    return FORMS[tag][1](*parts)


def _pandas():
    try:
        return importlib.import_module("pandas")
    except ImportError as error:
        raise ValueError("needs pandas") from error


def _zone_of(zone):
    """Name of a time zone, or its offset from UTC in seconds; None for none."""
    if zone is None or isinstance(name := getattr(zone, "key", getattr(zone, "zone", None)), str):
        return None if zone is None else name
    offset = zone.utcoffset(None)
    if offset is None:
        raise ValueError("a time zone that has neither a name nor one offset")
    return offset.total_seconds()


def _zone(zone):
    if zone is None:
        return None
    if isinstance(zone, str):
        if zone.startswith(("dateutil", "/")) or ".." in zone:  # of which pandas opens any file
            raise ValueError(f"{zone!r} is the name of no time zone")
        try:
            return ZoneInfo(zone)
        except OSError as error:  # of the name of a folder
            raise ValueError(f"{zone!r} is the name of no time zone") from error
    return timezone(timedelta(seconds=zone))


def _timestamp(text, unit, zone):
    timestamp = _pandas().Timestamp(text).as_unit(unit)
    if zone is None:
        return timestamp
    known = _zone(zone)  # which refuses what is no name, before pandas sees it
    # Names are left to pandas, whose versions make time zones of other classes of them.
    return timestamp.tz_localize("UTC").tz_convert(zone if isinstance(zone, str) else known)


def _parts_of_timestamp(value):
    text = (value if value.tz is None else value.tz_convert(None)).isoformat()
    return [text, value.unit, _zone_of(value.tz)]


FORMS = {
    "date": (lambda value: [value.isoformat()], date.fromisoformat),
    "time": (lambda value: [value.isoformat()], time.fromisoformat),
    "datetime": (
        lambda value: [value.replace(tzinfo=None).isoformat(), value.fold, _zone_of(value.tzinfo)],
        lambda text, fold, zone: datetime.fromisoformat(text).replace(
            fold=fold, tzinfo=_zone(zone)
        ),
    ),
    "timedelta": (lambda value: [value.days, value.seconds, value.microseconds], timedelta),
    "pandas.Timestamp": (_parts_of_timestamp, _timestamp),
    "pandas.Timedelta": (
        lambda value: [value.isoformat(), value.unit],
        lambda text, unit: _pandas().Timedelta(text).as_unit(unit),
    ),
    "pandas.Period": (
        lambda value: [value.ordinal, value.freqstr],
        lambda ordinal, freq: _pandas().Period(ordinal=ordinal, freq=freq),
    ),
    "pandas.Interval": (
        lambda value: [value.left, value.right, value.closed],
        lambda left, right, closed: _pandas().Interval(left, right, closed),
    ),
}
"""Of each tag the function that takes a label apart, and the one that makes it of its parts."""
