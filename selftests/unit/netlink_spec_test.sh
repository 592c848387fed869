#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# docs/netlink/toe.yaml says the same numbers as linux/toe.h. KTAP. Needs gcc and
# python3 with yaml; with KERNEL=SOURCE-TREE (and python3 with jsonschema) also
# checks it against the kernel's schema.
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd -P)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

echo "TAP version 13"
python3 -c 'import yaml' 2>/dev/null || {
	echo "1..0 # SKIP needs python3 with yaml"
	exit 0
}
echo "1..2"

python3 - "$TOP/docs/netlink/toe.yaml" >"$WORK/t.c" <<-'EOF'
	import sys, yaml
	spec = yaml.safe_load(open(sys.argv[1]))
	def c(s):
	    return s.upper().replace("-", "_")
	def check(name, value):
	    print(f'if ((long)({name}) != {value}) '
	          f'{{ printf("{name} is %ld, not {value}; ", (long)({name})); bad = 1; }}')
	print("#include <stdio.h>\n#include <linux/toe.h>\nint main(void)\n{\nint bad = 0;")
	for s in spec["attribute-sets"]:
	    prefix = c(s["name-prefix"])
	    for i, a in enumerate(s["attributes"], 1):
	        check(prefix + c(a["name"]), i)
	        if a["name"] == "tuple":
	            check("sizeof(struct toe_tuple)", a["checks"]["exact-len"])
	    check(prefix + "MAX", len(s["attributes"]))
	for d in spec["definitions"]:
	    for i, e in enumerate(d["entries"]):
	        check(f"TOE_{c(d['name'])}_{c(e if isinstance(e, str) else e['name'])}", i)
	    check(f"__TOE_{c(d['name'])}_MAX", len(d["entries"]))
	for i, o in enumerate(spec["operations"]["list"], 1):
	    check("TOE_CMD_" + c(o["name"]), i)
	check("TOE_CMD_MAX", len(spec["operations"]["list"]))
	print("return bad;\n}")
EOF
failed=0
if gcc -I"$TOP/include/uapi" "$WORK/t.c" -o "$WORK/t" 2>"$WORK/log" &&
   why=$("$WORK/t"); then
	echo "ok 1 the specification's numbers are the header's"
else
	echo "not ok 1 the specification's numbers are the header's # ${why:-$(head -1 "$WORK/log")}"
	failed=1
fi

name="the specification obeys the kernel's schema"
if [ -z "${KERNEL:-}" ] || ! python3 -c 'import jsonschema' 2>/dev/null; then
	echo "ok 2 $name # SKIP needs KERNEL=SOURCE-TREE and python3 with jsonschema"
elif why=$(python3 - "$TOP/docs/netlink/toe.yaml" \
	   "$KERNEL/Documentation/netlink/genetlink.yaml" 2>&1 <<-'EOF'
	import sys, yaml, jsonschema
	spec, schema = (yaml.safe_load(open(f)) for f in sys.argv[1:])
	jsonschema.validate(spec, schema)
	EOF
	); then
	echo "ok 2 $name"
else
	echo "not ok 2 $name # $(tail -1 <<<"$why")"
	failed=1
fi
exit $failed
