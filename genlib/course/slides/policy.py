"""What a page of slides may run and fetch: the scripts that we put into it, by their hashes, and nothing from outside.

So markup that gets into a page with a name, a state or an output can draw something odd, and can run nothing.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable

PLACE = "THE-POLICY-OF-THIS-PAGE"  # stands in the page until all its scripts are known
# Figures and fonts stand in the file, MathJax and reveal.js write styles, and the speaker view frames the deck itself.
_REST = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; frame-src 'self' file:; "
    "base-uri 'none'; form-action 'none'"
)


def policy(scripts: Iterable[str]) -> str:
    """The content security policy of a page with these inline scripts."""
    hashes = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts)
    allowed = dict.fromkeys(f"'sha256-{digest}'" for digest in hashes)
    return f"{_REST}; script-src {' '.join(allowed)}"


def of_speaker_view(notes: str) -> str:
    """The script of the window that reveal.js' notes plugin opens: it writes that window from a string of its own."""
    written = re.search(r'document\.write\(("(?:[^"\\]|\\.)*")\)', notes)
    page = json.loads(re.sub(r"\\x([0-9a-f]{2})", r"\\u00\1", written[1])) if written else ""
    script = re.search(r"<script>(.*?)</script>", page, re.S)
    if script is None:
        raise ValueError("the notes plugin writes its window in another way")
    return script[1]


def harmless(text: str) -> str:
    """JSON for the inside of <script>: no markup can begin in it."""
    return text.replace("<", "\\u003c")


def harmless_code(text: str) -> str:
    """JavaScript for the inside of <script>. In a string "<\\/", "<\\!" and "<\\s" mean the same without the stroke."""
    return re.sub(r"<(?=/|!--|script)", r"<\\", text, flags=re.I)
