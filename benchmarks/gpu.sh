#!/bin/sh
# Runs gpu.py on a machine that has Python 3 with torch and NumPy, but neither this package nor network access.
#
#     OUT=results benchmarks/gpu.sh            within six minutes, on a GPU
#     OUT=results benchmarks/gpu.sh --small    within a minute, on any machine
#
# WHEELS is a folder of wheels to unpack and import if packages are missing; PYTHON is the interpreter.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
path=$here/../src
if [ -n "${WHEELS:-}" ]; then
    unpacked=$(mktemp -d)
    trap 'rm -rf "$unpacked"' EXIT
    for wheel in "$WHEELS"/*.whl; do
        "${PYTHON:-python3}" -m zipfile -e "$wheel" "$unpacked"
    done
    path=$path:$unpacked
fi
PYTHONPATH=$path${PYTHONPATH:+:$PYTHONPATH} timeout 360 "${PYTHON:-python3}" "$here/gpu.py" --out "${OUT:-.}" "$@"
