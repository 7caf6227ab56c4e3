#!/usr/bin/env python3
"""Releases a version with Bellwether: submit, follow with a resume token, approve, and abort on request.

The stubs are generated from the repository's proto/ into a temporary directory on each start; a real client generates them once.
"""

import argparse
import atexit
import hashlib
import os
import pathlib
import shutil
import sys
import tempfile
import uuid

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from grpc_tools import protoc

ROOT = pathlib.Path(__file__).resolve().parents[3]


def generate() -> None:
    """Makes `bellwether.planner.v1.…_pb2` importable."""
    out = tempfile.mkdtemp(prefix="bellwether-python-")
    atexit.register(shutil.rmtree, out, ignore_errors=True)
    files = [str(f.relative_to(ROOT / "proto")) for f in (ROOT / "proto").rglob("*.proto")]
    well_known = pathlib.Path(protoc.__file__).parent / "_proto"
    arguments = ["protoc", f"-I{ROOT / 'proto'}", f"-I{well_known}", f"--python_out={out}", f"--grpc_python_out={out}", *files]
    if protoc.main(arguments) != 0:
        sys.exit("the contracts could not be generated")
    sys.path.insert(0, out)


generate()
from bellwether.executor.v1 import fleet_pb2  # noqa: E402
from bellwether.planner.v1 import commands_pb2, release_pb2, service_pb2, service_pb2_grpc  # noqa: E402

State = release_pb2.Release.State
FINAL = {
    State.STATE_COMPLETED: 0,
    State.STATE_ROLLED_BACK: 30,
    State.STATE_REJECTED: 31,
    State.STATE_CANCELLED: 31,
    State.STATE_EXPIRED: 31,
    State.STATE_SUPERSEDED: 31,
    State.STATE_FAILED: 33,
}


def explain(error: grpc.RpcError) -> str:
    """An error with its reason, remedy and every violation."""
    status = rpc_status.from_call(error)
    if status is None:
        return f"{error.code().name}: {error.details()}"
    lines = [f"{error.code().name}: {status.message}"]
    for detail in status.details:
        info, bad, precondition = (
            error_details_pb2.ErrorInfo(),
            error_details_pb2.BadRequest(),
            error_details_pb2.PreconditionFailure(),
        )
        if detail.Unpack(info):
            lines.append(f"  {info.reason}: {info.metadata.get('remedy', '')}")
        elif detail.Unpack(bad):
            lines += [f"  {v.field}: {v.description}" for v in bad.field_violations]
        elif detail.Unpack(precondition):
            lines += [f"  {v.type} {v.subject}: {v.description}" for v in precondition.violations]
    return "\n".join(lines)


class Follower:
    """Follows one release. After a break it goes on from the last token: nothing is missed, nothing comes twice."""

    def __init__(self, planner, name: str):
        self.planner, self.name = planner, name
        self.token, self.last_sequence, self.connections = "", 0, 0

    def releases(self, break_after: int):
        """Yields the release at each change. The first connection is dropped on purpose after `break_after` messages."""
        while True:
            request = service_pb2.WatchReleasesRequest(filter=f'name = "{self.name}"', resume_token=self.token)
            stream = self.planner.WatchReleases(request)
            self.connections += 1
            try:
                for count, message in enumerate(stream, 1):
                    kind = message.WhichOneof("message")
                    if kind == "snapshot":
                        yield message.snapshot
                    elif kind == "changed":
                        change = message.changed.change
                        if change.sequence <= self.last_sequence:
                            sys.exit(f"the stream repeated sequence {change.sequence}")
                        self.last_sequence, self.token = change.sequence, change.resume_token
                        print(f"  {change.sequence:>6} {change.fact}")
                        yield message.changed.release
                    elif kind in ("current", "heartbeat"):
                        self.token = getattr(message, kind).resume_token
                    if self.connections == 1 and count >= break_after and self.token:
                        print("  -- connection dropped on purpose; resuming")
                        stream.cancel()
                        break
            except grpc.RpcError as error:
                if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                    raise


def artifact(path: str) -> fleet_pb2.Artifact:
    data = pathlib.Path(path).resolve()
    return fleet_pb2.Artifact(name=data.name, digest=hashlib.sha256(data.read_bytes()).hexdigest(), path=str(data))


def waits_for_approval(release) -> str:
    """The environment that waits for somebody's approval, or an empty string."""
    for environment in release.environments:
        for condition in environment.conditions:
            if condition.kind == release_pb2.Condition.KIND_APPROVAL and condition.state == release_pb2.Condition.STATE_UNMET:
                return environment.environment
    return ""


def run(args) -> int:
    credentials = []
    if token := os.environ.get("BELLWETHER_TOKEN"):
        credentials = [("authorization", f"Bearer {token}")]
    channel = grpc.insecure_channel(args.server)
    if credentials:
        channel = grpc.intercept_channel(channel, Bearer(credentials))
    planner = service_pb2_grpc.ReleasePlannerServiceStub(channel)

    bundle = release_pb2.Bundle(version=args.version, configuration=dict(pair.split("=", 1) for pair in args.set))
    if args.artifact:
        bundle.artifact.CopyFrom(artifact(args.artifact))
    request = service_pb2.SubmitReleaseRequest(request_id=str(uuid.uuid4()), application=args.application, bundle=bundle)
    submitted = planner.SubmitRelease(request, timeout=10).release
    again = planner.SubmitRelease(request, timeout=10).release
    if again.name != submitted.name:
        sys.exit("the same request_id made two releases")
    print(f"{submitted.display_name} is {submitted.name}")

    follower, approved, aborted = Follower(planner, submitted.name), set(), False
    for release in follower.releases(break_after=3):
        environment = waits_for_approval(release)
        if environment and environment not in approved:
            planner.ApproveRelease(
                commands_pb2.ApproveReleaseRequest(
                    name=release.name,
                    environment=environment,
                    reason="approved by the Python example",
                    etag=release.metadata.etag,
                ),
                timeout=10,
            )
            approved.add(environment)
        if args.abort and not aborted and release.state == State.STATE_ROLLING_OUT:
            aborted = abort(planner, release)
        if release.state in FINAL:
            print(f"{release.display_name}: {State.Name(release.state)} ({release.reason.code}: {release.reason.text})")
            print(f"followed over {follower.connections} connections without a gap")
            return FINAL[release.state]
    return 1


def abort(planner, release) -> bool:
    """Takes the rollout back; not yet possible while the executor has not taken it over."""
    if not any(environment.rollout for environment in release.environments):
        return False
    planner.AbortRelease(
        commands_pb2.AbortReleaseRequest(name=release.name, reason="aborted by the Python example"), timeout=10
    )
    return True


class Bearer(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Adds the token to each call."""

    def __init__(self, metadata):
        self.metadata = metadata

    def intercept_unary_unary(self, continuation, details, request):
        return continuation(self.add(details), request)

    def intercept_unary_stream(self, continuation, details, request):
        return continuation(self.add(details), request)

    def add(self, details):
        return details._replace(metadata=[*(details.metadata or []), *self.metadata])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", default="127.0.0.1:7420")
    parser.add_argument("--application", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--artifact", help="the file to run")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="configuration of this release")
    parser.add_argument("--abort", action="store_true", help="take it back as soon as it rolls out")
    try:
        return run(parser.parse_args())
    except grpc.RpcError as error:
        print(explain(error), file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
