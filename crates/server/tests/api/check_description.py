"""Checks a description of the API, and answers against it.

Reads {"document": …, "answers": [{"name": …, "schema": …, "body": …}]} from standard input and writes
what is wrong, one line each. `schema` is a schema as it stands in the document.
"""

import json
import sys

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

given = json.load(sys.stdin)
document = given["document"]
for error in OpenAPIV31SpecValidator(document).iter_errors():
    print(f"document: {list(error.absolute_path)}: {error.message}")

components = {"components": document["components"]}
for answer in given["answers"]:
    # References are those of the whole document.
    schema = {**components, **answer["schema"]}
    for error in Draft202012Validator(schema).iter_errors(answer["body"]):
        print(f"{answer['name']}: {list(error.absolute_path)}: {error.message}")
