#!/usr/bin/env bash
# Gradescope runs this once, when it builds the autograder's image. It needs Python 3.11 or newer: choose a new base image.
set -euo pipefail
apt-get update
apt-get install -y bubblewrap python3 python3-venv
python3 -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
python3 -m venv /opt/course
cd /autograder/source/course
/opt/course/bin/pip install -r requirements.txt
