#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
#
# Random moves on eight real servers while rows are written, some of them with a
# replica killed in the middle.  What a move answers may be a refusal; in the end
# every server replicates and has every row, once.
#
#	t/real/random.t [FLAVOUR [MOVES [SEED]]]
#
# MySQL only when it is asked for: there a receiver of these servers gives up
# after ten attempts, and take-master waits long for a source that died.
use strict;
use warnings;
use lib "$ENV{top_srcdir}/t/lib";
use POSIX ();
use Test::More;
use Moves;

my ($only, $moves, $seed) = (@ARGV, ('', 40, 7)[@ARGV .. 2]);
my @name = qw(a b c d e f g h);

sub pick { return $_[int rand @_] }

# Rows by somebody else, until it is told to end.
sub begin_writing {
	my ($m) = @_;
	my $pid = fork;
	die "fork: $!" if !defined $pid;
	return $pid if $pid;
	my $on = 1;
	$SIG{TERM} = sub { $on = 0 };
	while ($on) {
		eval { $m->sql('a', 'INSERT INTO shop.sold (at) VALUES '
		    . '(now(6)), (now(6))'); };
	}
	POSIX::_exit(0); # the servers are the parent's
}

# Dies while the daemon works with it, or before, or after.
sub kill_some_time {
	my ($m, $name) = @_;
	my $server = $m->topology->pid($name);
	my $pid = fork;
	die "fork: $!" if !defined $pid;
	return $pid if $pid;
	select undef, undef, undef, rand 0.2;
	CORE::kill 'KILL', $server;
	POSIX::_exit(0);
}

my @move = (
	sub { "/api/relocate/{$_[0]}/{$_[1]}" },
	sub { "/api/relocate/{$_[0]}/{$_[1]}" },
	sub { "/api/relocate/{$_[0]}/{$_[1]}" },
	sub { "/api/relocate-replicas/{$_[0]}/{$_[1]}" },
	sub { "/api/repoint/{$_[0]}" },
	sub { "/api/move-up/{$_[0]}" },
	sub { "/api/take-siblings/{$_[0]}" },
	sub { "/api/regroup-replicas/{$_[0]}" },
	sub { "/api/take-master/{$_[0]}" },
);

sub one_move {
	my ($m, $count) = @_;
	my ($x, $y) = (pick(@name), pick(@name));
	my $path = pick(@move)->($x, $y);
	my $victim = rand 5 < 1 ? pick(@name[1 .. $#name]) : undef;
	my $killer = defined $victim && kill_some_time($m, $victim);

	my ($status, $answer) = $m->daemon->get($m->fill($path));
	$count->{$status == 200 ? 'done' : 'refused or failed'}++;
	note("$path", defined $victim ? " ($victim dies)" : '', ": $status ",
	    ref $answer ? $answer->{Message} // '' : '');
	return if !$killer;
	waitpid $killer, 0;
	$count->{'servers killed'}++;
	Topology::wait_for("$victim to end",
	    sub { !$m->topology->pid($victim) });
	$m->topology->start($victim);
}

sub everything {
	my ($m, $name) = @_;
	return join ';', map { join ',', @$_ } $m->sql($name,
	    'SELECT id, at FROM shop.sold ORDER BY id');
}

sub check {
	my ($m) = @_;
	my $t = $m->topology;

	for my $name (@name[1 .. $#name]) {
		ok(eval { $t->wait_replicating($name); 1 },
		    "$name replicates") or diag($@);
	}
	$m->flows;
	my $want = everything($m, 'a');
	ok($want ne '', 'rows were written');
	for my $name (@name[1 .. $#name]) {
		ok(eval { Topology::wait_for("all rows on $name",
			sub { everything($m, $name) eq $want }) },
		    "$name has every row");
	}
	my $locks = $m->daemon->get('/api/maintenance');
	is_deeply($locks, [], 'no lock is left');
}

for my $flavour ($only || 'mariadb') {
	my $why = Moves->missing($flavour);
	subtest $flavour => sub {
		plan skip_all => $why if $why;
		srand $seed;
		# What is committed survives a killed server, as it must for
		# its replicas to be able to go on with it.
		my $safe = 'innodb_flush_log_at_trx_commit=1';
		my $r = sub { join ' ', map { "$_\[read_only=1,$safe]" } @_ };
		my $m = Moves->new("a\[$safe] > " . $r->(qw(b c d)) . '; b > '
		    . $r->(qw(e f)) . '; c > ' . $r->(qw(g h)),
		    flavour => $flavour);
		$m->sql('a', 'CREATE TABLE shop.sold (id INT PRIMARY KEY '
		    . 'AUTO_INCREMENT, at DATETIME(6))');
		my %count = ();
		my $writer = begin_writing($m);
		one_move($m, \%count) for 1 .. $moves;
		CORE::kill 'TERM', $writer;
		waitpid $writer, 0;
		diag("seed $seed: ", join ', ', map { "$count{$_} $_" }
		    sort keys %count);
		check($m);
		done_testing();
	};
}

done_testing();
