/* SPDX-License-Identifier: Apache-2.0 */
/* version: numbers out of @@version, and whose server it is. */
#include "config.h"

#include "base/mem.h"
#include "tap.h"
#include "topology/version.h"

static const struct {
	const char *text, *comment;
	unsigned major, minor, patch;
	const char *flavour, *series;
} row[] = {
	{ "8.0.36-28", "Percona Server (GPL), Release 28", 8, 0, 36, "Percona",
	    "8.0" },
	{ "10.11.6-MariaDB-log", "", 10, 11, 6, "MariaDB", "10.11" },
	{ "10.6.5-log", "mariadb.org binary distribution", 10, 6, 5, "MariaDB",
	    "10.6" },
	{ "5.5.5-10.6.12-MariaDB", "", 10, 6, 12, "MariaDB", "10.6" },
	{ "5.5.5-m3", "", 5, 5, 5, "MySQL", "5.5" },
	{ "9.7.0", "MySQL Community Server - GPL", 9, 7, 0, "MySQL", "9.7" },
	{ "5.7.39-log", "", 5, 7, 39, "MySQL", "5.7" },
	{ "2.5.1-maxscale", "", 2, 5, 1, "MaxScale", "2.5" },
	{ "8.0.30-Vitess", "", 8, 0, 30, "MySQL", "8.0" },
	{ "8", "", 8, 0, 0, "MySQL", "8.0" },
	{ "8.", "", 8, 0, 0, "MySQL", "8.0" },
	{ "8.x.3", "", 8, 0, 0, "MySQL", "8.0" },
	{ "99999999999.1.2", "", 65535, 1, 2, "MySQL", "65535.1" },
	{ "", "", 0, 0, 0, "unknown", "0.0" },
	{ "Unknown", "Percona", 0, 0, 0, "unknown", "0.0" },
};

/* Each is later than the one before; most sort the other way as text. */
static const char *const rising[] = { "5.7.9", "5.7.39", "8.0.4", "8.0.14",
	"8.0.22", "8.4.0", "9.7.0", "10.5.9", "10.11.1", "11.8.0", "26.1" };

int
main(void)
{
	char series[VERSION_MAJOR_TEXT_MAX];

	for (size_t i = 0; i < MEM_COUNT(row); i++) {
		struct version v = version_parse(row[i].text);

		ok(v.major == row[i].major && v.minor == row[i].minor &&
			v.patch == row[i].patch,
		    "numbers of \"%s\"", row[i].text);
		is_str(flavour_name(version_flavour(row[i].text,
			   row[i].comment)),
		    row[i].flavour, "flavour of \"%s\"", row[i].text);
		is_str(version_major_text(v, series), row[i].series,
		    "series of \"%s\"", row[i].text);
	}
	for (size_t i = 1; i < MEM_COUNT(rising); i++) {
		struct version a = version_parse(rising[i - 1]);
		struct version b = version_parse(rising[i]);

		ok(version_cmp(a, b) < 0 && version_cmp(b, a) > 0,
		    "%s is before %s", rising[i - 1], rising[i]);
	}
	ok(version_at_least(version_parse("8.0.22"), 8, 0, 22), "8.0.22 is");
	ok(!version_at_least(version_parse("8.0.21"), 8, 0, 22), "8.0.21 not");
	return tap_done();
}
