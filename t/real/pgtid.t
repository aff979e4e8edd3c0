#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
#
# Pseudo-GTID on real servers without GTID, both flavours: markers are written
# by ourselves, places are found in logs, and a replica that is put there has
# every row once.
use strict;
use warnings;
use lib "$ENV{top_srcdir}/t/lib";
use Test::More;
use Daemon;
use Topology;

my $absent = Daemon->missing;
plan skip_all => $absent if $absent;

my %off = (
	mariadb => {},
	mysql => { gtid_mode => 'OFF', enforce_gtid_consistency => 'OFF',
		binlog_transaction_compression => 'ON' },
);
my %change = (
	mariadb => "change master to master_host='%s', master_port=%d,"
	    . " master_log_file='%s', master_log_pos=%d",
	mysql => "change replication source to source_host='%s',"
	    . " source_port=%d, source_log_file='%s', source_log_pos=%d",
);
my %word = (mariadb => 'slave', mysql => 'replica');

# Rows in order, as one text.
sub rows {
	my ($t, $name) = @_;
	return join ',', map { join ':', @$_ }
	    $t->sql($name, 'select i, s from x.t order by i');
}

sub same_rows {
	my ($t, @names) = @_;
	my $want = rows($t, 'a');
	Topology::wait_for("rows of $_", sub { rows($t, $_) eq $want })
	    for @names;
	is(rows($t, $_), $want, "$_ has what a has") for @names;
}

my $row = 0;

# Transactions of several kinds, some of them after a marker.
sub write_rows {
	my ($t, $n) = @_;
	$t->sql('a', join ';', map { $row++;
	    "begin; insert into x.t values ($row, 'row $row');"
	    . " update x.t set s = concat(s, '!') where i = $row - 1; commit"
	    } 1 .. $n);
}

# The daemon wrote one more marker, and these servers have it.
sub next_marker {
	my ($t, $d, $before, @names) = @_;
	my $last;
	Topology::wait_for('a marker', sub {
		my $r = $d->get('/api/last-pseudo-gtid/127.0.0.1/'
		    . $t->port('a')) || {};
		$last = $r->{Details};
		($r->{Code} || '') eq 'OK' && $last ne $before;
	});
	for my $name (@names) {
		Topology::wait_for("the marker on $name", sub {
			my $r = $d->get('/api/last-pseudo-gtid/127.0.0.1/'
			    . $t->port($name)) || {};
			($r->{Code} || '') eq 'OK' && $r->{Details} ge $last;
		});
	}
	return $last;
}

sub play {
	my ($flavour) = @_;
	my $t = Topology->new('a > b[read_only=1] c[read_only=1]',
	    flavour => $flavour, nogtid => 1, %{ $off{$flavour} });
	my $d = Daemon->new(AutoPseudoGTID => JSON::PP::true);
	my %at = map { $_ => $t->addr($_) } $t->names;
	my $w = $word{$flavour};

	$row = 0;
	$t->sql('a', 'create database x; create table x.t'
	    . '(i int primary key, s varchar(80)) engine=innodb');
	$d->client('-c', 'discover', '-i', $at{a});
	my $marker = next_marker($t, $d, '', 'b', 'c');
	like($marker, qr/^drop view if exists `_pseudo_gtid_`\.`_asc:[0-9a-f]{8}:[0-9a-f]{8}:[0-9a-f]{16}`$/,
	    "$flavour: a marker was written");
	Topology::wait_for('the flag', sub { ($d->get('/api/instance/127.0.0.1/'
	    . $t->port('c')) || {})->{UsingPseudoGTID} });
	pass('the servers are known to have Pseudo-GTID');
	write_rows($t, 20);
	$t->sql($_, 'flush binary logs') for qw(a b b c);
	write_rows($t, 20);
	same_rows($t, qw(b c));

	# c stops; the others go on.
	$t->sql('c', "stop $w");
	my $stopped = rows($t, 'c');
	write_rows($t, 20);
	same_rows($t, 'b');
	$t->sql('b', 'flush binary logs');
	my $place = $d->command('-c', 'correlate-binlog-pos', '-i', $at{c},
	    '-d', $at{b});
	like($place, qr/^\S+\.\d{6}:\d+$/, 'the place of c on b');
	my $source = $d->command('-c', 'correlate-binlog-pos', '-i', $at{c},
	    '-d', $at{a});
	my $status = $t->status('c');
	my ($file, $pos) = map { $status->{$_} }
	    $flavour eq 'mysql' ? qw(Relay_Source_Log_File Exec_Source_Log_Pos)
	    : qw(Relay_Master_Log_File Exec_Master_Log_Pos);
	my $found = (split /:/, $source)[1];
	chomp $found;
	like($source, qr/^\Q$file\E:/, 'on a: the file that it says itself');
	cmp_ok($found, '<=', $pos, 'the place, or before what is no event');
	is($d->command('-c', 'find-binlog-entry', '-i', $at{b}, '-pattern',
	    $marker) =~ /^\S+:\d+$/ ? 1 : 0, 1, 'the first marker is found');
	like($d->command('-c', 'last-executed-relay-entry', '-i', $at{c}),
	    qr/^\{Coordinates:\S+:\d+ NextEventPos:\d+ EventType:\w+ Info:.*\}:\d+$/,
	    'the last entry that c executed');
	like($d->command('-c', 'correlate-relaylog-pos', '-i', $at{c}, '-d',
	    $at{b}), qr/^\S+:\d+;\S+:\d+;\S+:\d+$/, 'and where b has it');

	# Put there, it goes on exactly where it stood.
	chomp $place;
	$t->sql('c', sprintf $change{$flavour}, '127.0.0.1', $t->port('b'),
	    split /:/, $place);
	is(rows($t, 'c'), $stopped, 'nothing happened yet');
	$t->sql('c', "start $w");
	$t->wait_replicating('c');
	write_rows($t, 20);
	same_rows($t, qw(b c));

	# The same by one word, while c stands still; and back again by what
	# that showed.
	$t->sql('c', "stop $w");
	my $was = $t->status('c');
	my @stood = map { $was->{$_} } $flavour eq 'mysql'
	    ? qw(Relay_Source_Log_File Exec_Source_Log_Pos)
	    : qw(Relay_Master_Log_File Exec_Master_Log_Pos);
	write_rows($t, 5);
	same_rows($t, 'b');
	Topology::wait_for('c below b', sub { $t->port('b') ==
	    ($d->get('/api/instance/127.0.0.1/' . $t->port('c')) || {})
	    ->{MasterKey}{Port} });
	is($d->client('-c', 'match', '-i', $at{c}, '-d', $at{a}),
	    "$at{c}<$at{a}\n", 'match');
	my $now = $t->status('c');
	my ($port) = grep defined, @$now{qw(Master_Port Source_Port)};
	is($port, $t->port('a'), 'c is below a');
	my $equal;
	Topology::wait_for('an equivalence', sub { $equal = $d->get('/api/master-equivalent/127.0.0.1/' . $t->port('b')
	    . "/$stood[0]/$stood[1]")->{Details} });
	is($equal->[0]{Key}{Port}, $t->port('a'),
	    'it is known where on a that place of b is');
	$d->client('-c', 'move-equivalent', '-i', $at{c}, '-d', $at{b});
	$now = $t->status('c');
	($port) = grep defined, @$now{qw(Master_Port Source_Port)};
	is($port, $t->port('b'), 'move-equivalent: c is below b');
	$t->sql('c', "start $w");
	$t->wait_replicating('c');
	same_rows($t, 'c');
	is($d->client('-c', 'match', '-i', $at{c}, '-d', $at{a}),
	    "$at{c}<$at{a}\n", 'match, while it replicates');
	write_rows($t, 5);
	same_rows($t, 'c');

	# By c's relay log alone, with a marker that came since.
	next_marker($t, $d, $d->get('/api/last-pseudo-gtid/127.0.0.1/'
	    . $t->port('a'))->{Details} || '', 'b', 'c');
	write_rows($t, 5);
	same_rows($t, 'c');
	my $relay = Daemon->new(PseudoGTIDPattern =>
	    'drop view if exists .*_pseudo_gtid_', PseudoGTIDMonotonicHint =>
	    'asc:', flags => ['--skip-binlog-search']);
	$relay->client('-c', 'discover', '-i', $at{a});
	Topology::wait_for('all three', sub { 3 == grep { $_->{IsLastCheckValid} }
	    @{ $relay->get("/api/cluster/$at{a}") || [] } });
	is($relay->client('-c', 'match', '-i', $at{c}, '-d', $at{b}),
	    "$at{c}<$at{b}\n", 'match by the relay log and a regular expression');
	write_rows($t, 5);
	same_rows($t, 'c');

	# A write of its own parts c from the others.
	$t->sql('c', "stop $w; set global read_only = 0;"
	    . " insert into x.t values (-1, 'own')");
	my $refused = `@{[ Daemon::binary() ]} --config @{[ $d->dir ]}/config.json -c correlate-binlog-pos -i $at{c} -d $at{b} 2>&1`;
	isnt($?, 0, 'a server with a transaction of its own is refused');
	like($refused, qr/the logs differ|more advanced/, 'with the reason');
	$t->down;
}

for my $flavour (qw(mariadb mysql)) {
	SKIP: {
		my $why = Topology->missing($flavour);
		skip $why, 1 if $why;
		play($flavour);
	}
}

# GTID, for once: which logs have errant transactions.
SKIP: {
	my $why = Topology->missing('mysql');
	skip $why, 1 if $why;
	my $t = Topology->new('a > b', flavour => 'mysql');
	my $d = Daemon->new;
	my $port = $t->port('b');
	$d->client('-c', 'discover', '-i', $t->addr('a'));
	$t->sql('a', 'create database x');
	Topology::wait_for('x on b', sub {
		$t->sql('b', "show databases like 'x'") });
	$t->sql('b', 'flush binary logs; create database y;'
	    . ' flush binary logs');
	Topology::wait_for('the errant transaction', sub {
		($d->get("/api/instance/127.0.0.1/$port") || {})->{GtidErrant} });
	my @logs = $t->sql('b', 'show binary logs');
	is_deeply($d->get("/api/locate-gtid-errant/127.0.0.1/$port")->{Details},
	    [ $logs[-2][0] ], 'the log of the errant transaction');
	is($d->get('/api/locate-gtid-errant/127.0.0.1/' . $t->port('a'))->{Code},
	    'ERROR', 'a server without any');
}
done_testing();
