#!/usr/bin/env python3
"""The server seen from outside: the official SDK of the Model Context Protocol for Python drives the program.

    mcp_client.py PROGRAM

Needs the package `mcp` 2.3 (pypi.org); .ci/run installs it. The SDK itself checks every message against the protocol's
schema, and what a tool gives in fields against the schema that the tool announced.
"""

import asyncio
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp_types import Implementation

TOOLS = {
    "memory_add", "memory_search", "memory_get", "memory_update", "memory_forget", "timeline", "decision_record",
    "decision_outcome", "hub_status",
}


def environment(home):
    run = os.path.join(home, "run")
    os.makedirs(run, exist_ok=True)
    return {"PATH": os.environ["PATH"], "HOME": home, "XDG_RUNTIME_DIR": run, "LANG": "C.UTF-8", "TZ": "UTC"}


def events(program, home):
    """Every event that a verb sees, by its correlation."""
    command = [program, "events", "query", "*.>", "-n", "1000", "--json"]
    printed = subprocess.run(command, env=environment(home), cwd=home, check=True, capture_output=True, text=True)
    found = {}
    for line in printed.stdout.splitlines():
        event = json.loads(line)
        found.setdefault(event["correlationid"], []).append(event)
    return found


async def main(program):
    for mode in ["legacy", "auto"]:
        with tempfile.TemporaryDirectory() as home:
            try:
                await session(program, home, mode)
            finally:
                end(program, home)


def end(program, home):
    """Ends the hub that the server started, which would wait for the next client."""
    asked = subprocess.run([program, "status", "--json"], env=environment(home), cwd=home, check=True, capture_output=True)
    hub = json.loads(asked.stdout)
    with open(os.path.join(hub["data_dir"], "lock")) as lock:
        os.kill(hub["pid"], signal.SIGTERM)
        fcntl.flock(lock, fcntl.LOCK_EX)


async def session(program, home, mode):
    server = StdioServerParameters(command=program, args=["mcp"], env=environment(home), cwd=home)
    who = Implementation(name="sdk-client", version="1")
    async with Client(server, mode=mode, client_info=who, read_timeout_seconds=30) as client:
        assert client.server_info.name == "wheelhouse", client.server_info
        assert "memory_search" in client.instructions
        listed = (await client.list_tools()).tools
        assert {tool.name for tool in listed} == TOOLS, [tool.name for tool in listed]
        for tool in listed:
            assert tool.annotations.open_world_hint is False and tool.output_schema["type"] == "object", tool.name

        calls, took = [], []

        async def call(tool, **arguments):
            start = time.perf_counter()
            result = await client.call_tool(tool, arguments)
            took.append((time.perf_counter() - start) * 1000)
            assert not result.is_error, (tool, result.content[0].text)
            calls.append((tool, result.meta["wheelhouse/correlation_id"]))
            return result.structured_content

        saved = await call("memory_add", content="Roll back before you restart workers.", tags=["deploy"], type="gotcha")
        found = await call("memory_search", query="restart the workers")
        assert found["results"][0]["title"] == "Roll back before you restart workers.", found
        short = found["results"][0]["id"]
        got = await call("memory_get", ids=[short])
        assert got["records"][0]["id"] == saved["id"]
        assert (await call("memory_update", id=short, importance=0.9))["revision"] == 2
        decided = await call(
            "decision_record", title="Restart by hand", options=[{"title": "by hand", "pros": ["seen"]}, {"title": "by a job"}],
            chosen_option="by hand", rationale="A restart drops the queue.", confidence=0.8, status="accepted",
        )
        assert re.fullmatch(r"D-\d{4}", decided["number"]), decided
        await call("decision_outcome", id=decided["number"], status="successful", rating=5)
        got = await call("memory_get", ids=[decided["number"], saved["id"]])
        assert [record["kind"] for record in got["records"]] == ["decision", "memory"]
        happened = await call("timeline", anchor=decided["number"])
        assert any(event["type"] == "decision.recorded" for event in happened["events"]), happened
        status = await call("hub_status")
        assert (status["memories"], status["decisions"]) == (1, 1), status

        wrong = await client.call_tool("memory_add", {"contnt": "c"})
        assert wrong.is_error and "did you mean `content`" in wrong.content[0].text, wrong
        try:
            await client.call_tool("memory_serch", {})
            raise AssertionError("an unknown tool was called")
        except MCPError as error:
            assert "did you mean memory_search?" in str(error), error

        uri = f"wheelhouse://memory/{saved['id']}"
        listed = (await client.list_resources()).resources
        assert uri in {str(resource.uri) for resource in listed}, listed
        assert len((await client.list_resource_templates()).resource_templates) == 2
        read = await client.read_resource(uri)
        assert "Roll back before" in read.contents[0].text
        prompt = await client.get_prompt("record_decision", {"topic": "queues"})
        assert "queues" in prompt.messages[0].content.text
        if mode != "legacy":
            async with client.listen(resource_subscriptions=[uri]) as changes:
                await client.call_tool("memory_update", {"id": short, "title": "Roll back first"})
                async for change in changes:
                    assert str(change.uri) == uri, change
                    break

        assert (await call("memory_forget", id=short))["state"]

        told = {}
        for _ in range(200):
            told = events(program, home)
            missing = [tool for tool, correlation in calls if correlation not in told]
            if set(missing) <= {"timeline", "hub_status"}:
                break
            await asyncio.sleep(0.05)
        for tool, correlation in calls:
            kinds = sorted(event["type"] for event in told.get(correlation, []))
            if tool in ("timeline", "hub_status"):
                assert not kinds, (tool, kinds)
            else:
                assert kinds, f"{tool} is not in the timeline"
                assert all(event["actor"].endswith("/sdk-client") for event in told[correlation])
        took.sort()
        print(
            f"{mode}: protocol {client.protocol_version}, {len(TOOLS)} tools, {len(calls)} calls, each that changes or finds "
            f"something in the timeline with its correlation; a call took {took[len(took) // 2]:.1f} ms (median), "
            f"{took[-1]:.1f} ms (longest)"
        )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    asyncio.run(main(os.path.abspath(sys.argv[1])))
