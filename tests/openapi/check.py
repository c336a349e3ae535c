#!/usr/bin/env python3
"""Holds the sandbox to licenses.yaml with schemathesis, and drives it with wxc_sdk as a real client does.

    pip install -r tests/openapi/requirements.txt
    tests/openapi/check.py [target/debug/seatbatch]
"""

import copy
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

HERE = Path(__file__).parent
PROGRAM = sys.argv[1] if len(sys.argv) > 1 else HERE.parents[1] / "target/debug/seatbatch"
TOKEN = "openapi-token"


class Sandbox:
    """A sandbox of its own for each check."""

    def __init__(self, wire, users=1000):
        self.process = subprocess.Popen(
            [PROGRAM, "sandbox", "--wire", wire, "--token", TOKEN, "--users", str(users)],
            stdout=subprocess.PIPE, text=True,
        )
        self.url = self.process.stdout.readline().removeprefix("listening on ").strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def object_form(document):
    """The same document in the form that the live reference describes: one user a request."""
    document = copy.deepcopy(document)
    patch = document["paths"]["/licenses/users"]["patch"]
    patch["requestBody"]["content"]["application/json"]["schema"] = {
        "$ref": "#/components/schemas/LicenseAssignment"
    }
    held = {"application/json": {"schema": {"$ref": "#/components/schemas/UserLicenses"}}}
    for status in ("200", "206"):
        patch["responses"][status]["content"] = held
    return document


def known_names(document):
    """Examples with names that the sandbox knows, so that not everything ends at an unknown user."""
    with Sandbox("array") as sandbox:
        import requests

        headers = {"Authorization": f"Bearer {TOKEN}"}
        licenses = requests.get(f"{sandbox.url}/licenses", headers=headers, timeout=10).json()["items"]
    ids = [license["id"] for license in licenses]
    assignment = document["components"]["schemas"]["LicenseAssignment"]["properties"]
    assignment["email"]["examples"] = [f"user{number}@example.com" for number in range(1, 6)]
    assignment["licenses"]["items"]["properties"]["id"]["examples"] = ids
    assignment["siteUrls"]["items"]["properties"]["siteUrl"]["examples"] = ["meet.example.com"]
    for parameter in document["paths"]["/licenses/{licenseId}"]["get"]["parameters"]:
        if parameter["name"] == "licenseId":
            parameter["examples"] = {f"known{n}": {"value": value} for n, value in enumerate(ids)}
    return document


def schemathesis(wire, document):
    with Sandbox(wire) as sandbox, tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "licenses.yaml")
        path.write_text(yaml.safe_dump(document))
        command = [
            Path(sys.executable).with_name("schemathesis"), "run", path, "--url", sandbox.url,
            "-H", f"Authorization: Bearer {TOKEN}", "--checks", "all", "--max-examples", "60",
            "--phases", "examples,coverage,fuzzing", "--seed", "7", "--workers", "1", "--warnings", "off",
            # What is well-formed may still name a user or license that is not there.
            "--exclude-checks", "positive_data_acceptance",
        ]
        ended = subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONWARNINGS": "ignore"}, check=False)
        return ended.returncode


def wxc_sdk():
    from wxc_sdk import WebexSimpleApi
    from wxc_sdk.licenses import (
        LicenseProperties, LicenseRequest, LicenseRequestOperation, SiteAccountType, SiteUrlsRequest,
    )
    from wxc_sdk.rest import RestError, RestSession

    with Sandbox("object", users=700) as sandbox:
        RestSession.BASE = sandbox.url
        with WebexSimpleApi(tokens=TOKEN) as api:
            licenses = {license.name: license for license in api.licenses.list()}
            messaging, calling = licenses["Messaging"], licenses["Webex Calling - Professional"]
            assert messaging.total_units == 700 and calling.webex_calling_professional
            for number in range(1, 651):
                held = api.licenses.assign_licenses_to_users(
                    email=f"user{number}@example.com", licenses=[LicenseRequest(id=messaging.license_id)]
                )
                assert held.licenses == [messaging.license_id], held
            assert api.licenses.details(messaging.license_id).consumed_units == 650
            holders = [user.email for user in api.licenses.assigned_users(messaging.license_id, limit=300)]
            assert len(set(holders)) == 650, len(holders)

            held = api.licenses.assign_licenses_to_users(
                email="user1@example.com",
                licenses=[
                    LicenseRequest(id=calling.license_id, properties=LicenseProperties(phone_number="+14085550100")),
                    LicenseRequest(id=messaging.license_id, operation=LicenseRequestOperation.remove),
                ],
                site_urls=[SiteUrlsRequest(site_url="meet.example.com", account_type=SiteAccountType.attendee)],
            )
            assert held.licenses == [calling.license_id] and held.site_urls[0].site_url == "meet.example.com", held

            def refused(status, code, **request):
                try:
                    api.licenses.assign_licenses_to_users(**request)
                except RestError as error:
                    detail = error.detail
                    assert error.response.status_code == status, error.response.status_code
                    assert detail.tracking_id == error.response.headers["trackingid"], detail
                    assert error.response.json()["errors"][0].get("errorCode") == code, error.response.text
                else:
                    raise AssertionError(f"{request} was taken")

            refused(400, "400000", email="user2@example.com", licenses=[LicenseRequest(id="nothing")])
            refused(400, "400411", email="user2@example.com", licenses=[LicenseRequest(id=calling.license_id)])
            refused(404, "404", email="nobody@example.com", licenses=[LicenseRequest(id=messaging.license_id)])
            refused(
                400, None, email="user2@example.com",
                site_urls=[SiteUrlsRequest(site_url="meet.example.com", account_type=SiteAccountType.host)],
            )
            refused(404, "404", email="user2@example.com", org_id="another", licenses=[])
    return 0


def main():
    document = known_names(yaml.safe_load((HERE / "licenses.yaml").read_text()))
    checks = [
        ("schemathesis, array form", lambda: schemathesis("array", document)),
        ("schemathesis, object form", lambda: schemathesis("object", object_form(document))),
        ("wxc_sdk", wxc_sdk),
    ]
    for name, check in checks:
        print(f"-- {name}", flush=True)
        code = check()
        if code:
            sys.exit(f"{name} ended with {code}")
    print("the sandbox answers as documented")


if __name__ == "__main__":
    main()
