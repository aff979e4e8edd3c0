#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
#
# What operators say and ask, on real servers: the daemon and commands beside it
# work on one store, and a restart forgets nothing of it.
use strict;
use warnings;
use lib "$ENV{top_srcdir}/t/lib";
use Test::More;
use Daemon;
use Topology;

my $absent = Daemon->missing || Topology->missing('mariadb');
plan skip_all => $absent if $absent;

my $t = Topology->new('a > b[read_only=1] c; c > d', flavour => 'mariadb');
my %at = map { $_ => $t->addr($_) } $t->names;
my %path = map { $_ => $at{$_} =~ tr{:}{/}r } keys %at;
my $d = Daemon->new(AuditToBackendDB => JSON::PP::true,
    ReasonableReplicationLagSeconds => 60);

sub command {
	my ($what, $want, @args) = @_;
	is($d->command(@args), $want, $what);
}

# The daemon reads what a command wrote within a second or so.
sub seen {
	my ($what, $is) = @_;
	Topology::wait_for($what, $is, 20);
	pass($what);
}

# ---- a command alone finds and keeps ------------------------------------

$d->stop;
command('a command discovers', "$at{a}\n", '-c', 'discover', '-i', $at{a});
command('the next one knows it', "$at{a}\n", '-c', 'which-instance', '-i',
    $at{a});
$d->start;
is($d->get("/api/instance/$path{a}")->{Key}{Port}, $t->port('a'),
    'so does the daemon');

my ($status, $answer) = $d->get("/api/discover/$path{a}");
is("$status $answer->{Code}", '200 OK', 'discover by the API');
is(scalar keys %{ $answer->{Details} }, 102, 'gives the instance whole');
seen('all four are found', sub {
	my $all = $d->get('/api/all-instances');
	return @$all == 4 && !grep { !$_->{IsLastCheckValid} } @$all;
});
seen('each with its place', sub {
	my $i = $d->get("/api/instance/$path{d}");
	return $i->{ReplicationDepth} == 2 && $i->{ClusterName} eq $at{a};
});

# ---- commands read what the daemon keeps --------------------------------

seen('a command sees all of it', sub {
	return $d->command('-c', 'which-cluster-instances', '-i', $at{d})
	    =~ tr/\n// == 4;
});
command('a cluster', "$at{a}\n", '-c', 'which-cluster', '-i', $at{d});
command('its primary', "$at{a}\n", '-c', 'which-cluster-master', '-i', $at{d});
command('a source', "$at{c}\n", '-c', 'which-master', '-i', $at{d});
command('none', '', '-c', 'which-master', '-i', $at{a});
command('replicas, those with most replicas first', "$at{c}\n$at{b}\n",
    '-c', 'which-replicas', '-i', $at{a});
command('it replicates', "$at{d}\n", '-c', 'is-replicating', '-i', $at{d});
command('it is not stopped', '', '-c', 'is-replication-stopped', '-i', $at{d});
like($d->command('-c', 'instance-status', '-i', $at{b}),
    qr/\A\[\d+s,ok,.*,ro,/, 'a status');

# ---- the operators' word, from either side ------------------------------

command('downtime by a command', "$at{b}\n", '-c', 'begin-downtime', '-i',
    $at{b}, '-reason', 'disk', '-duration', '1h', '-owner', 'ann');
seen('reaches the daemon', sub {
	my $i = $d->get("/api/instance/$path{b}");
	return $i->{IsDowntimed} && $i->{DowntimeOwner} eq 'ann';
});
is($d->get("/api/tag/$path{c}?tag=role=spare")->{Code}, 'OK', 'a tag by API');
seen('a command sees it', sub {
	return $d->command('-c', 'tagged', '-tag', 'role=spare') eq "$at{c}\n";
});
like($d->client('-c', 'topology-tags', '-i', $at{a}),
    qr/^\+ \Q$at{c}\E .* \[role=spare\]$/m, 'and the tree has it');
is($d->get("/api/set-cluster-alias/$at{a}?alias=shop")->{Code}, 'OK',
    'an alias');
is(scalar @{ $d->get('/api/cluster/shop') }, 4, 'is known at once');
command('the command line has it', "shop\n", '-c', 'which-cluster-alias',
    '-i', $at{d});
command('and finds by it', "$at{a}\n", '-c', 'which-cluster', '-alias',
    'shop');
$d->get("/api/submit-pool-instances/reads?instances=$at{b},$at{d}");
is(scalar @{ $d->get('/api/heuristic-cluster-pool-instances/shop')
    ->{Details} }, 2, 'pool members that are reachable');
$d->get("/api/register-candidate/$path{c}/prefer");
ok($d->get("/api/instance/$path{c}")->{IsCandidate}, 'a candidate');

# ---- problems -----------------------------------------------------------

$t->kill('d');
seen('a dead replica is a problem', sub {
	my $p = $d->get('/api/problems') || [];
	return @$p == 1 && $p->[0]{Key}{Port} == $t->port('d');
});
($status, $answer) = $d->get("/api/refresh/$path{d}");
is("$status $answer->{Code}", '500 ERROR', 'it cannot be refreshed');
like($answer->{Message}, qr/\Q$at{d}\E: /, 'which is said of it');
$t->kill('b');
seen('one in downtime is none', sub {
	return !$d->get("/api/instance/$path{b}")->{IsLastCheckValid};
});
is(scalar @{ $d->get('/api/problems') }, 1, 'still one problem');
$t->start('b');

# ---- history ------------------------------------------------------------

like($d->get('/api/snapshot-topologies')->{Details}, qr/^Took /, 'a snapshot');
command('a command forgets what is dead', "$at{d}\n", '-c', 'forget', '-i',
    $at{d});
seen('it is gone for the daemon, too', sub {
	my ($s) = $d->get("/api/instance/$path{d}");
	return $s == 500;
});
is(($d->get("/api/forget/$path{d}"))[0], 500, 'what is unknown is no more');
my $past = $d->command('-c', 'topology', '-i', $at{a}, '-pattern', '20');
like($past, qr/^  [-+] \Q$at{d}\E$/m, 'history still has it') or diag($past);
my @audit = map { $_->{AuditType} } @{ $d->get('/api/audit') };
ok((grep { $_ eq 'forget' } @audit), 'the audit has it') or diag("@audit");

# ---- a restart ----------------------------------------------------------

$d->stop;
like($d->log, qr/SIGTERM: stopping/, 'it ends when asked to');
$d->start;
is(scalar @{ $d->get('/api/cluster/shop') }, 3, 'servers and alias are back');
ok($d->get("/api/instance/$path{b}")->{IsDowntimed}, 'downtime too');
is($d->get("/api/tag-value/$path{c}/role"), 'spare', 'and the tag');

# ---- reload -------------------------------------------------------------

$d->configure(PrependMessagesWithOrcIdentity => 'custom',
    CustomOrcIdentity => 'east');
$d->signal('HUP');
seen('SIGHUP reads the configuration again', sub {
	return $d->get('/api/check-global-recoveries')->{Message}
	    =~ /^Orchestrator east says: /;
});
$d->configure(InstancePollSeconds => 'often');
($status, $answer) = $d->get('/api/reload-configuration');
is("$status $answer->{Code}", '500 ERROR', 'a bad one is refused');
like($answer->{Message}, qr/InstancePollSeconds/, 'and the key is named');
is($d->get('/api/health')->{Code}, 'OK', 'the daemon goes on as before');

# ---- who may ------------------------------------------------------------

$d->configure(InstancePollSeconds => 1, ReadOnly => JSON::PP::true);
$d->get('/api/reload-configuration');
($status, $answer) = $d->get("/api/forget/$path{c}");
like($answer->{Message}, qr/Unauthorized$/, 'a read-only node changes nothing');
is(scalar @{ $d->get('/api/cluster/shop') }, 3, 'and shows all');

done_testing();
