"""Writes the built dashboard as C: every file of a folder gzipped, in the form of coordinator/http/assets.h.

Usage: assets.py FOLDER > assets.c
"""
import gzip
import hashlib
import pathlib
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}


def c_bytes(data):
    rows = (data[i : i + 24] for i in range(0, len(data), 24))
    return ",\n".join("    " + ",".join(map(str, row)) for row in rows)


def main(folder):
    table = []
    print('#include "coordinator/http/assets.h"\n\n#include <stddef.h>\n')
    for i, path in enumerate(sorted(p for p in pathlib.Path(folder).iterdir() if p.suffix in TYPES)):
        data = path.read_bytes()
        packed = gzip.compress(data, 9, mtime=0)
        print(f"static const unsigned char file_{i}[] = {{\n{c_bytes(packed)}}};\n")
        url = "/" if path.name == "index.html" else "/" + path.name
        etag = hashlib.sha256(data).hexdigest()[:16]
        table.append(f'    {{"{url}", "{TYPES[path.suffix]}", "\\"{etag}\\"", file_{i}, sizeof(file_{i})}},')
    print("const struct asset assets[] = {", *table, "    {NULL, NULL, NULL, NULL, 0},", "};", sep="\n")


main(sys.argv[1])
