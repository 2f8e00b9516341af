"""The tour of the README: its code blocks that begin with ```bash tour are one script, which runs from top to bottom. The blocks that
begin with ```json tour are the responses, in the same order.

The script contains what a reader enters after `config/up` in the folder of the repository: http://127.0.0.1:8080 and .run/ are replaced
by those of another stack. A command that fails ends the tour; with curl this includes an error status.
"""

import json
import re
from pathlib import Path
from typing import Any

# Fields whose values differ from run to run, or with the day of the run. Only their types are compared.
VARIABLE = {
    "id", "reading", "available", "expired", "observed_at", "received_at", "checked_at", "counted_at", "created_at", "updated_at", "instance",
    "at", "ends", "expires_at", "started_at", "minute", "writes", "look_ups", "hits", "ended_at", "behind_ms", "clock_offset_ms", "epoch", "event", "next",
    "token", "today", "days", "due", "reason",
}


def blocks(readme: str, language: str) -> list[str]:
    return re.findall(rf"^```{language} tour\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)


def script_of(readme: str, url: str, state: Path) -> str:
    """Returns: the script; empty when the README has no tour."""
    script = "".join(blocks(readme, "bash"))
    return script.replace("http://127.0.0.1:8080", url).replace(".run/", f"{state}/")


def responses_of(readme: str) -> list[Any]:
    """Returns: the responses that the README shows. A block may have several."""
    text, found = "".join(blocks(readme, "json")).strip(), []
    while text:
        response, end = json.JSONDecoder().raw_decode(text)
        found.append(response)
        text = text[end:].lstrip()
    return found


def comparable(response: Any) -> Any:
    """Returns: the response, with the type instead of the value of each variable field."""
    if isinstance(response, list):
        return [comparable(each) for each in response]
    if isinstance(response, dict):
        shown = {name: type(value).__name__ if name in VARIABLE else comparable(value) for name, value in response.items()}
        return shown | {name: "time or null" for name in ("last_used_at",) if name in response}  # stored once a minute
    return response
