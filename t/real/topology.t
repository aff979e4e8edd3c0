#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
#
# The maker of real topologies itself: other tests trust it to draw what it is
# told, and to leave nothing behind when a test is killed.
use strict;
use warnings;
use lib "$ENV{top_srcdir}/t/lib";
use Test::More;
use Time::HiRes qw(time sleep);
use Topology;

sub edges {
	my (undef, $edge) = Topology::parse(shift);
	return join ' ', map { "$_->[0]>$_->[1]" } @$edge;
}

is(edges('a > b c; c > d'), 'a>b a>c c>d', 'a tree');
is(edges("a > b > c\nb > d"), 'a>b b>c b>d', 'a chain, and newlines');
is(edges('a = b'), 'a>b b>a', 'co-primaries');
is(edges('a'), '', 'a server alone');
my ($node) = Topology::parse('a[mysql,nogtid] > b[report_host=x=y]');
is_deeply($node, { a => { mysql => 1, nogtid => 1 },
    b => { report_host => 'x=y' } }, 'options in brackets');
for my $bad ('a >', 'a b > c', '> b', 'a ! b', 'a[=] > b') {
	ok(!eval { Topology::parse($bad); 1 }, "refused: $bad");
}

sub gone {
	my ($what, @pid) = @_;
	my $end = time + 20;
	sleep 0.02 while time < $end && grep { Topology::running($_) } @pid;
	is_deeply([ grep { Topology::running($_) } @pid ], [], $what);
}

sub shape {
	my ($flavour) = @_;
	my $why = Topology->missing($flavour);
	skip("$flavour: $why", 7) if $why;
	my $t = Topology->new('a > b[nogtid] c; c > d', flavour => $flavour);
	$t->sql('a', 'CREATE DATABASE shape');
	Topology::wait_for('the database everywhere', sub {
		!grep { !$t->sql($_, "SHOW DATABASES LIKE 'shape'") } qw(b c d)
	});
	pass("$flavour: a statement reaches every replica");
	$t->freeze('c');
	ok($t->pid('c'), "$flavour: a frozen server is still a process");
	$t->thaw('c');
	$t->kill('a');
	is($t->pid('a'), 0, "$flavour: a killed server is gone");
	$t->start('a');
	my $port = $t->port('c');
	$t->move('c');
	isnt($t->port('c'), $port, "$flavour: a server moves to another port");
	$t->replicate('d', 'c');
	$t->wait_replicating($_) for qw(b c d);
	pass("$flavour: all replicate again");
	my @pid = map { $t->pid($_) } qw(a b c d);
	my $dir = $t->dir;
	undef $t;
	gone("$flavour: no server outlives its topology", @pid);
	ok(!-e $dir, "$flavour: and no data");
}

SKIP: { shape('mariadb'); }
SKIP: { shape('mysql'); }

SKIP: {
	my $why = Topology->missing('mariadb');
	skip($why, 2) if $why;
	pipe my $read, my $write or die;
	my $pid = fork;
	die "fork: $!" if !defined $pid;
	if ($pid == 0) {
		close $read;
		my $t = Topology->new('a');
		syswrite $write, $t->pid('a') . ' ' . $t->dir . "\n";
		sleep 3600;
	}
	close $write;
	my ($server, $dir) = split ' ', scalar <$read>;
	kill 'KILL', $pid;
	waitpid $pid, 0;
	gone('a test that is killed leaves no server', $server);
	Topology::wait_for('the data to go', sub { !-e $dir }, 20);
	ok(!-e $dir, 'and no data');
}

done_testing();
