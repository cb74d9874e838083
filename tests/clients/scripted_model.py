"""A model server that says what a test tells it to: OpenAI's chat completions over real HTTP."""
from __future__ import annotations

import http.server
import json
import re
import sys
import threading
from typing import Any, Callable


def text_of(request: dict[str, Any]) -> str:
    """All text of a chat request."""
    parts = []
    for message in request["messages"]:
        content = message["content"]
        parts.append(content if isinstance(content, str) else "\n".join(p.get("text", "") for p in content))
    return "\n".join(parts)


def tag_of(text: str) -> str:
    """The verdict tag that a judge's request asks for."""
    found = re.search(r"VERDICT-[0-9a-f]{16}", text)
    return found.group(0) if found else ""


class ScriptedModel:
    """`say(text)` gives the reply to a request with that text; `{tag}` in it becomes the request's verdict tag."""

    def __init__(self, say: Callable[[str], str], port: int = 0):
        self.requests: list[dict[str, Any]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:  # noqa: N802
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.requests.append(request)
                text = text_of(request)
                reply = say(text).replace("{tag}", tag_of(text))
                choices = [{"index": i, "finish_reason": "stop", "message": {"role": "assistant", "content": reply}}
                           for i in range(request.get("n") or 1)]
                body = json.dumps({"id": "x", "object": "chat.completion", "model": request["model"], "choices": choices,
                                   "usage": {"prompt_tokens": len(text) // 4, "completion_tokens": len(reply) // 4}}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> "ScriptedModel":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def main() -> None:
    """Serves until killed, for trying things out: judges SUCCESS whatever it is shown."""
    model = ScriptedModel(lambda text: "Thoughts: I believe everything.\n{tag}: SUCCESS", int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    print(model.url, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
