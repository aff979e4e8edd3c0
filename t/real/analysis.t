#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
#
# Failure analysis of real servers: a primary killed, frozen and closed to us,
# replicas stopped; what the API, the client and the command line say of it, and
# what a saved answer of /api/all-instances says later.
use strict;
use warnings;
use lib "$ENV{top_srcdir}/t/lib";
use Test::More;
use Time::HiRes qw(time);
use Daemon;
use Topology;

my $absent = Daemon->missing || Topology->missing('mariadb');
plan skip_all => $absent if $absent;
my $binary = Daemon::binary();

sub analysis {
	my ($d, $addr) = @_;
	my $list = $d->get('/api/replication-analysis')->{Details} || [];
	for (@$list) {
		my $k = $_->{AnalyzedInstanceKey};
		return $_ if "$k->{Hostname}:$k->{Port}" eq $addr;
	}
	return { Analysis => 'NoProblem' };
}

# Seconds until that is said of a server.
sub until_said {
	my ($d, $addr, $code) = @_;
	my $begin = time;
	Topology::wait_for("$addr: $code", sub {
		analysis($d, $addr)->{Analysis} eq $code });
	return time - $begin;
}

sub saved {
	my ($d) = @_;
	my $file = $d->dir . '/all-instances.json';
	Topology::write_file($file,
	    $d->{http}->get($d->url . '/api/all-instances')->{content});
	return $file;
}

sub of_snapshot {
	my ($file) = @_;
	open my $p, '-|', $binary, '-c', 'replication-analysis', '-snapshot',
	    $file or die;
	local $/;
	return <$p> // '';
}

sub story {
	my ($flavour) = @_;
	my $t = Topology->new('a > b[read_only=1] c[read_only=1]',
	    flavour => $flavour);
	my $d = Daemon->new(DiscoverySeeds => [ $t->addr('a') ]);
	my $addr = $t->addr('a');

	Topology::wait_for('all three', sub {
		my $list = $d->get('/api/all-instances') || [];
		return ref $list eq 'ARRAY' && 3 == grep { $_->{IsLastCheckValid}
		    && ($_->{Slave_IO_Running} || !$_->{ReadOnly}) } @$list;
	});
	is(analysis($d, $addr)->{Analysis}, 'NoProblem', "$flavour: all is well");

	my $stop = $flavour eq 'mysql' ? 'STOP REPLICA' : 'STOP SLAVE';
	my $start = $stop =~ s/STOP/START/r;
	$t->sql($_, $stop) for qw(b c);
	cmp_ok(until_said($d, $addr, 'AllMasterReplicasNotReplicating'), '<', 5,
	    'replicas are stopped');
	$t->sql($_, $start) for qw(b c);
	until_said($d, $addr, 'NoProblem');

	$t->freeze('a');
	my $s = until_said($d, $addr, 'UnreachableMaster');
	cmp_ok($s, '<', 6, sprintf 'frozen: known after %.2f s', $s);
	$t->thaw('a');
	until_said($d, $addr, 'NoProblem');

	my $begin = time;
	$t->kill('a');
	until_said($d, $addr, 'DeadMaster');
	cmp_ok(time - $begin, '<', 5, sprintf 'killed: known after %.3f s',
	    time - $begin);
	my $an = analysis($d, $addr);
	is("$an->{CountReplicas} $an->{CountValidReplicas} "
	    . $an->{CountValidReplicatingReplicas}, '2 2 0', 'why');
	like($d->client('-c', 'replication-analysis'),
	    qr{^\Q$addr\E \(cluster \Q$addr\E\): DeadMaster$}m, 'the client');
	like(of_snapshot(saved($d)),
	    qr{^\Q$addr\E \(cluster \Q$addr\E\): DeadMaster}m, 'a snapshot');
	Topology::wait_for('the change is remembered', sub {
		my $log = $d->get('/api/replication-analysis-changelog') || [];
		return 'ARRAY' eq ref $log && grep { /;DeadMaster,$/ }
		    map { @{ $_->{Changelog} } } @$log;
	});
	pass('the change is remembered');
	Topology::wait_for('the command line', sub {
		open my $p, '-|', $binary, '-config', $d->dir . '/config.json',
		    '-quiet', '-c', 'replication-analysis' or die;
		return grep { $_ eq "$addr (cluster $addr): DeadMaster\n" } <$p>;
	});
	pass('the command line says so from the store');
	my $list;
	Topology::wait_for('a detection', sub {
		$list = $d->get('/api/audit-failure-detection') || [];
		return 'ARRAY' eq ref $list && grep {
		    $_->{AnalysisEntry}{Analysis} eq 'DeadMaster' } @$list;
	});
	my ($found) = grep { $_->{AnalysisEntry}{Analysis} eq 'DeadMaster' }
	    @$list;
	ok($found->{IsActive}, 'it is detected');
	my @replica = map { $_->{Port} } @{ $found->{AnalysisEntry}{Replicas} };
	my @want = ($t->port('b'), $t->port('c'));
	is_deeply([ sort { $a <=> $b } @replica ],
	    [ sort { $a <=> $b } @want ], 'with its replicas');
	is_deeply(scalar $d->get("/api/audit-failure-detection/id/$found->{Id}"),
	    [ $found ], 'by id');
	my $metrics = $d->get('/debug/metrics');
	is($metrics->{'analysis.now.DeadMaster'}, 1, 'one dead primary');
	cmp_ok($metrics->{'analysis.probes'}, '>', 3, 'probed anew');
	$t->start('a');
	until_said($d, $addr, 'NoProblem');
	pass('it is back');
}

story('mariadb');
SKIP: {
	my $why = Topology->missing('mysql');
	skip $why, 1 if $why;
	story('mysql');
}
done_testing();
