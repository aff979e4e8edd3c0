#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
#
# The main job on real servers: from one address the whole topology, kept
# true while servers come and go, and known at once after a crash.
use strict;
use warnings;
use lib "$ENV{top_srcdir}/t/lib";
use Test::More;
use Daemon;
use Topology;

my $absent = Daemon->missing;
plan skip_all => $absent if $absent;

sub members {
	my ($d, $addr) = @_;
	my $list = $d->get("/api/cluster/$addr");
	return ref $list eq 'ARRAY' ? @$list : ();
}

sub name { my ($i) = @_; return "$i->{Key}{Hostname}:$i->{Key}{Port}" }

sub problems {
	my ($d) = @_;
	my $list = $d->get('/api/problems');
	return join ' ', sort map { name($_) } @{ $list || [] };
}

# The tree without versions and lag, which are the server's.
sub shape {
	my ($text) = @_;
	$text =~ s/\[[^,]*,(\w+),[^,]*,(r[ow]),.*\]$/[$1,$2]/mg;
	$text =~ s/ +\[/ [/g;
	return $text;
}

sub discover {
	my ($flavour) = @_;
	my $why = Topology->missing($flavour);
	skip("$flavour: $why", 1) if $why;
	my $t = Topology->new('a > b[read_only=1] c; c > d',
	    flavour => $flavour);
	my %at = map { $_ => $t->addr($_) } $t->names;
	my $d = Daemon->new;
	my $all = sub {
		my @m = grep { $_->{IsLastCheckValid} } members($d, $at{a});
		return @m == 4;
	};

	is($d->client('-c', 'discover', '-i', $at{d}), "$at{d}\n",
	    "$flavour: the lowest replica is enough");
	Topology::wait_for('all four', $all);
	is(join(' ', sort map { name($_) } members($d, $at{a})),
	    join(' ', sort values %at), "$flavour: all four are found");

	Topology::wait_for('nothing to complain of',
	    sub { problems($d) eq '' });
	my @below = qw(c b);	# more replicas first
	my $tree = "$at{a} [ok,rw]\n" . join '', map {
		"+ $at{$_} [ok," . ($_ eq 'b' ? 'ro' : 'rw') . "]\n"
		    . ($_ eq 'c' ? "  + $at{d} [ok,rw]\n" : '') } @below;
	my $got = $d->client('-c', 'topology', '-i', $at{b});
	is(shape($got), $tree, "$flavour: the tree") or diag($got);
	my %column = map { index($_, '[') => 1 } split /\n/, $got;
	is(scalar keys %column, 1, "$flavour: brackets line up");
	is($d->command('-c', 'topology', '-i', $at{b}), $got,
	    "$flavour: the command line prints the same");

	my $c = $d->get("/api/instance/127.0.0.1/" . $t->port('c'));
	is(scalar keys %$c, 102, "$flavour: 102 fields");
	is("$c->{MasterKey}{Hostname}:$c->{MasterKey}{Port}", $at{a},
	    "$flavour: its source");
	is(join(' ', map { "$_->{Hostname}:$_->{Port}" }
		@{ $c->{Replicas} }), $at{d}, "$flavour: its replicas");
	is($c->{ClusterName}, $at{a}, "$flavour: its cluster");
	ok($flavour eq 'mysql' ? $c->{UsingOracleGTID}
	    : $c->{UsingMariaDBGTID}, "$flavour: it uses GTIDs");
	my $h2 = Topology::output('curl', '-s', '--http2-prior-knowledge', '-w',
	    '%{http_version}', '-o', '/dev/null', $d->url
	    . "/api/cluster/$at{a}");
	is($h2, '2', "$flavour: HTTP/2 without TLS");

	$t->kill('d');
	Topology::wait_for('the dead replica among the problems',
	    sub { problems($d) eq $at{d} }, 20);
	pass("$flavour: a dead replica is a problem");
	$t->start('d');
	Topology::wait_for('no problem', sub { problems($d) eq '' }, 20);
	pass("$flavour: it is back");

	$t->freeze('b');
	Topology::wait_for('the hung replica among the problems',
	    sub { problems($d) eq $at{b} }, 40);
	pass("$flavour: a hung replica is a problem, and the only one");
	$t->thaw('b');
	Topology::wait_for('no problem', sub { problems($d) eq '' }, 60);

	# With every server frozen no probe can end: what is shown after the
	# crash comes from the store.
	$d->kill;
	$t->freeze($_) for $t->names;
	$d->start;
	my @known = members($d, $at{a});
	is(join(' ', sort map { name($_) } @known),
	    join(' ', sort values %at), "$flavour: known after kill -9");
	is(scalar(grep { !defined $_->{SecondsSinceLastSeen}{Int64}
	    || !$_->{SecondsSinceLastSeen}{Valid} } @known), 0,
	    "$flavour: with its age");
	$t->thaw($_) for $t->names;
	Topology::wait_for('all four again', $all);

	# Another port, same server: it has moved, there is no fifth.
	$t->move('d');
	$d->client('-c', 'discover', '-i', $t->addr('d'));
	Topology::wait_for('the moved replica', sub {
		my @m = members($d, $at{a});
		return @m == 4 && grep { name($_) eq $t->addr('d')
		    && $_->{IsLastCheckValid} } @m;
	});
	pass("$flavour: a changed address is a move");

	is($d->client('-c', 'forget', '-i', $t->addr('d')), '',
	    "$flavour: forget prints nothing");
	$d->stop;
	unlike($d->log, qr/ (ERROR|FATAL) /, "$flavour: no error in the log");
}

SKIP: { discover('mariadb'); }
SKIP: { discover('mysql'); }

done_testing();
