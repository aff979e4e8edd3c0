#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
#
# README's first command: it shows its own topology, or the user's, and ends
# everything that it started.
use strict;
use warnings;
use lib "$ENV{top_srcdir}/t/lib";
use Test::More;
use Daemon;
use Topology;

my $why = Daemon->missing || Topology->missing('mariadb');
plan skip_all => $why if $why;

my $top = $ENV{top_srcdir};
my $home = Topology->folder;

# Starts it and waits for its last words; gives its pid and what it printed.
sub quickstart {
	my ($name, $env, @args) = @_;
	my $out = $home->dir . "/$name.out";
	my $pid = fork;
	die "fork: $!" if !defined $pid;
	if ($pid == 0) {
		POSIX::setsid();
		# Whoever runs the tests may ignore what a terminal sends.
		$SIG{$_} = 'DEFAULT' for qw(HUP INT TERM);
		Topology::detach_stdio($out);
		Topology::record_pid($home->dir . "/$name.pid", $$);
		$ENV{BUILDDIR} = $ENV{top_builddir};
		$ENV{TMPDIR} = $home->dir;
		$ENV{$_} = $env->{$_} for keys %$env;
		exec 'bash', "$top/contrib/quickstart", @args
		    or POSIX::_exit(127);
	}
	eval {
		Topology::wait_for('quickstart', sub {
			my $text = Topology::read_file($out);
			return 1 if $text =~ /^Ctrl-C ends it/m;
			die "it ended:\n$text" if waitpid $pid, POSIX::WNOHANG();
			return 0;
		}, 300);
		1;
	} or diag($@);
	return ($pid, Topology::read_file($out));
}

sub end {
	my ($what, $pid, $signal, $status) = @_;
	kill $signal, $pid;
	waitpid $pid, 0;
	is($? >> 8, $status, "$what: ended by $signal");
	my @left = map { glob $home->dir . "/$_" } 'orc-*',
	    'orchestrator-quickstart*';
	is_deeply(\@left, [], "$what: nothing is left");
}

my ($pid, $text) = quickstart('demo', {});
my ($tree) = $text =~ /\n\n(127\S+ +\[.*?)\n\n/s;
$tree = '' if !defined $tree;
my @line = split /\n/, $tree;
is(scalar @line, 4, 'the demo shows four servers') or diag($text);
is(scalar(grep { /^\+ / } @line), 2, 'two below the source');
is(scalar(grep { /^  \+ / } @line), 1, 'one below another');
my ($url) = $text =~ m{^orchestrator runs at (http://127\.0\.0\.1:\d+)$}m;
ok($url, 'and the address');
my ($source) = $line[0] =~ /^(\S+)/ if @line;
is(scalar @{ JSON::PP::decode_json(HTTP::Tiny->new
	->get("$url/api/cluster/$source")->{content}) }, 4,
    'which answers') if $url && $source;
end('demo', $pid, 'TERM', 143);
ok(!HTTP::Tiny->new->get("$url/api/lb-check")->{success},
    'nothing answers any more') if $url;

my $t = Topology->new('a > b');
($pid, $text) = quickstart('mine',
    { ORCHESTRATOR_TOPOLOGY_USER => $Topology::USER,
      ORCHESTRATOR_TOPOLOGY_PASSWORD => $Topology::PASSWORD }, $t->addr('a'));
like($text, qr/^\Q@{[ $t->addr('a') ]}\E +\[.*\n\+ \Q@{[ $t->addr('b') ]}\E /m,
    "the user's servers");
end('mine', $pid, 'HUP', 129);
ok($t->pid('a') && $t->pid('b'), "the user's servers are left alone");

my $out = $home->dir . '/refused.out';
ok(!Topology::run_quiet($out, 'env', "BUILDDIR=$ENV{top_builddir}",
	'bash', "$top/contrib/quickstart", $t->addr('a')),
    'without an account and a terminal');
like(Topology::read_file($out), qr/set ORCHESTRATOR_TOPOLOGY_USER/,
    'it says what to do');

done_testing();
