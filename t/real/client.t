#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
#
# orchestrator-client with the daemon and real servers behind it: what every
# command prints that changes no server.
use strict;
use warnings;
use lib "$ENV{top_srcdir}/t/lib";
use Test::More;
use Daemon;
use Topology;

my $absent = Daemon->missing || Topology->missing('mariadb');
plan skip_all => $absent if $absent;

my $t = Topology->new('a > b[read_only=1] c[read_only=1];'
    . ' c > d[read_only=1]');
my $d = Daemon->new(DetectClusterAliasQuery => "SELECT 'main'",
    DetectDataCenterQuery => "SELECT 'east'");
my %at = map { $_ => $t->addr($_) } $t->names;
my $a = $at{a};

is($d->client('-c', 'discover', '-i', $a), "$a\n", 'discover');
Topology::wait_for('all four, with their alias', sub {
	my $list = $d->get('/api/cluster/main') || [];
	return ref $list eq 'ARRAY' && 4 == grep { $_->{IsLastCheckValid}
	    && $_->{SuggestedClusterAlias} eq 'main' } @$list;
});
Topology::wait_for('the alias', sub {
	($d->get('/api/clusters-info') || [{}])->[0]{ClusterAlias} eq 'main'
});
Topology::wait_for('no problem', sub { !@{ $d->get('/api/problems') || [] } });

sub lines { return join '', map { "$_\n" } @_ }

# In any order where servers have none.
sub prints {
	my ($words, $want) = @_;
	my $got = $d->client('-c', split / /, $words);
	my $sort = sub { join "\n", sort split /\n/, shift };
	is($sort->($got), $sort->($want), $words);
}

my @all = @at{qw(a b c d)};
prints('which-api', $d->url . "/api\n");
prints("async-discover -i $at{b}", "$at{b}\n");
prints('clusters', "$a\n");
prints('clusters-alias', "$a,main\n");
prints("search -i 127.0.0.1:" . $t->port('c'), "$at{c}\n");
prints('search -i nosuchserver', '');
prints("instance -i $at{c}", "$at{c}\n");
prints("which-instance -i $at{c}", "$at{c}\n");
prints("which-master -i $at{d}", "$at{c}\n");
prints("which-master -i $a", ":0\n");
prints("which-replicas -i $a", lines(@at{qw(b c)}));
prints("which-replicas -i $at{d}", '');
prints("which-broken-replicas -i $a", '');
prints("which-cluster-instances -$_", lines(@all))
    for 'a main', "i $at{d}";
prints("which-cluster -i $at{d}", "$a\n");
prints("which-cluster-alias -i $at{d}", "main\n");
prints('which-cluster-master -a main', "$a\n");
prints('all-clusters-masters', "$a\n");
prints('all-instances', lines(@all));
prints('dominant-dc', "east\n");
prints("is-replicating -i $at{b}", "$at{b}\n");
prints("is-replication-stopped -i $at{b}", '');
prints("which-gtid-errant -i $at{b}", "\n");
my $osc = $d->client('-c', 'which-cluster-osc-replicas', '-a', 'main');
like($osc, qr/^(127\.0\.0\.1:\d+\n)+$/, 'which-cluster-osc-replicas');
prints('which-cluster-osc-running-replicas -a main', $osc);
like($d->client('-c', 'topology-tabulated', '-a', 'main'),
    qr/^\Q$a\E *\|0s\|ok *\|.*\|rw\|ROW\|/m, 'topology-tabulated');

prints("tag -i $at{b} -t role=backup", "$at{b}\n");
prints("tag -i $at{c} -t role=backup", "$at{c}\n");
prints("tags -i $at{b}", "role=backup\n");
prints("tag-value -i $at{b} -t role", "backup\n");
prints('tagged -t role=backup', lines(@at{qw(b c)}));
prints('tagged -t ~role', lines(@at{qw(a d)}));
like($d->client('-c', 'topology-tags', '-a', 'main'),
    qr/^\+ \Q$at{b}\E .*\] \[role=backup\]$/m, 'topology-tags');
prints("untag -i $at{b} -t role", "$at{b}\n");
prints('untag-all -t role=backup', "$at{c}\n");
prints('tagged -t role', '');

prints("submit-pool-instances -l pool -i $at{b},$at{c}", "pool\n");
prints('which-heuristic-cluster-pool-instances -a main -l pool',
    lines(@at{qw(b c)}));

prints("begin-downtime -i $at{b} -o me/us -r disk/work -u 1h", "$at{b}\n");
prints('downtimed', "$at{b}\n");
my $b = $d->get('/api/instance/127.0.0.1/' . $t->port('b'));
is("$b->{DowntimeOwner} $b->{DowntimeReason}", 'me/us disk/work',
    'owner and reason arrive whole');
prints("end-downtime -i $at{b}", "$at{b}\n");
prints('downtimed', '');
prints("begin-maintenance -i $at{b} -r work", "$at{b}\n");
like($d->client('-c', 'begin-maintenance', '-i', $at{b}, '-r', 'more'),
    qr/./, 'a second lock is refused');
prints("end-maintenance -i $at{b}", "$at{b}\n");
prints("register-candidate -i $at{b} -R must_not", "$at{b}\n");
is($d->get('/api/instance/127.0.0.1/' . $t->port('b'))->{PromotionRule},
    'must_not', 'the rule is kept');
prints("register-hostname-unresolve -i $at{b} -H vip.example", "$at{b}\n");
prints("deregister-hostname-unresolve -i $at{b}", "$at{b}\n");
like($d->client('-c', 'snapshot-topologies'), qr/^Took \S+$/,
    'snapshot-topologies');
like($d->client('-c', 'api', '-P', 'clusters'), qr/^\["\Q$a\E"\]$/, 'api');
like($d->client('-c', 'instance', '-i', 'nosuch:1'), qr/./,
    'an unknown instance is an error');
prints("forget -i $at{d}", '');
prints('forget-cluster -a main', '');
prints('clusters', '');

done_testing();
