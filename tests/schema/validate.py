#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# validate.py SCHEMA FILE...: says what in the files the JSON schema does not allow. A file that ends in .jsonl holds a document a line.
# Exit status 77 when there is no jsonschema (Debian: python3-jsonschema).
import json
import sys

try:
    from jsonschema import Draft202012Validator
except ImportError:
    print("python3-jsonschema is not installed")
    sys.exit(77)


def refuse_doubles(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key comes twice: %s" % [key for key, _ in pairs])
    return dict(pairs)


def documents(path):
    with open(path, encoding="utf-8", newline="") as file:  # strict: what is no UTF-8 is an error
        text = file.read()
    for one in text.splitlines() if path.endswith(".jsonl") else [text]:
        yield json.loads(one, object_pairs_hook=refuse_doubles)


with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
bad = False
for path in sys.argv[2:]:
    for document in documents(path):
        for error in validator.iter_errors(document):
            bad = True
            print("%s: %s: %s" % (path, error.json_path, error.message[:300]))
sys.exit(1 if bad else 0)
