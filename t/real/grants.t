#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
#
# The account that doc/install.md tells to make is enough: the statements are
# taken from the page, and everything is found with that account.
use strict;
use warnings;
use lib "$ENV{top_srcdir}/t/lib";
use Test::More;
use Daemon;
use Topology;

my $absent = Daemon->missing;
plan skip_all => $absent if $absent;

my ($block) = Topology::read_file("$ENV{top_srcdir}/doc/install.md")
    =~ /^## Accounts.*?^```sql\n(.*?)^```/ms;
my $password = 'pass-word';
my ($all, %more);
($all, $more{mysql}, $more{mariadb}) = split /^--.*\n/m, $block || '';
ok($more{mariadb}, 'the page has statements for all, MySQL and MariaDB');
$all =~ s/IDENTIFIED BY '[^']*'/IDENTIFIED BY '$password'/;

sub run {
	my ($flavour) = @_;
	my $why = Topology->missing($flavour);
	skip("$flavour: $why", 1) if $why;
	my $t = Topology->new('a > b c; c > d', flavour => $flavour);
	$t->sql('a', "DROP USER '$Topology::USER'\@'%'; $all $more{$flavour}");
	Topology::wait_for('the account everywhere', sub {
		!grep { !$t->sql($_, "SELECT 1 FROM mysql.user "
			. "WHERE user = 'orchestrator'") } $t->names
	});
	my $d = Daemon->new(MySQLTopologyUser => 'orchestrator',
	    MySQLTopologyPassword => $password);
	my $list;
	is($d->client('-c', 'discover', '-i', $t->addr('a')),
	    $t->addr('a') . "\n", "$flavour: the source can be read");
	ok(eval {
		Topology::wait_for('all four', sub {
			$list = $d->get('/api/cluster/' . $t->addr('a')) || [];
			return 4 == grep { $_->{IsLastCheckValid} } @$list;
		}, 40);
	}, "$flavour: and all below it are found") or diag($d->log);
	is(scalar(grep { !$_->{ReplicationIOThreadState}
	    && $_->{MasterKey}{Port} } @$list), 0,
	    "$flavour: replication is seen");
	unlike($d->log, qr/denied|\b(?:ERROR|WARNING)\b/,
	    "$flavour: nothing is denied");
}

SKIP: { run('mariadb'); }
SKIP: { run('mysql'); }

done_testing();
