#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
#
# What is shown of a server against what the server says of itself: co-primary
# pairs, semi-sync, TLS, GTIDs and none, errors, delay, errant transactions.
use strict;
use warnings;
use lib "$ENV{top_srcdir}/t/lib";
use Test::More;
use Daemon;
use Topology;

my $absent = Daemon->missing;
plan skip_all => $absent if $absent;

my ($t, $d, $flavour);

sub seen {
	my ($name) = @_;
	return $d->get('/api/instance/' . $t->host($name) . '/'
	    . $t->port($name)) || {};
}

sub key { my ($k) = @_; return "$k->{Hostname}:$k->{Port}" }

# Waits until the field has the value; false when it never does.
sub becomes {
	my ($what, $name, $test) = @_;
	my $last;
	my $ok = eval {
		Topology::wait_for($what, sub { $test->($last = seen($name)) },
		    40);
	};
	ok($ok, "$flavour: $what") or diag(explain($last));
}

sub problem {
	my ($code) = @_;
	return sub { grep { $_ eq $code } @{ $_[0]{Problems} || [] } };
}

sub against_variables {
	my ($name) = @_;
	my $i = seen($name);
	my %want = (ServerID => '@@server_id', Version => '@@version',
	    Binlog_format => '@@binlog_format', LogBinEnabled => '@@log_bin',
	    VersionComment => '@@version_comment', ReadOnly => '@@read_only',
	    BinlogRowImage => '@@binlog_row_image',
	    LogReplicationUpdatesEnabled => $flavour eq 'mysql'
		? '@@log_replica_updates' : '@@log_slave_updates');
	if ($flavour eq 'mysql') {
		@want{qw(ServerUUID GTIDMode ExecutedGtidSet)} =
		    ('@@server_uuid', '@@gtid_mode',
		    "replace(\@\@gtid_executed, '\\n', '')");
	}
	for my $field (sort keys %want) {
		my $server = $t->sql($name, "SELECT $want{$field}");
		my $ours = $i->{$field};
		$ours = $ours ? 1 : 0 if JSON::PP::is_bool($ours);
		is($ours, $server, "$flavour: $name: $field");
	}
}

sub run {
	($flavour) = @_;
	my $why = Topology->missing($flavour);
	skip("$flavour: $why", 1) if $why;
	$t = Topology->new('a[semisync,tls] = b[semisync,tls,read_only=1];'
	    . ' b > c[nogtid]', flavour => $flavour);
	$t->sql('a', 'CREATE DATABASE f; CREATE TABLE f.t (a INT PRIMARY KEY)');
	$d = Daemon->new;
	$d->client('-c', 'discover', '-i', $t->addr('c'));
	Topology::wait_for('three servers', sub {
		my $list = $d->get('/api/all-instances') || [];
		return 3 == grep { $_->{IsLastCheckValid}
		    && $_->{ReplicationIOThreadState} == 1 } @$list;
	});
	Topology::wait_for('the table everywhere', sub {
		!grep { !$t->sql($_, "SHOW DATABASES LIKE 'f'") } qw(b c)
	});
	becomes('the present transactions', 'a', sub {
		$_[0]{ExecutedGtidSet} eq ($flavour eq 'mysql' ? $t->sql('a',
			"SELECT replace(\@\@gtid_executed, '\\n', '')") : '')
	});
	against_variables($_) for qw(a b);

	my %i = map { $_ => seen($_) } qw(a b c);
	is(key($i{a}{MasterKey}), $t->addr('b'), "$flavour: a below b");
	is(key($i{b}{MasterKey}), $t->addr('a'), "$flavour: b below a");
	is(key($i{c}{MasterKey}), $t->addr('b'), "$flavour: c below b");
	ok($i{a}{IsCoMaster} && $i{b}{IsCoMaster} && !$i{c}{IsCoMaster},
	    "$flavour: two of them in a ring");
	is(scalar(keys %{ { map { $_->{ClusterName} => 1 } values %i } }), 1,
	    "$flavour: one cluster");
	ok($i{a}{AllowTLS}, "$flavour: over TLS");
	my $ssl = $t->status('c')->{ $flavour eq 'mysql'
	    ? 'Source_SSL_Allowed' : 'Master_SSL_Allowed' };
	is($i{c}{AllowTLS} ? 'Yes' : 'No', $ssl,
	    "$flavour: over TLS where the replica says so");
	my $gtid = $flavour eq 'mysql' ? 'UsingOracleGTID'
	    : 'UsingMariaDBGTID';
	ok($i{a}{$gtid} && !$i{c}{$gtid}, "$flavour: with GTIDs and without");
	ok($i{a}{SemiSyncMasterEnabled} && $i{a}{SemiSyncReplicaEnabled},
	    "$flavour: semi-sync is on");
	becomes('a semi-sync client', 'a',
	    sub { $_[0]{SemiSyncMasterClients} == 1 });
	ok(!$i{c}{SemiSyncMasterEnabled}, "$flavour: and off");
	ok($i{a}{HasReplicationCredentials}, "$flavour: a replication user");
	ok($i{c}{SecondsBehindMaster}{Valid}, "$flavour: a lag");
	is($i{c}{ExecBinlogCoordinates}{LogFile}, 'binlog.000001',
	    "$flavour: applied of its source's log")
	    if $flavour eq 'mariadb';

	my $c = $t->addr('c');
	my ($stop, $start) = $flavour eq 'mysql'
	    ? ('STOP REPLICA', 'START REPLICA') : ('STOP SLAVE', 'START SLAVE');
	$t->sql('c', "$stop SQL_THREAD");
	becomes('a stopped thread is a problem', 'c',
	    problem('not_replicating'));
	is($d->client('-c', 'is-replicating', '-i', $c), '',
	    "$flavour: it does not replicate");
	$t->sql('c', "$start SQL_THREAD");
	becomes('and none when it runs', 'c',
	    sub { !@{ $_[0]{Problems} } });

	# The row is there already: applying it fails.
	my $log_off = $flavour eq 'mysql' ? 'SET sql_log_bin = 0;'
	    : 'SET SESSION sql_log_bin = 0;';
	$t->sql('c', "$log_off INSERT INTO f.t VALUES (1)");
	$t->sql('a', 'INSERT INTO f.t VALUES (1)');
	becomes('an error while applying', 'c', sub {
		$_[0]{LastSQLError} =~ /^"[^\\"].*(?:Duplicate entry|1062|error\(s\))/
	});
	is($d->client('-c', 'which-broken-replicas', '-i', $t->addr('b')),
	    "$c\n", "$flavour: a broken replica");
	$t->sql('c', "$log_off DELETE FROM f.t; $start");
	becomes('it is mended', 'c', sub {
		$_[0]{ReplicationSQLThreadState} == 1
		    && $_[0]{LastSQLError} =~ /^(?:"")?$/
	});

	if ($flavour eq 'mysql') {
		$t->sql('c', 'CREATE DATABASE errant');
		becomes('an errant transaction', 'c',
		    sub { $_[0]{GtidErrant} =~ /^[0-9a-f-]{36}:\d/ });
		becomes('which is a problem', 'c', problem('errant_gtid'));
		is($d->client('-c', 'which-gtid-errant', '-i', $c),
		    seen('c')->{GtidErrant} . "\n", "$flavour: and printed");
	}

	my $delay = $flavour eq 'mysql'
	    ? 'CHANGE REPLICATION SOURCE TO SOURCE_DELAY = 60'
	    : 'CHANGE MASTER TO MASTER_DELAY = 60';
	$t->sql('c', "$stop; $delay; $start");
	becomes('a configured delay', 'c', sub { $_[0]{SQLDelay} == 60 });

	$t->sql('b', 'SET GLOBAL read_only = 0');
	becomes('read_only is off', 'b', sub { !$_[0]{ReadOnly} });
	$d->stop;
	undef $d;
	undef $t;
}

SKIP: { run('mariadb'); }
SKIP: { run('mysql'); }

done_testing();
