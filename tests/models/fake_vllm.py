"""A small script that stands in for vLLM, and what the tests of its server share."""

import fcntl
import json

from harness.models.vllm_server import open_model
from harness.types import Message, ModelOptions, Request, Sampling
from tests.waiting import until

NEVER = str(10**9)
"""So many questions are more than are ever asked while it loads."""

# Answers with its own arguments; is still loading for so many questions as --loading says. Holds a lock on `alive`, and
# so does its worker, until both are gone.
FAKE_VLLM = """
import fcntl, http.server, itertools, json, os, subprocess, sys, time

words = sys.argv[1:]
given = dict(zip(words, words[1:]))
alive = open(os.path.join(os.path.dirname(__file__), "alive"), "a")
fcntl.flock(alive, fcntl.LOCK_SH)
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], pass_fds=[alive.fileno()])
if "--says" in given:
    print(given["--says"], flush=True)
if "--die-at-start" in words:
    raise RuntimeError("the engine is out of luck")
questions = itertools.count()
MODEL = given.get("--model", words[0])

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, body, status=200):
        wanted = "Bearer " + os.environ.get("VLLM_API_KEY", "")
        if "--asks-for-key" in words and "/v1/" in self.path and self.headers["Authorization"] != wanted:
            body, status = {"error": "Unauthorized"}, 401
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        loaded = next(questions) >= int(given.get("--loading", 0))
        self.reply({"/v1/models": {"data": [{"id": given["--served-model-name"], "max_model_len": 512}]},
                    "/version": {"version": "0.0-fake"}}.get(self.path, {}), 200 if loaded else 503)

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = asked["messages"][-1]["content"]
        if text == "crash":
            print("the GPU fell off the bus", flush=True)
            os._exit(3)
        if text == "hang":
            time.sleep(3600)
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        message = {"role": "assistant", "content": json.dumps([words, dict(os.environ), asked])}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        self.reply({"id": "1", "object": "chat.completion", "created": 0, "model": MODEL, "choices": [choice],
                    "usage": usage})

http.server.ThreadingHTTPServer((given["--host"], int(given["--port"])), Handler).serve_forever()
"""


def model_of(command, on_line=lambda line: None, max_retries=5, **extra):
    options = ModelOptions(extra={"command": command, **extra}, max_retries=max_retries)
    model = open_model("org/name", options)
    model.on_line = on_line
    return model


async def ask(model, text="hello"):
    return await model.complete(Request((Message("user", text),), Sampling()))


async def talk(model, text="hello"):
    """Start, one question, close."""
    try:
        await model.start()
        return await ask(model, text)
    finally:
        await model.close()


def arguments_in(completion):
    return json.loads(completion.text)[0]


def wait_until_gone(home):
    """Until neither server nor worker is left."""
    until(lambda: not is_running(home), "the server and its worker are gone")


def is_running(home):
    """Whether the server has started, and it or its worker is still there."""
    if not (home / "alive").exists():
        return False
    with (home / "alive").open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def registrations(home):
    return list((home / "servers").glob("*.json"))
