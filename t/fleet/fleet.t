#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
#
# The fleet of simulated servers, asked by the client library that the daemon
# uses: it answers as servers do, and its faults are what they say.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Fleet;
use JSON::PP ();
use Test::More;
use Time::HiRes ();

my $probe = ($ENV{top_builddir} || '.') . '/t/real/probe_one';
my $f;

# What a probe of server n gives; options before.
sub probe {
	my ($n, @option) = @_;
	open my $out, '-|', $probe, 'hosts=1', 'limit_ms=1500', @option,
	    $f->address($n), $f->port or die "probe_one: $!";
	local $/;
	my $text = <$out>;
	close $out;
	return JSON::PP->new->decode($text);
}

sub found {
	my ($p, $kind) = @_;
	my %host = map { $_->{key} =~ s/:\d+$//r => 1 }
	    grep { $_->{kind} eq $kind } @{ $p->{found} };
	return join ' ', sort keys %host;
}

sub names { return join ' ', sort map { $f->address($_) } @_ }

# ---- what a server says, of every kind

my @version = qw(5.7.44 8.0.36 8.4.3 9.1.0 10.5.23-MariaDB 10.11.6-MariaDB
    11.8.2-MariaDB);
$f = Fleet->new(clusters => scalar @version, size => 4, depth => 2,
    version => join(',', @version), datacenters => 2);
for my $c (0 .. $#version) {
	my $top = probe(4 * $c);
	my $below = probe(4 * $c + 1, 'data_center=select @@datacenter');
	is($top->{instance}{Version}, $version[$c], "$version[$c] answers");
	is(found($top, 'replica'), names(4 * $c + 1, 4 * $c + 2),
	    'and lists its replicas');
	is(found($below, 'source'), names(4 * $c),
	    'one of these names its source');
	is(found($below, 'replica'), names(4 * $c + 3), 'and its own replica');
	is($below->{instance}{DataCenter}, 'dc2', 'and where it stands');
	ok($below->{instance}{ReadOnly}, 'and is read-only');
	is_deeply($top->{notes}, [], 'nothing that was asked is refused');
}

# ---- faults

my @fault = (
	[ 'gone', 'unreachable', qr/refused/ ],
	[ 'hang', 'timeout', qr/time over/ ],
	[ 'cut', 'timeout', qr/time over/ ],
	[ 'deny', 'denied', qr/Access denied/ ],
	[ 'full', 'server', qr/Too many connections/ ],
	[ 'garbage', 'unreachable|malformed', qr/./ ],
);
for (@fault) {
	my ($kind, $code, $error) = @$_;
	is($f->send('fault', $f->address(5), $kind)->{touched}, 1,
	    "$kind: one server");
	my $p = probe(5);
	like($p->{code} || '', qr/^($code)/, "it is $code to a client");
	like($p->{error} || '', $error, 'and why');
	ok(probe(4)->{instance}, 'the next one is well');
	$f->send('heal', $f->address(5));
	ok(probe(5)->{instance}, 'healed');
}

sub seconds_of {
	my ($code) = @_;
	my $begin = Time::HiRes::time();
	$code->();
	return Time::HiRes::time() - $begin;
}

$f->send('fault', $f->address(5), 'slow', 100);
cmp_ok(seconds_of(sub { ok(probe(5)->{instance}, 'a slow one answers') }),
    '>=', 0.4, 'after as many waits as there are answers');
$f->send('heal', $f->address(5));
$f->send('fault', $f->address(5), 'drip');
is(probe(5)->{code}, 'timeout', 'a dripping one is not done in time');
$f->send('heal', $f->address(5));
$f->send('fault', $f->address(5), 'lag', 77);
is(probe(5)->{instance}{SecondsBehindMaster}{Int64}, 77, 'one lags');
$f->send('heal', $f->address(5));

# ---- who is meant

is($f->send('fault', 'cluster', 2, 'hang')->{touched}, 4, 'a cluster');
is($f->send('fault', 'datacenter', 'dc1', 'gone')->{touched}, 14,
    'a data center');
is($f->stats->{well}, 12, 'the rest is well');
is($f->send('heal', 'all')->{touched}, 28, 'all are healed');
is($f->send('fault', 'primary', 3, 'gone')->{touched}, 1, 'a primary');
ok(!probe(13)->{instance}{ReplicationIOThreadRuning},
    'its replicas lose it');
$f->send('heal', 'all');
is($f->send('fault', '50%', 'hang')->{touched}, 14, 'a part of all');
is($f->stats->{well}, 14, 'as large as was said');
$f->send('heal', 'all');
like($f->send('fault', 'all', 'sing')->{error}, qr/no such fault/,
    'an unknown fault is an error');
like($f->send('dance')->{error}, qr/fault, heal/, 'an unknown word too');
$f->send('restart', $f->address(5));
cmp_ok(probe(5)->{instance}{Uptime}, '<', probe(6)->{instance}{Uptime} + 1,
    'a restarted server counts from zero');
$f->send('restart', $f->address(5), 1000);
is(probe(5)->{code}, 'unreachable', 'or stays away for a while');

# ---- what is counted

$f->send('reset');
probe(8, 'times=11');
my $s = $f->stats;
is($s->{probes}, 11, 'probes are counted');
is($s->{gap_ms}{count}, 10, 'and the gaps between them');
is($s->{unprobed}, 26, 'and those that were not probed');
is($s->{syntax_errors}, 0, 'every statement was understood');

# ---- one socket for all, and time goes on

undef $f;
$f = Fleet->new(clusters => 1, size => 3, listen => 'shared', writes => 50);
is(probe(1)->{instance}{Key}{Hostname}, $f->address(1),
    'by one socket they are several');
my $at = probe(1)->{instance}{ExecutedGtidSet};
ok(Topology::wait_for('a transaction', sub {
	return probe(1)->{instance}{ExecutedGtidSet} ne $at;
}), 'transactions come, and replicas execute them');
$f->send('fault', $f->address(1), 'gone');
is(probe(1)->{code}, 'unreachable', 'and one can be gone');

# ---- TLS

undef $f;
$f = Fleet->new(clusters => 1, size => 3, tls => 'required');
is(probe(0, 'tls=never')->{code}, 'denied', 'who comes without TLS is refused');
my $t = probe(0);
ok($t->{tls}, 'who may use it, does');
is(found($t, 'replica'), names(1), 'and gets the same answers');
is($f->stats->{handshakes}, 1, 'which is counted');
is(probe(0, 'tls=always', 'verify=1')->{code}, 'server error',
    'nobody vouches for the certificate');
$f->send('fault', $f->address(1), 'drip');
ok(probe(1, 'tls=always', 'limit_ms=60000')->{tls}, 'also byte by byte');
$f->send('fault', $f->address(2), 'hang');
is(probe(2, 'tls=always')->{code}, 'timeout', 'or not at all');
undef $f;
$f = Fleet->new(clusters => 1, size => 3, tls => 'offered');
ok(!probe(0)->{tls}, 'where it is offered only, it is not needed');
ok(probe(0, 'tls=always')->{tls}, 'but taken when asked for');

SKIP: {
	my $client = Topology::find_program('mariadb', 'mysql');
	skip('no command line client', 1) if !$client;
	my $host = $f->address(0);
	my $port = $f->port;
	like(qx{$client --no-defaults -h $host -P $port -u x --skip-ssl -Ne \\
	    'set names utf8mb4; select \@\@version; show master status' 2>&1},
	    qr/^8\.0\.36\nbinlog\.000001\t/, 'the command line client works');
}
done_testing();
