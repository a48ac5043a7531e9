#!/usr/bin/env python3
"""Judges every vector by the algorithms of README.md, written here a second time with Python's standard library alone.

    python3 check.py            every vector beside this file
    python3 check.py FOLDER     every vector in a folder that is built like this one

Prints how many there are of each family. Exits 1, naming the files, when a judgement is not the expected one.
"""

import hashlib
import json
import pathlib
import re
import struct
import sys
import zlib

ALPHABETS = {
    "base62": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "base58": "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
    "base36": "0123456789abcdefghijklmnopqrstuvwxyz",
    "hex": "0123456789abcdef",
}
WIDTHS = {"base62": 6, "base58": 6, "base36": 7, "hex": 8}
GENESIS = bytes(32)


def checksum(text, alphabet):
    """CRC-32 of a text, in an alphabet, padded with its zero."""
    digits = ALPHABETS[alphabet]
    number = zlib.crc32(text.encode())
    written = ""
    for _ in range(WIDTHS[alphabet]):
        number, digit = divmod(number, len(digits))
        written = digits[digit] + written
    return written


def recognises(form, environment, token):
    """Whether a token has this form with this environment."""
    pattern = ""
    has_checksum = False
    for part in re.findall(r"\{[^}]*\}|[^{]+", form["template"]):
        length = re.fullmatch(r"\{(?:short|secret):(\d+)\}", part)
        if part == "{prefix}":
            pattern += re.escape(form["prefix"])
        elif part == "{env}":
            pattern += re.escape(environment)
        elif length:
            pattern += "[%s]{%s}" % (ALPHABETS[form["alphabet"]], length[1])
        elif part == "{crc}":
            has_checksum = True
        else:
            pattern += re.escape(part)
    front, end = token, ""
    if has_checksum:
        width = WIDTHS[form["alphabet"]]
        front, end = token[:-width], token[-width:]
    is_well_formed = re.fullmatch(pattern, front) is not None
    return is_well_formed and (not has_checksum or end == checksum(front, form["alphabet"]))


def link(row):
    """The bytes that a row's hash is of."""
    hashed = b"keyward.audit.v1\0" + bytes.fromhex(row["previous"])
    hashed += struct.pack(">qq", row["seq"], row["time"])
    for field in ("actor", "action", "subject", "details"):
        text = row[field].encode()
        hashed += struct.pack(">Q", len(text)) + text
    return hashed


def first_bad(rows):
    """The number of the first row that is not whole or does not follow the one before."""
    seq, previous = 1, GENESIS.hex()
    for row in rows:
        is_whole = row["hash"] == hashlib.sha256(link(row)).hexdigest()
        if row["seq"] != seq or row["previous"] != previous or not is_whole:
            return row["seq"]
        seq, previous = seq + 1, row["hash"]
    return None


def judge_token(vector):
    form = vector["format"]
    known = any(recognises(form, each, vector["token"]) for each in form["environments"])
    return {"expect": "valid" if known else "malformed"}


def judge_checksum(vector):
    right = checksum(vector["text"], vector["alphabet"]) == vector["checksum"]
    return {
        "crc32": "%08x" % zlib.crc32(vector["text"].encode()),
        "expect": "valid" if right else "malformed",
    }


def judge_hash(vector):
    right = hashlib.sha256(vector["token"].encode()).hexdigest() == vector["hash"]
    return {"expect": "valid" if right else "not_found"}


def judge_audit(vector):
    rows, head = vector["rows"], vector.get("head")
    bad = first_bad(rows)
    judged = {"expect": "ok" if bad is None else "damaged", "firstBad": bad}
    if head:
        ends = {0: GENESIS.hex()} | {row["seq"]: row["hash"] for row in rows}
        is_held = bad is None and ends.get(head["seq"]) == head["hash"]
        judged["expectAgainstHead"] = "ok" if is_held else "damaged"
    if "hashed" in vector:
        judged["hashed"] = link(rows[0]).hex()
    return judged


FAMILIES = {
    "token": judge_token,
    "checksum": judge_checksum,
    "hash": judge_hash,
    "audit": judge_audit,
}


def main(folder):
    wrong = []
    for family in sorted(path for path in folder.iterdir() if path.is_dir()):
        files = sorted(family.iterdir())
        for file in files:
            # A folder that is not in the list above is an error, so that no family goes unread.
            vector = json.loads(file.read_text(encoding="utf-8"))
            judged = FAMILIES[family.name](vector)
            expected = {field: vector.get(field) for field in judged}
            if judged != expected:
                wrong.append(f"{family.name}/{file.name}: {judged}, expected {expected}")
        print(f"{family.name} {len(files)}")
    print("\n".join(wrong), end="\n" if wrong else "", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    here = pathlib.Path(__file__).resolve().parent
    sys.exit(main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here))
