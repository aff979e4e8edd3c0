#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A key marked USED in config.def is read somewhere outside src/config: as a
# field, as the rule compiled from it, or by its number.
cd "${top_srcdir:-.}" || exit 1
set -- $(find src -name '*.[ch]' ! -path 'src/config/*')

# "Name field status rule" for each row; rule is "-" when none is compiled.
rows() {
	awk '
	/^#undef KEY/ { exit }
	/^KEY\(/ { row = "" }
	{ row = row $0 }
	/"\)$/ {
		sub(/.*KEY\("/, "", row); sub(/", */, " ", row)
		split(row, f, /[ ,]+/)
		status = row ~ /, USED,/ ? "USED" : "-"
		print f[1], f[2], status
	}' src/config/config.def
}

rule_of() {
	case $1 in
	hostname_resolve_method) echo 'rules\.hostname_resolve' ;;
	mysql_hostname_resolve_method) echo 'rules\.server_name' ;;
	authentication_method) echo 'rules\.auth' ;;
	prepend_messages_with_orc_identity) echo 'rules\.identity' ;;
	cluster_name_to_alias) echo config_cluster_alias ;;
	*credentials_config_file | backend_db) echo . ;; # done at load
	*) tr -d '\n' <src/config/compile.c |
		grep -o "CFG_$1, [A-Z_]*,[[:space:]]*RULE([a-z_]*)" |
		sed 's/.*RULE(\(.*\))/(rules(\\.|->)|r->)\1/' ;;
	esac
}

n=0 bad=0
for row in $(rows | awk '$3 == "USED" { print $1 ":" $2 }'); do
	name=${row%%:*} field=${row#*:} rule=$(rule_of "${row#*:}")
	n=$((n + 1))
	if grep -qE "(->|\.)$field\b|CFG_$field\b${rule:+|$rule\b}" "$@"; then
		echo "ok $n - $name is used"
	else
		bad=$((bad + 1))
		echo "not ok $n - $name is used"
	fi
done
echo "1..$n"
[ "$n" -gt 0 ] && [ "$bad" -eq 0 ]
