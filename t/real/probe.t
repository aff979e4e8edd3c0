#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
#
# Connecting to real servers and probing them: facts, privileges, words, TLS.
use strict;
use warnings;
use lib "$ENV{top_srcdir}/t/lib";
use JSON::PP ();
use Test::More;
use Topology;

my $program = "$ENV{top_builddir}/t/real/probe_one";
my $err = '';    # what the last probe said on standard error

sub ask {
	my ($t, $name, %o) = @_;
	%o = (user => $Topology::USER, password => $Topology::PASSWORD, %o);
	my @arg = ('timeout', '60', $program, (map { "$_=$o{$_}" } sort keys %o),
	    '127.0.0.1', $t->port($name));
	open my $out, '-|', @arg or die "$program: $!";
	my $text = do { local $/; <$out> };
	close $out;
	return JSON::PP->new->decode($text || '{"error":"no answer"}');
}

sub found {
	my ($r, $kind) = @_;
	return join ' ', sort map { $_->{key} }
	    grep { $_->{kind} eq $kind } @{ $r->{found} };
}

sub notes { return join "\n", @{ $_[0]{notes} || [] } }

# GRANTs that a least-privileged user needs, and what is missed without them.
my %least = (
	mariadb => {
		all => [ 'SLAVE MONITOR', 'BINLOG MONITOR', 'PROCESS',
		    'REPLICATION MASTER ADMIN' ],
		status => qr/needs GRANT SLAVE MONITOR ON \*\.\*/,
		own => qr/own binary log position: .*BINLOG MONITOR ON/,
		list => qr/list of replicas: .*REPLICATION MASTER ADMIN ON/,
	},
	mysql => {
		all => [ 'REPLICATION CLIENT', 'REPLICATION SLAVE', 'PROCESS' ],
		status => qr/needs GRANT REPLICATION CLIENT ON \*\.\*/,
		own => undef, # the same privilege
		list => qr/list of replicas: .*REPLICATION SLAVE ON/,
		members => qr/SELECT ON performance_schema.replication_group_me/,
	},
);

sub tree {
	my ($t, $f) = @_;
	my %at = map { $_ => $t->addr($_) } $t->names;
	my $a = ask($t, 'a', hosts => 1);
	# A server of less than a second says 0, as one that says nothing.
	Topology::wait_for("$f: a second of uptime", sub {
		my ($row) = $t->sql('b', "SHOW GLOBAL STATUS LIKE 'Uptime'");
		return $row->[1] > 0;
	});
	my $b = ask($t, 'b', hosts => 1, filed => 'hostname');
	my $i = $b->{instance};

	is(found($a, 'replica'), join(' ', sort @at{qw(b c)}),
	    "$f: replicas are found");
	is(found($b, 'source'), $at{a}, "$f: and the source");
	is("$i->{MasterKey}{Hostname}:$i->{MasterKey}{Port}", $at{a},
	    "$f: as the source's key");
	ok($i->{Slave_IO_Running} && $i->{Slave_SQL_Running},
	    "$f: both threads run");
	ok($i->{LogBinEnabled} && $i->{LogSlaveUpdatesEnabled}
	    && $i->{Binlog_format} eq 'ROW', "$f: binary log");
	like($i->{SelfBinlogCoordinates}{LogFile}, qr/^\w+\.\d+$/,
	    "$f: own position");
	is($i->{FlavorName}, $f eq 'mysql' ? 'MySQL' : 'MariaDB',
	    "$f: flavour");
	is($i->{Key}{Hostname}, $t->sql('b', 'SELECT @@hostname'),
	    "$f: its own name");
	is($i->{ServerID}, $t->sql('b', 'SELECT @@server_id'),
	    "$f: server id");
	ok($i->{Uptime} > 0 && $i->{Uptime} == $b->{uptime}, "$f: uptime");
	ok($i->{SemiSyncAvailable} && $i->{SemiSyncReplicaEnabled}
	    && $i->{SemiSyncReplicaStatus}, "$f: semi-sync replica");
	ok($a->{instance}{SemiSyncMasterStatus}
	    && $a->{instance}{SemiSyncMasterClients} == 2
	    && $a->{instance}{SemiSyncMasterWaitForReplicaCount} == 1,
	    "$f: semi-sync source");
	is($b->{round_trips}, 3, "$f: three round trips, the first empty");
	is(notes($a) . notes($b), '', "$f: nothing to note");
}

sub unchanged {
	my ($t, $f) = @_;
	my $r = ask($t, 'a', times => 5, hosts => 1);
	ok($r->{unchanged} && $r->{round_trips} == 1,
	    "$f: unchanged, in one round trip") or diag(explain($r));
	$t->sql('b', 'SET GLOBAL read_only=1');
	ok(ask($t, 'b')->{instance}{ReadOnly}, "$f: read only is seen");
	$t->sql('b', 'SET GLOBAL read_only=0');
}

sub queries {
	my ($t, $f) = @_;
	my $r = ask($t, 'a', data_center => "select 'ams' -- here",
	    region => 'select x from no.such_table', alias => 'select 1+1;',
	    environment => 'select 1; select 2', promotion_rule =>
	    "select 'prefer' from dual where 1=0", lag => 'select -5',
	    semi_sync_priority => 'call no.procedure()',
	    cluster_alias => "select concat('c;', '1')");
	is($r->{instance}{DataCenter}, 'ams', "$f: data centre");
	is($r->{instance}{InstanceAlias}, '2', "$f: alias");
	is($r->{cluster_alias_query}, 'c;1', "$f: cluster alias");
	is($r->{instance}{ReplicationLagSeconds}{Int64}, 0, "$f: lag");
	like(notes($r), qr/^DetectRegionQuery: error (?:1146|1049): /m,
	    "$f: a failing query is named");
	like(notes($r), qr/^DetectPhysicalEnvironmentQuery: more than one/m,
	    "$f: so are two in one");
	like(notes($r), qr/^DetectSemiSyncEnforcedQuery: error 1305/m,
	    "$f: and a procedure that is not there");
}

sub privileges {
	my ($t, $f) = @_;
	my $want = $least{$f};
	my $user = sub {
		my ($name, @grant) = @_;
		$t->sql('a', "CREATE USER $name\@'%' IDENTIFIED BY 'p'");
		$t->sql('a', "GRANT $_ ON *.* TO $name\@'%'") for @grant;
		return (user => $name, password => 'p', hosts => 1);
	};
	my $none = ask($t, 'a', $user->('nothing'));
	is($none->{code}, 'denied', "$f: no privilege, no probe");
	like($none->{error}, $want->{status}, "$f: the missing one is named");
	my $few = ask($t, 'a', $user->('few', $want->{all}[0]));
	like(notes($few), $want->{own}, "$f: own position") if $want->{own};
	like(notes($few), $want->{list}, "$f: list of replicas");
	like(notes($few), qr/PROCESS ON \*\.\*/, "$f: process list");
	like(notes($few), $want->{members}, "$f: group members")
	    if $want->{members};
	is($few->{instance}{Version}, ask($t, 'a')->{instance}{Version},
	    "$f: the rest is read");
	my @least = $user->('least', @{ $want->{all} });
	$t->sql('a', 'GRANT SELECT ON '
	    . "performance_schema.replication_group_members TO least\@'%'")
	    if $f eq 'mysql';
	my $least = ask($t, 'a', @least);
	is(notes($least), '', "$f: these privileges are enough");
	is(scalar @{ $least->{instance}{Replicas} }, 2, "$f: to see replicas");
}

sub several_sources {
	my ($t, $f) = @_;
	my $c = $t->port('c');
	my %sql = (
		mariadb => [ "CHANGE MASTER 'east' TO MASTER_HOST='127.0.0.1',"
		    . " MASTER_PORT=$c, MASTER_USER='repl',"
		    . " MASTER_PASSWORD='x'" ],
		mysql => [ 'CHANGE REPLICATION SOURCE TO '
		    . "SOURCE_HOST='127.0.0.1', SOURCE_PORT=$c,"
		    . " SOURCE_USER='repl' FOR CHANNEL 'east'" ],
	);
	$t->sql('b', $_) for @{ $sql{$f} };
	my $r = ask($t, 'b');
	is($r->{channels}, 2, "$f: two channels");
	is($r->{instance}{MasterKey}{Port}, $t->port('a'),
	    "$f: the default one is shown");
}

sub tls {
	my ($t, $f) = @_;
	$t->sql('a', "CREATE USER safe\@'%' IDENTIFIED BY 'p' REQUIRE SSL");
	$t->sql('a', "GRANT ALL ON *.* TO safe\@'%'");
	my @safe = (user => 'safe', password => 'p');
	my $ca = "$t->{dir}/tls/ca.pem";
	my $r = ask($t, 'a', @safe);
	ok($r->{tls}, "$f: TLS because this user needs it")
	    or diag(explain($r));
	ok(!ask($t, 'a')->{tls}, "$f: and none for one who does not");
	is(ask($t, 'a', @safe, tls => 'never')->{code}, 'denied',
	    "$f: never is never");
	$r = ask($t, 'a', tls => 'always', verify => 1, ca => $ca);
	ok($r->{tls}, "$f: a known authority") or diag(explain($r));
	$r = ask($t, 'a', tls => 'always', verify => 1);
	like($r->{error}, qr/certificate.*MySQLTopologySSLCAFile/,
	    "$f: an unknown one, and what to set");
	ok($r->{alive}, "$f: which proves that a server is there");
	$t->sql('a', 'SET GLOBAL require_secure_transport=ON');
	ok(ask($t, 'a')->{tls}, "$f: TLS because the server wants it");
	$t->sql('a', 'SET GLOBAL require_secure_transport=OFF');
}

sub refusals {
	my ($t, $f) = @_;
	my $r = ask($t, 'a', password => 'wrong');
	is("$r->{code} $r->{errno}", 'denied 1045', "$f: wrong password");
	ok($r->{alive}, "$f: the server is alive");
	unlike($r->{error}, qr/wrong/, "$f: the password is not shown");
	$t->freeze('c');
	$r = ask($t, 'c', limit_ms => 500);
	is($r->{code}, 'timeout', "$f: a frozen server");
	ok(!$r->{alive}, "$f: proves nothing");
	$t->thaw('c');
	$t->kill('c');
	$r = ask($t, 'c');
	is($r->{code}, 'unreachable', "$f: a dead one");
	like($r->{error}, qr/refused|Lost connection/, "$f: and why");
}

sub group {
	my ($t) = @_;
	$t->sql('a', $_) for "INSTALL PLUGIN group_replication SONAME"
	    . " 'group_replication.so'",
	    'SET GLOBAL group_replication_group_name='
	    . "'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'",
	    "SET GLOBAL group_replication_local_address='127.0.0.1:"
	    . Topology::free_port() . "'",
	    'SET GLOBAL group_replication_bootstrap_group=ON',
	    'START GROUP_REPLICATION';
	Topology::wait_for('the group', sub {
		$t->sql('a', 'SELECT MEMBER_STATE FROM performance_schema.'
		    . 'replication_group_members') eq 'ONLINE'
	});
	my $i = ask($t, 'a')->{instance};
	is($i->{ReplicationGroupName}, 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
	    'mysql: group name');
	is($i->{ReplicationGroupMemberRole}, 'PRIMARY', 'mysql: its role');
	is($i->{ReplicationGroupMemberState}, 'ONLINE', 'mysql: its state');
	is($i->{ReplicationGroupPrimaryInstanceKey}{Port}, $t->port('a'),
	    'mysql: the primary');
	is($i->{MasterKey}{Port}, 0, 'mysql: no source by its channels');
}

for my $f (qw(mariadb mysql)) {
	SKIP: {
		my $why = Topology->missing($f);
		skip("$f: $why", 1) if $why;
		my $t = Topology->new('a > b c', flavour => $f, semisync => 1,
		    tls => 1);
		$_->($t, $f) for \&tree, \&unchanged, \&queries, \&privileges,
		    \&several_sources, \&tls, \&refusals;
		undef $t;
		group(Topology->new('a', flavour => $f)) if $f eq 'mysql';
	}
}
done_testing();
