"""Writes schema/openapi.yaml as C for GET /openapi.json: compact JSON, gzipped."""
import gzip
import hashlib
import json
import sys

import yaml

with open(sys.argv[1], encoding="utf-8") as source:
    text = json.dumps(yaml.safe_load(source), separators=(",", ":"), ensure_ascii=False)
packed = gzip.compress(text.encode(), mtime=0)
etag = hashlib.sha256(packed).hexdigest()[:16]
print('#include "coordinator/http/resources.h"\n')
print("static const unsigned char bytes[] = {")
for i in range(0, len(packed), 20):
    print("    " + ",".join(str(b) for b in packed[i:i + 20]) + ",")
print("};")
print('const struct asset openapi_asset = {"/openapi.json", "application/json", '
      f'"\\"{etag}\\"", bytes, sizeof bytes}};')
