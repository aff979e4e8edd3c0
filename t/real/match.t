#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
#
# Replicas without GTID that are moved by Pseudo-GTID, below servers whose logs
# have nothing in common with what they read so far: MariaDB and MySQL.
use strict;
use warnings;
use lib "$ENV{top_srcdir}/t/lib";
use Test::More;
use Moves;

# A marker in between, so that there is something to find.
sub marked {
	my ($m) = @_;
	$m->flows;
	for my $name ($m->topology->names) {
		$m->seen("$name has markers", $name,
		    sub { $_[0]{UsingPseudoGTID} });
	}
}

sub one {
	my ($m) = @_;
	my $d = $m->daemon;

	my $plan = $d->client('-c', 'match', '-i', $m->addr('d'), '-d',
	    $m->addr('e'), '-n');
	like($plan, qr/by Pseudo-GTID/, 'a dry run says how');
	$m->is_shape('a>b a>c b>d c>e', 'and does nothing');
	my $answer = $m->ok('match', '/api/match-below/{d}/{e}');
	like($answer->{Message}, qr/ at \S+:\d+$/, 'answers the place');
	$m->is_shape('a>b a>c c>e e>d');
	marked($m);
	is($d->client('-c', 'relocate', '-i', $m->addr('d'), '-d',
	    $m->addr('b')), $m->addr('d') . '<' . $m->addr('b') . "\n",
	    'relocate finds that way');
	$m->is_shape('a>b a>c b>d c>e');
	marked($m);
	$m->ok('match-up', '/api/match-up/{d}');
	$m->is_shape('a>b a>c a>d c>e');
	$m->ok('rematch', '/api/rematch/{d}');
	$m->is_shape('a>b a>c a>d c>e');
	marked($m);
}

sub many {
	my ($m) = @_;
	my $t = $m->topology;

	my $said = $m->daemon->client('-c', 'match-replicas', '-i',
	    $m->addr('a'), '-d', $m->addr('e'));
	is(() = $said =~ /^\S+$/mg, 2, 'all but the one above e');
	like($said, qr/; 1 errors: \[\Q@{[ $m->addr('c') ]}\E: /,
	    'which is named');
	marked($m);
	my $answer = $m->ok('match-up-replicas', '/api/match-up-slaves/{e}');
	is($answer->{Details}{Port}, $t->port('c'), 'answers the new source');
	marked($m);
	$answer = $m->ok('relocate-replicas', '/api/relocate-replicas/{c}/{a}');
	like($answer->{Message}, qr/; 0 errors: \[\]$/, 'all of them');
	$m->is_shape('a>b a>c a>d a>e');
	marked($m);
	$answer = $m->ok('regroup-replicas', '/api/regroup-slaves/{a}');
	my ($chosen) = grep { $t->port($_) == ($answer->{Details}{Port} // 0) }
	    qw(b c d e);
	ok($chosen, 'one is chosen') or return;
	$m->is_shape(join(' ', sort "a>$chosen", map { "$chosen>$_" }
	    grep { $_ ne $chosen } qw(b c d e)));
	marked($m);
}

my $only = @ARGV ? $ARGV[0] : '';
for my $flavour (grep { /$only/ } qw(mariadb mysql)) {
	my $why = Moves->missing($flavour);
	subtest $flavour => sub {
		plan skip_all => $why if $why;
		my $o = $flavour eq 'mysql' ? 'nogtid,gtid_mode=OFF' : 'nogtid';
		my ($a, @r) = ("a[$o]", map { "$_\[$o,read_only=1]" }
		    qw(b c d e));
		my $m = Moves->new("$a > $r[0] $r[1]; b > $r[2]; c > $r[3]",
		    flavour => $flavour,
		    config => { AutoPseudoGTID => JSON::PP::true });
		marked($m);
		one($m);
		many($m);
		done_testing();
	};
}

done_testing();
