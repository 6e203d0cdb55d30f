#!/usr/bin/env bash
# Gradescope runs this for every submission. Without results.json it shows that grading failed: that is no zero.
root=${AUTOGRADER_ROOT:-/autograder}
course=${COURSE_COMMAND:-/opt/course/bin/course}
# Where the host does not allow user namespaces, bubblewrap cannot work, and nothing is graded. With --no-sandbox it is graded,
# but then a student's code can read the solutions in this container and write its own results.
sandbox=--sandbox
out=$(mktemp -d)
"$course" grade "$root/submission" --student submission --lessons LESSONS --seed SEED --jobs 1 "$sandbox" --out "$out"
if [ -f "$out/results/submission.json" ]; then
    mkdir -p "$root/results"
    cp "$out/results/submission.json" "$root/results/results.json"
else
    echo "not graded: see the lines above"
fi
