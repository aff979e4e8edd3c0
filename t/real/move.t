#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
#
# Servers moved through the API, the client and the command line: MariaDB and
# MySQL, by GTID and by file and position.  After each operation the servers say
# where they stand, and a row written on the primary arrives everywhere.
use strict;
use warnings;
use lib "$ENV{top_srcdir}/t/lib";
use Test::More;
use Moves;

my @way = (
	[ 'mariadb', 'GTID', '' ],
	[ 'mariadb', 'file and position', 'nogtid' ],
	[ 'mysql', 'GTID', '' ],
	[ 'mysql', 'file and position', 'nogtid,gtid_mode=OFF' ],
);

# a > b c d; b > e, and the options of one way for each.
sub drawing {
	my ($options) = @_;
	my $all = sub { my ($name, @more) = @_;
		my $o = join ',', @more, grep { $_ ne '' } $options;
		return $o eq '' ? $name : "$name\[$o]" };
	my ($a, @r) = ($all->('a'), map { $all->($_, 'read_only=1') }
	    qw(b c d e));
	return "$a > $r[0] $r[1] $r[2]; b > $r[3]";
}

# ---- one replica, and many ----------------------------------------------

sub one_by_one {
	my ($m, $gtid) = @_;
	my $d = $m->daemon;
	my ($e, $c, $b, $a) = map { $m->addr($_) } qw(e c b a);

	my $plan = $d->client('-c', 'relocate', '-i', $e, '-d', $a, '-n');
	like($plan, qr/\Q$e\E/, 'a dry run shows a plan');
	like($plan, qr/change .*(?:source|master)/i, 'with its statements');
	unlike($plan, qr/password=['"]?[^?\s'"*]/i, 'without passwords');
	$m->is_shape('a>b a>c a>d b>e', 'and changes nothing');

	is($d->client('-c', 'relocate', '-i', $e, '-d', $a), "$e<$a\n",
	    'relocate: up');
	$m->is_shape('a>b a>c a>d a>e');
	is($d->client('-c', 'relocate', '-i', $e, '-d', $c), "$e<$c\n",
	    'relocate: below a sibling');
	$m->is_shape('a>b a>c a>d c>e');
	$m->flows;

	my $answer = $m->ok('move-up', '/api/move-up/{e}');
	is($answer->{Details}{MasterKey}{Port}, $m->topology->port('a'),
	    'the answer has the new source');
	$m->is_shape('a>b a>c a>d a>e');
	$m->ok('move-below', '/api/move-below/{e}/{d}');
	$m->is_shape('a>b a>c a>d d>e');
	$m->ok('repoint', '/api/repoint/{e}/{d}');
	$m->is_shape('a>b a>c a>d d>e');
	$m->flows;
	$m->refused('a loop', '/api/relocate/{d}/{e}', qr/\S/);
	$m->is_shape('a>b a>c a>d d>e', 'nothing has changed');

	is($d->command('-c', 'move-up', '-i', $e), "$e<$a\n",
	    'the command line beside the daemon');
	$m->is_shape('a>b a>c a>d a>e');
	is($d->command('-c', 'move-below', '-i', $e, '-d', $b), "$e<$b\n",
	    'and back');
	$m->is_shape('a>b a>c a>d b>e');
	$m->flows;
}

sub many {
	my ($m, $gtid) = @_;
	my $n = sub { my ($a) = @_;
		return join ' ', sort map { $_->{Key}{Port} }
		    @{ $a->{Details} } };
	my $ports = sub { join ' ', sort map { $m->topology->port($_) } @_ };

	my $answer = $m->ok('take-siblings', '/api/enslave-siblings/{b}');
	is($answer->{Details}{Key}{Port}, $m->topology->port('b'),
	    'answers with the server');
	$m->is_shape('a>b b>c b>d b>e');
	$m->flows;
	$answer = $m->ok('move-up-replicas', '/api/move-up-replicas/{b}'
	    . '?pattern=' . $m->topology->port('c'));
	is($n->($answer), $ports->('c'), 'those that a pattern matches');
	$m->is_shape('a>b a>c b>d b>e');
	$answer = $m->ok('repoint-replicas', '/api/repoint-replicas/{b}');
	is($n->($answer), $ports->(qw(d e)), 'the replicas, repointed');
	$m->is_shape('a>b a>c b>d b>e');
	$m->flows;
	if ($gtid) {
		$answer = $m->ok('relocate-replicas',
		    '/api/relocate-replicas/{b}/{c}');
		is($n->($answer), $ports->(qw(d e)), 'all of them');
		$m->is_shape('a>b a>c c>d c>e');
		$answer = $m->ok('move-replicas-gtid',
		    '/api/move-slaves-gtid/{c}/{a}');
		is($answer->{Details}{Port}, $m->topology->port('a'),
		    'answers with the destination');
	} else {
		$m->ok('all move up', '/api/move-up-slaves/{b}');
	}
	$m->is_shape('a>b a>c a>d a>e');
	$m->flows;
}

# ---- sources ------------------------------------------------------------

sub sources {
	my ($m, $gtid) = @_;

	$m->ok('below b', "/api/relocate/{$_}/{b}") for qw(c d);
	$m->is_shape('a>b a>e b>c b>d');
	$m->ok('take-master', '/api/take-master/{c}');
	$m->is_shape('a>c a>e b>d c>b');
	$m->flows;
	$m->ok('make-co-master', '/api/make-co-master/{c}');
	$m->is_shape('a>c a>e b>d c>a c>b');
	$m->flows;
	$m->ok('reset-replica', '/api/reset-replica/{a}');
	$m->is_shape('a>c a>e b>d c>b');
	$m->flows;
	$m->ok('b moves up', '/api/move-up/{b}');
	$m->ok('d moves up', '/api/move-up/{d}');
	$m->is_shape('a>b a>c a>d a>e');

	my $answer = $m->ok('regroup-replicas', '/api/regroup-replicas/{a}')
	    if $gtid;
	if ($gtid) {
		my ($chosen) = grep { $m->topology->port($_)
		    == $answer->{Details}{Port} } qw(b c d e);
		$m->is_shape(join(' ', sort "a>$chosen", map { "$chosen>$_" }
		    grep { $_ ne $chosen } qw(b c d e)));
		$m->flows;
		$m->ok('all move up again', "/api/move-up-replicas/{$chosen}");
	}
	$m->is_shape('a>b a>c a>d a>e');
	$m->flows;
}

# ---- one server's replication -------------------------------------------

sub replication {
	my ($m, $gtid) = @_;
	my $t = $m->topology;
	my $d = $m->daemon;
	my $b = $m->addr('b');

	$m->ok('detach-replica', '/api/detach-replica/{b}');
	like($m->shape, qr{\(//127[.]}, 'the source is nobody');
	$m->ok('reattach-replica', '/api/reattach-slave/{b}');
	$m->is_shape('a>b a>c a>d a>e');
	$t->wait_replicating('b');
	$m->flows;

	is($d->client('-c', 'stop-replica', '-i', $b), "$b\n", 'stop-replica');
	ok(!$t->is_replicating('b'), 'it does not replicate');
	is($d->client('-c', 'is-replication-stopped', '-i', $b), "$b\n",
	    'which is known at once');
	if ($gtid) {
		$m->ok('a stopped replica moves', '/api/relocate/{b}/{c}');
		$m->is_shape('a>c a>d a>e c>b');
	} else {
		$m->refused('a stopped replica, by position',
		    '/api/relocate/{b}/{c}', qr/the applier of \S+ does not run/);
		$m->is_shape('a>b a>c a>d a>e');
	}
	ok(!$t->is_replicating('b'), 'and stays stopped');
	$m->ok('start-replica', '/api/start-slave/{b}');
	$t->wait_replicating('b');
	$m->flows;
	$m->ok('stop-replica-nice', '/api/stop-replica-nice/{b}');
	ok(!$t->is_replicating('b'), 'it is stopped');
	$m->ok('restart-replica', '/api/restart-replica/{b}');
	$t->wait_replicating('b');
	$m->ok('up again', '/api/move-up/{b}') if $gtid;
	is($m->ok('delay-replication', '/api/delay-replication/{b}/3600')
	    ->{Details}, 3600, 'answers the seconds');
	is($t->status('b')->{SQL_Delay}, 3600, 'which the server has');
	$m->ok('no delay', '/api/delay-replication/{b}/0');
	$m->flows;

	my $list = $m->ok('restart-replica-statements',
	    '/api/restart-replica-statements/{b}?q=select%201')->{Details};
	is(scalar @$list, 5, 'statements around one');
	is($list->[2], 'select 1;', 'which stands in the middle');

	$m->sql('b', 'SET GLOBAL read_only=0; SET sql_log_bin=0; '
	    . "INSERT INTO shop.orders VALUES (9000, 'mine')");
	$m->sql('a', "INSERT INTO shop.orders VALUES (9000, 'yours')");
	Topology::wait_for('a duplicate key', sub {
		($t->status('b')->{Last_SQL_Errno} || 0) == 1062 });
	if ($gtid && $t->flavour('b') eq 'mariadb') {
		$m->refused('skip-query', '/api/skip-query/{b}', qr/GTID/);
		$m->sql('b', 'SET sql_log_bin=0; '
		    . 'DELETE FROM shop.orders WHERE id=9000');
		$m->ok('started again', '/api/start-replica/{b}');
	} else {
		$m->ok('skip-query', '/api/skip-query/{b}');
		$t->wait_replicating('b');
		$m->sql('b', 'SET sql_log_bin=0; UPDATE shop.orders '
		    . "SET what='yours' WHERE id=9000");
	}
	$m->ok('set-read-only', '/api/set-read-only/{b}');
	is($m->sql('b', 'SELECT @@read_only'), 1, 'it is');
	$m->flows;
}

sub server {
	my ($m) = @_;
	my $log = sub { return ($m->sql('b', 'SHOW BINARY LOGS'))[-1][0] };

	$m->ok('set-writeable', '/api/set-writeable/{b}');
	is($m->sql('b', 'SELECT @@read_only'), 0, 'it is');
	$m->ok('set-read-only', '/api/set-read-only/{b}');
	my $was = $log->();
	$m->ok('flush-binary-logs', '/api/flush-binary-logs/{b}');
	isnt($log->(), $was, 'a new log');
	# MariaDB keeps a log without a word until the engines need it no more.
	my $one = Topology::wait_for('logs that can go', sub {
		$m->ok('purge-binary-logs', '/api/purge-binary-logs/{b}/latest');
		return 1 == (my @logs = $m->sql('b', 'SHOW BINARY LOGS'));
	});
	ok($one, 'one is left');
	$m->flows;
}

sub gtid_only {
	my ($m) = @_;
	my $how = $m->topology->flavour('b') eq 'mysql' ? 'Auto_Position'
						      : 'Using_Gtid';
	my $was = $m->topology->status('b')->{$how};

	$m->ok('disable-gtid', '/api/disable-gtid/{b}');
	like($m->topology->status('b')->{$how}, qr/\A(?:0|No)\z/, 'it is off');
	$m->flows;
	$m->ok('enable-gtid', '/api/enable-gtid/{b}');
	is($m->topology->status('b')->{$how}, $was, 'it is on');
	$m->flows;
}

# A command without a daemon: what the store knows is old by then.
sub alone {
	my ($m) = @_;
	my $d = $m->daemon;
	my ($b, $c) = map { $m->addr($_) } qw(b c);

	$d->stop;
	is($d->command('-quiet', '-c', 'move-below', '-i', $c, '-d', $b),
	    "$c<$b\n", 'a command without a daemon');
	$m->is_shape('a>b a>d a>e b>c');
	like($d->command('-c', 'move-up', '-i', $c, '-noop'),
	    qr/noop: move-up is not carried out/, '-noop refuses');
	like($d->command('-c', 'move-up', '-i', $c, '-n'),
	    qr/\A\S.*^ +1\. /ms, '-n shows a plan');
	$m->is_shape('a>b a>d a>e b>c', 'and nothing is done');
	is($d->command('-quiet', '-c', 'take-siblings', '-i', $b), "$b\n",
	    'the siblings too');
	$m->is_shape('a>b b>c b>d b>e');
	is($d->command('-quiet', '-c', 'stop-replica', '-i', "$c,$b"),
	    "$c\n$b\n", 'two servers, one after the other');
	ok(!$m->topology->is_replicating($_), "$_ is stopped") for qw(b c);
	is($d->command('-quiet', '-c', 'start-replica', '-i', "$b,$c"),
	    "$b\n$c\n", 'and on again');
	$m->flows;
	$d->start;
}

# Of the ways only those that an argument matches: t/real/move.t 'mysql by GTID'
my $only = @ARGV ? $ARGV[0] : '';

for (grep { "$_->[0] by $_->[1]" =~ /$only/ } @way) {
	my ($flavour, $by, $options) = @$_;
	my $why = Moves->missing($flavour);
	subtest "$flavour by $by" => sub {
		plan skip_all => $why if $why;
		my $gtid = $by eq 'GTID';
		my $m = Moves->new(drawing($options), flavour => $flavour,
		    config => { ReplicationCredentialsQuery =>
			"SELECT '$Topology::REPL_USER', "
			. "'$Topology::REPL_PASSWORD'" });
		one_by_one($m, $gtid);
		$m->ok('e beside b', '/api/move-up/{e}');
		many($m, $gtid);
		sources($m, $gtid);
		replication($m, $gtid);
		server($m);
		gtid_only($m) if $gtid;
		alone($m);
		done_testing();
	};
}

done_testing();
