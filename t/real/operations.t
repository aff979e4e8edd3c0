#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
#
# Operations on one server, operations that meet each other, one that is ended
# before it is done, and replicas whose source is dead: on real servers.
use strict;
use warnings;
use lib "$ENV{top_srcdir}/t/lib";
use Test::More;
use Moves;

# ---- switches, credentials, queries -------------------------------------

sub variable {
	my ($m, $name, @names) = @_;
	my $list = join ',', map { "'$_'" } @names;
	my @row = $m->sql($name, 'SHOW GLOBAL VARIABLES WHERE Variable_name IN '
	    . "($list)");
	return $row[0][1];
}

sub switches {
	my ($m) = @_;
	my %names = (master => [ 'rpl_semi_sync_master_enabled',
	    'rpl_semi_sync_source_enabled' ], replica =>
	    [ 'rpl_semi_sync_slave_enabled',
	    'rpl_semi_sync_replica_enabled' ]);

	for my $side (qw(master replica)) {
		$m->ok("no semi-sync, $side", "/api/disable-semi-sync-$side/{b}");
		is(variable($m, 'b', @{ $names{$side} }), 'OFF', 'it is off');
		$m->ok("semi-sync, $side", "/api/enable-semi-sync-$side/{b}");
		is(variable($m, 'b', @{ $names{$side} }), 'ON', 'it is on');
		# Left on, it would wait for replicas that it has not.
		$m->ok("and off again", "/api/disable-semi-sync-$side/{b}");
	}
	$m->flows;
}

# A statement that goes on in a session of its own; returns its process.
sub begin {
	my ($m, $name, $sql) = @_;
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		open STDOUT, '>', '/dev/null';
		open STDERR, '>&', \*STDOUT;
		eval { $m->sql($name, $sql) };
		POSIX::_exit(0);
	}
	return $pid;
}

# Until it runs: its connection's id.
sub connection {
	my ($m, $name, $like) = @_;
	return Topology::wait_for("$like on $name", sub {
		my @row = $m->sql($name, 'SELECT id FROM '
		    . "information_schema.processlist WHERE info LIKE '$like%'");
		return @row ? $row[0][0] : 0;
	});
}

sub queries {
	my ($m) = @_;
	my $pid = begin($m, 'b', 'DO SLEEP(600)');
	my $id = connection($m, 'b', 'DO SLEEP');

	$m->ok('kill-query', "/api/kill-query/{b}/$id");
	waitpid $pid, 0;
	pass('the query has ended');
	$m->refused('one that is not there', "/api/kill-query/{b}/$id",
	    qr/\Q$id\E/);
	my ($log) = $m->sql('a', $m->topology->flavour('a') eq 'mysql'
	    ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS');
	is($m->daemon->command('-quiet', '-c', 'master-pos-wait', '-i',
	    $m->addr('b'), '-binlog', "$log->[0]:$log->[1]"),
	    $m->addr('b') . "\n", 'master-pos-wait');
	$m->ok('stop-replica', '/api/stop-replica/{b}');
	$m->ok('change-master-credentials',
	    '/api/change-master-credentials/{b}');
	$m->ok('start-replica', '/api/start-replica/{b}');
	$m->flows;
}

# ---- errant transactions ------------------------------------------------

sub errant {
	my ($m) = @_;
	my $d = $m->daemon;

	$m->sql('b', 'SET GLOBAL read_only = 0; CREATE DATABASE mine');
	$m->ok('b is looked at', '/api/discover/{b}');
	like($d->client('-c', 'which-gtid-errant', '-i', $m->addr('b')),
	    qr/\A[0-9a-f-]{36}:\d+\n\z/, 'one errant transaction');
	is(scalar @{ $m->ok('locate-gtid-errant',
	    '/api/locate-gtid-errant/{b}')->{Details} }, 1, 'in one log');
	$m->refused('c has none', '/api/gtid-errant-reset-master/{c}', qr/\S/);
	like($m->ok('gtid-errant-inject-empty',
	    '/api/gtid-errant-inject-empty/{b}')->{Message},
	    qr/^1 empty transactions/, 'answers how many');
	$m->flows;
	$m->seen('nothing is errant any more', 'b',
	    sub { $_[0]{GtidErrant} eq '' });

	$m->sql('c', 'SET GLOBAL read_only = 0; CREATE DATABASE mine');
	$m->ok('c is looked at', '/api/discover/{c}');
	$m->seen('c has one', 'c', sub { $_[0]{GtidErrant} ne '' });
	$m->ok('gtid-errant-reset-master', '/api/gtid-errant-reset-master/{c}');
	$m->topology->wait_replicating('c');
	$m->flows;
	$m->seen('and has none now', 'c', sub { $_[0]{GtidErrant} eq '' });
	$m->sql($_, 'SET GLOBAL read_only = 1') for qw(b c);
}

# ---- two at once, and one that is ended ---------------------------------

# A call in a process of its own; returns a handle to its answer.
sub call {
	my ($m, $path) = @_;
	my $pid = open(my $out, '-|') // die "fork: $!";
	return $out if $pid;
	my $http = HTTP::Tiny->new(timeout => 100);
	print $http->get($m->daemon->url . $m->fill($path))->{content};
	close STDOUT;
	POSIX::_exit(0);
}

sub meet {
	my ($m) = @_;
	my $d = $m->daemon;

	$m->ok('maintenance', '/api/begin-maintenance/{c}/ann/disk');
	$m->refused('what ann works on', '/api/relocate/{c}/{b}', qr/ann/);
	$m->refused('as a destination, too', '/api/relocate/{d}/{c}', qr/ann/);
	$m->is_shape('a>b a>c a>d', 'nothing has moved');
	$m->ok('it ends', '/api/end-maintenance/{c}');

	# The applier of c waits for a lock, and so whoever waits for it.
	$m->sql('c', 'SET GLOBAL read_only = 0');
	my $pid = begin($m, 'c', 'LOCK TABLES shop.orders WRITE; DO SLEEP(600)');
	my $id = connection($m, 'c', 'DO SLEEP');
	$m->sql('a', "INSERT INTO shop.orders VALUES (7000, 'waits')");
	my $out = call($m, '/api/stop-replica-nice/{c}');
	my $list = Topology::wait_for('the operation', sub {
		my $l = $d->get('/api/operations');
		return @$l ? $l : undef;
	});
	is($list->[0]{Run}{Operation}, 'stop-replica-nice', 'it is shown');
	like($d->client('-c', 'operations'), qr/\A\d+ .*\Q@{[ $m->addr('c') ]}/,
	    'by the client, too');
	$m->refused('another one on that server', '/api/stop-replica/{c}',
	    qr/\Q@{[ $m->addr('c') ]}\E/);
	$m->ok('it is ended', "/api/cancel-operation/$list->[0]{Id}");
	my $answer = JSON::PP->new->decode(do { local $/; <$out> });
	close $out;
	is($answer->{Code}, 'ERROR', 'who began it is told');
	like($answer->{Message}, qr/canceled/, 'why');
	$m->sql('c', "KILL $id");
	waitpid $pid, 0;
	is(scalar @{ $d->get('/api/operations') }, 0, 'none is under way');
	$m->topology->wait_replicating('c');
	$m->sql('c', 'SET GLOBAL read_only = 1');
	$m->flows;
	is(scalar @{ $d->get('/api/maintenance') }, 0, 'no lock is left');
}

# ---- the source is dead -------------------------------------------------

sub dead {
	my ($m) = @_;
	my $t = $m->topology;

	$t->kill('a');
	$m->seen('a is gone', 'a', sub { !$_[0]{IsLastCheckValid} });
	my $answer = $m->ok('regroup-replicas', '/api/regroup-replicas/{a}');
	my ($chosen) = grep { $t->port($_) == ($answer->{Details}{Port} // 0) }
	    qw(b c d);
	is($m->shape, join(' ', sort "(" . $m->addr('a') . ")>$chosen",
	    map { "$chosen>$_" } grep { $_ ne $chosen } qw(b c d))
	    =~ s/\(\Q@{[ $m->addr('a') ]}\E\)/a/r, 'one takes the others');
	$m->ok('its source is forgotten', "/api/reset-replica/{$chosen}");
	$m->ok('it is writable', "/api/set-writeable/{$chosen}");
	$m->primary($chosen);
	$m->flows(qw(b c d));
	my ($other) = grep { $_ ne $chosen } qw(b c d);
	$m->refused('nobody goes below the dead', "/api/relocate/{$other}/{a}",
	    qr/\Q@{[ $m->addr('a') ]}\E/);
	$m->flows(qw(b c d));
}

my $only = @ARGV ? $ARGV[0] : '';
for my $flavour (grep { /$only/ } qw(mariadb mysql)) {
	my $why = Moves->missing($flavour);
	subtest $flavour => sub {
		plan skip_all => $why if $why;
		my $o = '[read_only=1]';
		my $m = Moves->new("a > b\[semisync,read_only=1] c$o d$o",
		    flavour => $flavour, config => { ReplicationCredentialsQuery =>
			"SELECT '$Topology::REPL_USER', "
			. "'$Topology::REPL_PASSWORD'" });
		switches($m);
		queries($m);
		errant($m) if $flavour eq 'mysql';
		meet($m);
		dead($m);
		done_testing();
	};
}

done_testing();
