"""The interface document that the service serves, held against OpenAPI's own schema of 3.1."""

import copy
import json
import pathlib

import jsonschema

from harness import ServiceTest, main

SCHEMA = pathlib.Path(__file__).resolve().parents[1] / "data/openapi/oas-3.1.json"


class OpenApi(ServiceTest):
    def test_the_served_document_is_valid_openapi_3_1(self):
        status, document = self.service().json("/v1/openapi.json")
        self.assertEqual(status, 200)
        validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
        self.assertEqual([error.message for error in validator.iter_errors(document)], [])
        # The check can fail: each of these is not OpenAPI.
        for spoil in (
            lambda d: d.pop("info"),
            lambda d: d.update(openapi="3.0.0"),
            lambda d: d["paths"].update({"no-slash": {}}),
            lambda d: d["paths"]["/v1/requests"]["get"].pop("responses")
            and d["paths"]["/v1/requests"]["get"].update(responses=[]),
        ):
            spoiled = copy.deepcopy(document)
            spoil(spoiled)
            self.assertFalse(validator.is_valid(spoiled))


if __name__ == "__main__":
    main()
