#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
#
# orchestrator-client against a server of canned answers: for every command
# the path that it asks for and the words that it prints.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use MIME::Base64;
use Test::More;

my $src = $ENV{top_srcdir} || '.';
my $client = "$src/src/client/orchestrator-client";
for my $program (qw(bash curl jq)) {
	plan skip_all => "no $program" if !grep { -x "$_/$program" }
	    split /:/, $ENV{PATH};
}

delete $ENV{$_} for grep { /^ORCHESTRATOR_/i || /_proxy$/i } keys %ENV;

# ---- the server ---------------------------------------------------------

sub listener {
	return IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 20,
	    ReuseAddr => 1) || die "listen: $!";
}

my $listen = listener();
my $base = '127.0.0.1:' . $listen->sockport;

# One request: its path goes to @$seen; %$answer says what to send.
sub serve {
	my ($socket, $answer, $seen, $header) = @_;
	my $c = $socket->accept or return;
	my $text = '';
	while ($text !~ /\r\n\r\n/) {
		last if !sysread $c, $text, 4096, length $text;
	}
	my ($path) = $text =~ m{^GET (\S+) HTTP/1};
	$path = '?' if !defined $path;
	push @$seen, $path;
	push @$header, $text if $header;
	my $got = $answer->{$path} || $answer->{'*'} || [ 404, 'no such page' ];
	$got = shift @$got if ref $got->[0];
	my ($status, $body) = @$got;
	$body = JSON::PP->new->canonical->allow_nonref->encode($body)
	    if ref $body;
	syswrite $c, "HTTP/1.1 $status X\r\nConnection: close\r\n"
	    . 'Content-Length: ' . length($body) . "\r\n\r\n$body"
	    if $status;
	close $c;
}

# Runs the client and serves it. Gives what it wrote, its status, the paths.
sub client {
	my ($answer, @args) = @_;
	my (@seen, @header, $out, $err);
	pipe $out, my $out_w or die;
	pipe $err, my $err_w or die;
	my $pid = fork;
	die "fork: $!" if !defined $pid;
	if ($pid == 0) {
		open STDOUT, '>&', $out_w;
		open STDERR, '>&', $err_w;
		exec 'bash', $client, @args or exit 127;
	}
	close $_ for $out_w, $err_w;
	my %text = ($out => '', $err => '');
	my $select = IO::Select->new($listen, $out, $err);
	while ($select->count > 1) {
		my @ready = $select->can_read(60) or die "client hangs: @args";
		for my $f (@ready) {
			if ($f == $listen) {
				serve($f, $answer, \@seen, \@header);
			} elsif (!sysread $f, $text{$f}, 65536,
			    length $text{$f}) {
				$select->remove($f);
			}
		}
	}
	waitpid $pid, 0;
	return { out => $text{$out}, err => $text{$err}, exit => $? >> 8,
	    seen => \@seen, header => \@header };
}

# ---- answers ------------------------------------------------------------

sub key { my ($h, $p) = @_; return { Hostname => $h, Port => $p || 3306 } }

sub instance {
	my ($host, %more) = @_;
	return { Key => key($host), MasterKey => key('top'), ClusterName =>
	    'top:3306', Slave_SQL_Running => JSON::PP::true,
	    Slave_IO_Running => JSON::PP::true,
	    ReplicationSQLThreadState => 1, ReplicationIOThreadState => 1,
	    LastSQLError => '', LastIOError => '', GtidErrant => '',
	    DataCenter => 'dc1', %more };
}

sub ok_env { return [ 200, { Code => 'OK', Message => 'done',
    Details => $_[0] } ] }
sub raw { return [ 200, $_[0] ] }
sub error { return [ 500, { Code => 'ERROR', Message => $_[0],
    Details => $_[1] } ] }

my $one = instance('a');
my $list = [ instance('a'), instance('b') ];
my $stopped = instance('a', ReplicationSQLThreadState => 0,
    ReplicationIOThreadState => 0);
my $broken = [ instance('a', Slave_SQL_Running => JSON::PP::false,
	LastSQLError => 'duplicate key'),
    instance('b', Slave_IO_Running => JSON::PP::false,
	LastIOError => '""'), instance('c') ];
my $info = [ { ClusterName => 'top:3306', ClusterAlias => 'main' },
    { ClusterName => 'x:1', ClusterAlias => 'x:1' } ];
my $promoted = { SuccessorKey => key('b'), Id => 1 };
my @i = ('-i', 'a');
my @id = ('-i', 'a', '-d', 'b:3307');
my $ab = "a:3306\nb:3306\n";

# Command and flags, path below /api, answer, what is printed.
my @row = (
	[ 'api -P clusters?x=1', 'clusters?x=1', raw([ 'a', 'b' ]),
	  qq(["a","b"]\n) ],
	[ 'async-discover -i a', 'async-discover/a/3306', ok_env(undef),
	  "a:3306\n" ],
	[ 'discover -i a:33', 'discover/a/33', ok_env($one), "a:3306\n" ],
	[ 'discover -i a', 'discover/a/3306', ok_env(undef), '' ],
	[ 'forget -i a', 'forget/a/3306', ok_env(key('a')), '' ],
	[ 'forget-cluster -a main', 'forget-cluster/main', ok_env(undef), '' ],
	[ 'forget-cluster -i a:3306', 'forget-cluster/a:3306', ok_env(undef),
	  '' ],
	(map { [ "$_ -i a:3306", "$_/a:3306",
	    ok_env("a:3306   [0s,ok]\n+ b:3306 [0s,ok]"),
	    "a:3306   [0s,ok]\n+ b:3306 [0s,ok]\n" ] }
	    qw(topology topology-tabulated topology-tags)),
	[ 'topology -a main -i a:1', 'topology/main', ok_env('x'), "x\n" ],
	[ 'snapshot-topologies', 'snapshot-topologies', ok_env('Took 1ms'),
	  "Took 1ms\n" ],
	[ 'clusters', 'clusters-info', raw($info), "top:3306\nx:1\n" ],
	[ 'clusters-alias', 'clusters-info', raw($info),
	  "top:3306,main\nx:1,x:1\n" ],
	[ 'search -i db-1', 'search?s=db-1', raw($list), $ab ],
	[ 'instance -i a', 'instance/a/3306', raw($one), "a:3306\n" ],
	[ 'which-instance -i a', 'instance/a/3306', raw($one), "a:3306\n" ],
	[ 'which-master -i a', 'instance/a/3306', raw($one), "top:3306\n" ],
	[ 'which-master -i a', 'instance/a/3306',
	  raw(instance('a', MasterKey => { Hostname => '', Port => 0 })),
	  ":0\n" ],
	[ 'which-replicas -i a', 'instance-replicas/a/3306', raw($list), $ab ],
	[ 'which-broken-replicas -i a', 'instance-replicas/a/3306',
	  raw($broken), "a:3306\n" ],
	[ 'which-cluster-instances -i a', 'cluster/a', raw($list), $ab ],
	[ 'which-cluster -i a:1', 'cluster-info/a:1', raw($info->[0]),
	  "top:3306\n" ],
	[ 'which-cluster-alias -i a:1', 'cluster-info/a:1', raw($info->[0]),
	  "main\n" ],
	[ 'which-cluster-master -a main', 'master/main', raw($one),
	  "top:3306\n" ],
	[ 'all-clusters-masters', 'masters', raw($list), $ab ],
	[ 'all-clusters-masters', 'masters', [ 200, 'null' ], '' ],
	[ 'all-instances', 'all-instances', raw($list), $ab ],
	[ 'discovery-progress', 'discovery-progress',
	  raw({ Known => 7 }), "Known\t7\n" ],
	[ 'which-cluster-osc-replicas -a main', 'cluster-osc-replicas/main',
	  raw($list), $ab ],
	[ 'which-cluster-osc-running-replicas -a main',
	  'cluster-osc-replicas/main', raw($broken), "c:3306\n" ],
	[ 'downtimed', 'downtimed', raw($list), $ab ],
	[ 'downtimed -a main', 'downtimed/main', raw([]), '' ],
	[ 'dominant-dc', 'masters', raw([ instance('a', DataCenter => 'dc2'),
	    instance('b'), instance('c', DataCenter => 'dc2') ]), "dc2\n" ],
	[ 'dominant-dc', 'masters', [ 200, 'null' ], '' ],
	[ 'submit-masters-to-kv-stores', 'submit-masters-to-kv-stores',
	  ok_env([ { Key => 'mysql/x', Value => 'a:3306' } ]),
	  "mysql/x:a:3306\n" ],
	[ 'submit-masters-to-kv-stores -a main',
	  'submit-masters-to-kv-stores/main', ok_env(undef), '' ],
	(map { [ "$_ @id", "$_/a/3306/b/3307", ok_env($one),
	    "a:3306<top:3306\n" ] }
	    qw(relocate match move-below move-equivalent repoint)),
	[ "relocate -i a -s b:3307", 'relocate/a/3306/b/3307', ok_env($one),
	  "a:3306<top:3306\n" ],
	(map { [ "$_ -i a", "$_/a/3306", ok_env($one), "a:3306<top:3306\n" ] }
	    qw(match-up move-up make-co-master take-master take-siblings)),
	[ "move-gtid @id", 'move-below-gtid/a/3306/b/3307', ok_env($one),
	  "a:3306<top:3306\n" ],
	[ "relocate-replicas @id", 'relocate-replicas/a/3306/b/3307',
	  ok_env($list), $ab ],
	(map { [ "$_ @id", "$_/a/3306/b/3307?details=moved", ok_env($list),
	    $ab ] } qw(move-replicas-gtid match-replicas)),
	[ "match-up-replicas -i a", 'match-up-replicas/a/3306?details=moved',
	  ok_env($list), $ab ],
	[ 'move-replicas-gtid -i a -d b:3307 (orchestrator 3)',
	  'move-replicas-gtid/a/3306/b/3307?details=moved',
	  ok_env(key('b', 3307)), "b:3307\n" ],
	(map { [ "$_ -i a", "$_/a/3306", ok_env(key('b')), "b:3306\n" ] }
	    map { "regroup-replicas$_" } '', qw(-gtid -pgtid -bls)),
	[ 'operations', 'operations', raw([ { Id => 7, User => 'ann',
	    Title => 'relocate a:3306 below b:3306', Run => {} } ]),
	  "7 ann relocate a:3306 below b:3306\n" ],
	[ 'operations', 'operations', raw([]), '' ],
	[ 'rematch -i a', 'rematch/a/3306', ok_env($one),
	  "a:3306<top:3306\n" ],
	(map { [ "$_ -i a", "$_/a/3306", ok_env($list), $ab ] }
	    qw(move-up-replicas repoint-replicas)),
	[ 'tags -i a', 'tags/a/3306', raw([ 'x=1', 'y=' ]), "x=1\ny=\n" ],
	[ 'tag-value -i a -t x', 'tag-value/a/3306?tag=x', [ 200, '"1"' ],
	  "1\n" ],
	[ 'tag -i a -t x=1', 'tag/a/3306?tag=x%3D1', ok_env(key('a')),
	  "a:3306\n" ],
	[ 'untag -i a -t x=1&2', 'untag/a/3306?tag=x%3D1%262',
	  ok_env([ key('a') ]), "a:3306\n" ],
	[ 'untag-all -t x=1', 'untag-all?tag=x%3D1',
	  ok_env([ key('a'), key('b') ]), $ab ],
	[ 'tagged -t x=1,~y', 'tagged?tag=x%3D1,~y', raw([ key('a') ]),
	  "a:3306\n" ],
	[ 'tagged -i a -t x', 'tagged?tag=x', raw([ key('b') ]), "b:3306\n" ],
	[ 'submit-pool-instances -l p/1 -i a:1,b:2',
	  'submit-pool-instances/p%2F1?instances=a:1,b:2', ok_env('p/1'),
	  "p/1\n" ],
	[ 'which-heuristic-cluster-pool-instances -a main -l p',
	  'heuristic-cluster-pool-instances/main/p', ok_env($list), $ab ],
	[ 'which-heuristic-cluster-pool-instances -a main',
	  'heuristic-cluster-pool-instances/main', ok_env($list), $ab ],
	[ 'begin-downtime -i a -o me -r because -u 1h',
	  'begin-downtime/a/3306/me/because/1h', ok_env(key('a')),
	  "a:3306\n" ],
	[ 'begin-maintenance -i a -o me/us -r x',
	  'begin-maintenance/a/3306/me%2Fus/x', ok_env(key('a')),
	  "a:3306\n" ],
	[ 'register-candidate -i a -R prefer',
	  'register-candidate/a/3306/prefer', ok_env(key('a')), "a:3306\n" ],
	[ 'register-hostname-unresolve -i a -H vip',
	  'register-hostname-unresolve/a/3306/vip', ok_env(key('a')),
	  "a:3306\n" ],
	(map { [ "$_ -i a", "$_/a/3306", ok_env($one), "a:3306\n" ] }
	    qw(end-downtime end-maintenance deregister-hostname-unresolve
	    stop-replica stop-replica-nice start-replica restart-replica
	    reset-replica change-master-credentials detach-replica
	    reattach-replica detach-replica-master-host
	    reattach-replica-master-host skip-query gtid-errant-reset-master
	    gtid-errant-inject-empty enable-semi-sync-master
	    disable-semi-sync-master enable-semi-sync-replica
	    disable-semi-sync-replica set-read-only set-writeable
	    flush-binary-logs recover)),
	[ 'stop-slave -i a', 'stop-replica/a/3306', ok_env($one),
	  "a:3306\n" ],
	[ 'which-gtid-errant -i a', 'instance/a/3306',
	  raw(instance('a', GtidErrant => 'u:1-3')), "u:1-3\n" ],
	[ 'which-gtid-errant -i a', 'instance/a/3306', raw($one), "\n" ],
	[ 'locate-gtid-errant -i a', 'locate-gtid-errant/a/3306',
	  ok_env([ 'bin.1', 'bin.2' ]), "bin.1\nbin.2\n" ],
	[ 'restart-replica-statements -i a -q x',
	  'restart-replica-statements/a/3306?q=x',
	  ok_env([ 'stop slave', 'x' ]), qq(["stop slave","x"]\n) ],
	[ 'delay-replication -i a -S 30', 'delay-replication/a/3306/30',
	  ok_env(30), "30\n" ],
	(map { [ "$_ @id", "$_/a/3306/b/3307", ok_env(key('b', 3307)),
	    "b:3307\n" ] } qw(can-replicate-from can-replicate-from-gtid)),
	[ "can-replicate-from-gtid @id",
	  'can-replicate-from-gtid/a/3306/b/3307', [ 200, { Code => 'OK',
	    Message => 'false', Details => key('b', 3307) } ], '' ],
	[ 'is-replicating -i a', 'instance/a/3306', raw($one), "a:3306\n" ],
	[ 'is-replicating -i a', 'instance/a/3306', raw($stopped), '' ],
	[ 'is-replication-stopped -i a', 'instance/a/3306', raw($stopped),
	  "a:3306\n" ],
	[ 'is-replication-stopped -i a', 'instance/a/3306', raw($one), '' ],
	[ 'purge-binary-logs -i a -n latest',
	  'purge-binary-logs/a/3306/latest', ok_env($one), "a:3306\n" ],
	[ 'last-pseudo-gtid -i a', 'last-pseudo-gtid/a/3306', ok_env('drop x'),
	  "drop x\n" ],
	[ "recover @id", 'recover/a/3306/b/3307', ok_env(key('b', 3307)),
	  "b:3307\n" ],
	(map { ([ "$_ -a main", "$_/main", ok_env($promoted), "b:3306\n" ],
	    [ "$_ -a main -d b:3307", "$_/main/b/3307", ok_env($promoted),
	      "b:3306\n" ]) }
	    qw(graceful-master-takeover graceful-master-takeover-auto)),
	[ 'force-master-failover -i a:1', 'force-master-failover/a:1',
	  ok_env($promoted), "b:3306\n" ],
	[ 'force-master-takeover -a main -d b',
	  'force-master-takeover/main/b/3306', ok_env($promoted),
	  "b:3306\n" ],
	[ 'ack-cluster-recoveries -a main -r seen',
	  'ack-recovery/cluster/main?comment=seen', ok_env('top:3306'),
	  "top:3306\n" ],
	[ 'ack-all-recoveries -r seen', 'ack-all-recoveries?comment=seen',
	  ok_env('seen'), "seen\n" ],
	(map { [ $_, $_, ok_env('enabled'), "enabled\n" ] }
	    qw(disable-global-recoveries enable-global-recoveries
	    check-global-recoveries)),
	[ 'replication-analysis', 'replication-analysis', ok_env([
	    { AnalyzedInstanceKey => key('a'), Analysis => 'DeadMaster',
	      ClusterDetails => $info->[0], StructureAnalysis => undef },
	    { AnalyzedInstanceKey => key('b'), Analysis => 'NoProblem',
	      ClusterDetails => $info->[0],
	      StructureAnalysis => [ 'W1', 'W2' ] } ]),
	  "a:3306 (cluster top:3306): DeadMaster\n"
	  . "b:3306 (cluster top:3306): W1\n" ],
	[ 'raft-leader', 'raft-leader', [ 200, '"10.0.0.1:10008"' ],
	  "10.0.0.1:10008\n" ],
	[ 'raft-health', 'raft-health', [ 200, '"healthy"' ], "healthy\n" ],
	[ 'raft-leader-hostname', 'status', ok_env({ IsRaftLeader =>
	    JSON::PP::true, Hostname => 'n1', RaftLeader => '10.0.0.1:1' }),
	  "n1\n" ],
	[ 'raft-leader-hostname', 'status', ok_env({ IsRaftLeader =>
	    JSON::PP::false, Hostname => 'n1', RaftLeader => 'n2:10008' }),
	  "n2\n" ],
);

sub check {
	my ($words, $path, $answer, $print) = @_;
	my $r = client({ "/api/$path" => $answer }, '-U', "http://$base/",
	    '-c', split / /, $words =~ s/ \(.*//r);
	my $good = is_deeply($r->{seen}, [ "/api/$path" ], "$words: path")
	    & is($r->{out}, $print, "$words: prints")
	    & is($r->{exit}, 0, "$words: status");
	diag($r->{err}) if !$good;
}

check(@$_) for @row;

# ---- every command is known here and in the manual -----------------------

my $help = client({}, '-c', 'help');
is($help->{exit}, 0, 'help needs no server');
my ($listing) = $help->{out} =~ /\nCommands:\n(.*)/s;
my @command = $listing =~ /^  (\S+)/gm;
cmp_ok(scalar @command, '>=', 105, 'all commands are listed');
my %tested = map { (split / /, $_->[0])[0] => 1 } @row;
$tested{$_} = 1 for qw(help which-api raft-elect-leader);    # below
is_deeply([ grep { !$tested{$_} } @command ], [], 'each is tested');
open my $man, '<', "$src/doc/orchestrator-client.1" or die "manual: $!";
my $manual = do { local $/; <$man> };
$manual =~ s/\\-/-/g;
is_deeply([ grep { $manual !~ /^\.It Cm \Q$_\E( |$)/m } @command ], [],
    'each is in the manual');
for my $flag (qw(-h --help)) {
	is(client({}, $flag)->{out}, $help->{out}, "$flag is help");
}

# ---- flags, names, values -----------------------------------------------

sub path_of {
	my ($args, %answer) = @_;
	%answer = ('*' => ok_env(key('a'))) if !%answer;
	return client(\%answer, '-U', "http://$base", @$args)->{seen}[0];
}

is(path_of([ '-c', 'forget', '-i', '[::1]:3307' ]), '/api/forget/::1/3307',
    'IPv6 with a port');
is(path_of([ '-c', 'forget', '-i', '[::1]' ]), '/api/forget/::1/3306',
    'IPv6 in brackets');
is(path_of([ '-c', 'forget', '-i', 'fe80::1' ]), '/api/forget/fe80::1/3306',
    'IPv6 bare');
is(path_of([ '-c', 'forget', '-i', 'a', '-D', '3310' ]),
    '/api/forget/a/3310', 'default port');
is(path_of([ '-c', 'forget', '-i', "h\x{c3}\x{a9}/ x" ]),
    '/api/forget/h%C3%A9%2F%20x/3306', 'everything else is encoded');
is(path_of([ '-c', 'begin-downtime', '-i', 'a', '-o', 'me', '-r',
    'disk 3/4 full & slow' ]),
    '/api/begin-downtime/a/3306/me/disk%203%2F4%20full%20%26%20slow/10m',
    'a slash in a reason stays in its segment; 10m by default');
is(path_of([ '-c', 'ack-all-recoveries', '--reason=seen by me' ]),
    '/api/ack-all-recoveries?comment=seen%20by%20me',
    'the whole comment is sent');
is(path_of([ '-command=topology', '--alias', 'x' ]), '/api/topology/x',
    'long flags, one dash or two');
{
	local $ENV{ORCHESTRATOR_INSTANCE} = 'env:1';
	local $ENV{ORCHESTRATOR_API} = "http://$base/api";
	my $r = client({ '*' => ok_env('x') }, '-c', 'topology');
	is_deeply($r->{seen}, [ '/api/topology/env:1' ],
	    'instance and address from the environment');
	is(client({ '*' => ok_env('x') }, '-c', 'topology', '-i', 'b')
	    ->{seen}[0], '/api/topology/b', 'the flag wins');
}

my @wrong = (
	[ [ '-c', 'nosuch' ], qr/Unsupported command nosuch/ ],
	[ [], qr/No command given/ ],
	[ [ '-c', 'relocate', '-i', 'a' ], qr/destination .*must be provided/ ],
	[ [ '-c', 'begin-downtime', '-i', 'a' ], qr/reason .*must be/ ],
	[ [ '-c', 'topology' ], qr/alias or instance .*must be provided/ ],
	[ [ '-c', 'repoint-replicas', '-i', 'a', '-d', 'b' ],
	  qr/takes no destination/ ],
	[ [ '-c', 'relocate', '-i', 'a', '-d', 'b', '-n', 'yes' ],
	  qr/takes no binary log.*a dry run is -n without a value/ ],
	[ [ '-c', 'purge-binary-logs', '-i', 'a', '-n' ],
	  qr/binlog \(-n\) must be provided/ ],
	[ [ '-n', '-c', 'api', '-P', 'clusters' ], qr/api has no dry run/ ],
	[ [ '-c' ], qr/-c must have a value/ ],
	[ [ '-c', 'clusters', '--nosuch', 'x' ], qr/Unknown flag --nosuch/ ],
	[ [ '-c', 'clusters', '-z', 'x' ], qr/Unknown flag -z/ ],
);
for (@wrong) {
	my ($args, $words) = @$_;
	my $r = client({}, '-U', "http://$base", @$args);
	like($r->{err}, $words, "refused: @$args");
	is($r->{exit}, 1, "status: @$args");
	is_deeply($r->{seen}, [], "nothing is asked: @$args");
}

# ---- answers that are no success ----------------------------------------

my @url = ('-U', "http://$base");
my $r = client({ '*' => error(qq(no "a"  found\nhere), { x => 1 }) }, @url,
    '-c', 'discover', '-i', 'a');
is($r->{err}, "no a found here\n", 'ERROR: the message, without quotes');
is($r->{out}, qq({"x":1}\n), 'ERROR: details go to the output');
is($r->{exit}, 1, 'ERROR: status');
is(scalar @{ $r->{seen} }, 1, 'ERROR: asked once');

$r = client({ '*' => error('bad') }, @url, '-c', 'api', '-P', '/x');
is($r->{out}, qq({"Code":"ERROR","Details":null,"Message":"bad"}\n),
    'api prints an ERROR too');
is($r->{exit}, 1, 'api: status');

$r = client({}, @url, '-c', 'discover', '-i', 'a');
like($r->{err}, qr{discover/a/3306 answered 404: no such page}, 'HTTP 404');
is($r->{exit}, 1, '404: status');
is(scalar @{ $r->{seen} }, 1, '404: asked once');

$r = client({ '*' => [ 401, 'Not Authorized' ] }, '-U',
    "http://u:secret\@$base", '-c', 'clusters');
like($r->{err}, qr/refused \(401\)/, 'HTTP 401');
unlike($r->{err}, qr/secret/, '401: the password is not shown');
is(scalar @{ $r->{seen} }, 1, '401: asked once');

$r = client({ '*' => [ 200, '<html>' ] }, @url, '-c', 'clusters');
like($r->{err}, qr/answered 200: <html>/, 'not JSON');
is($r->{exit}, 1, 'not JSON: status');

$r = client({ '*' => [ [ 503, 'busy' ], [ 503, 'busy' ], raw($info) ] }, @url,
    '-c', 'clusters');
is($r->{out}, "top:3306\nx:1\n", 'a busy server is asked again');
is(scalar @{ $r->{seen} }, 3, 'until it answers');

$r = client({ '*' => [ 0, '' ] }, @url, '-c', 'stop-replica', '-i', 'a');
is(scalar @{ $r->{seen} }, 1,
    'a connection lost after the call is not a reason to repeat it');
is($r->{exit}, 1, 'lost connection: status');

$r = client({ '*' => raw([ instance('::1') ]) }, @url, '-c', 'all-instances');
is($r->{out}, "[::1]:3306\n", 'IPv6 is printed as it can be given');

# ---- dry runs, and partial success ---------------------------------------

my $plan = "relocate a:3306 below b:3306\n1. a:3306: stop replication\n";
for my $args ([ '-n', '-c', 'relocate', '-i', 'a', '-d', 'b' ],
    [ '-c', 'relocate', '-i', 'a', '-d', 'b', '--dry-run' ],
    [ '-c', 'relocate', '-i', 'a', '-d', 'b', '-n' ]) {
	$r = client({ '/api/operations' => raw([]),
	    '/api/relocate/a/3306/b/3306?dry-run=words' => ok_env($plan) },
	    @url, @$args);
	is($r->{out}, "$plan\n", "a plan in words: @$args");
	is($r->{seen}[-1], '/api/relocate/a/3306/b/3306?dry-run=words',
	    "is asked for: @$args");
}
$r = client({ '/api/operations' => raw([]), '*' => ok_env('x') }, @url, '-n',
    '-c', 'match-up-replicas', '-i', 'a');
is($r->{seen}[-1], '/api/match-up-replicas/a/3306?details=moved&dry-run=words',
    'behind another argument');
$r = client({ '*' => [ 404, '404 page not found' ] }, @url, '-n', '-c',
    'relocate', '-i', 'a', '-d', 'b');
like($r->{err}, qr/is too old for a dry run/, 'orchestrator 3 has none');
is_deeply($r->{seen}, [ '/api/operations' ], 'and is asked for nothing');

$r = client({ '*' => [ 200, { Code => 'OK', Message =>
    '1 replicas of x:1 relocated below y:1; 1 errors: [b:3306: busy]',
    Details => [ instance('a') ] } ] }, @url, '-c', 'relocate-replicas', '-i',
    'x:1', '-d', 'y:1');
is($r->{out}, "a:3306\n", 'partial success: who was moved');
like($r->{err}, qr/1 errors: \[b:3306: busy\]/, 'and who was not');
is($r->{exit}, 0, 'is success');
$r = client({ '*' => [ 200, { Code => 'OK', Message =>
    '1 replicas of x:1 relocated below y:1; 0 errors: []',
    Details => [ instance('a') ] } ] }, @url, '-c', 'relocate-replicas', '-i',
    'x:1', '-d', 'y:1');
is($r->{err}, '', 'nothing is said when all were moved');

# ---- credentials --------------------------------------------------------

$r = client({ '*' => raw([]) }, @url, '-b', 'u:p"w\\', '-e', 'X-User: me',
    '-c', 'all-instances');
my ($basic) = $r->{header}[0] =~ /^Authorization: Basic (\S+)\r$/m;
is(decode_base64($basic || ''), 'u:p"w\\', 'basic credentials');
like($r->{header}[0], qr/^X-User: me\r$/m, 'a header of the user');
{
	local $ENV{ORCHESTRATOR_AUTH_USER} = 'eu';
	local $ENV{ORCHESTRATOR_AUTH_PASSWORD} = 'ep';
	local $ENV{ORCHESTRATOR_AUTH_USER_HEADER} = 'X-Env:me';
	$r = client({ '*' => raw([]) }, @url, '-c', 'all-instances');
	($basic) = $r->{header}[0] =~ /^Authorization: Basic (\S+)\r$/m;
	is(decode_base64($basic || ''), 'eu:ep', 'and from the environment');
	like($r->{header}[0], qr/^X-Env: ?me\r$/m, 'the header too');
}

# ---- choosing the address -----------------------------------------------

is(client({}, '-U', "$base", '-c', 'which-api')->{out}, "http://$base/api\n",
    'which-api: one address is not asked');
my $dead = listener();
my $dead_url = 'http://127.0.0.1:' . $dead->sockport;
close $dead;
$r = client({ '/api/leader-check' => [ 200, '"OK"' ] }, '-U',
    "$dead_url http://$base/api", '-c', 'which-api');
is($r->{out}, "http://$base/api\n", 'of several the one that leads');
$r = client({ '/api/leader-check' => [ 404, '"Not leader"' ],
    '/api/routed-leader-check' => [ 200, '"OK"' ] }, '-U',
    "$dead_url http://$base", '-c', 'which-api');
is($r->{out}, "http://$base/api\n", 'else one that reaches the leader');
is_deeply($r->{seen}, [ '/api/leader-check', '/api/routed-leader-check' ],
    'in this order');
$r = client({}, '-U', "$dead_url http://u:secret\@$base", '-c', 'clusters');
like($r->{err}, qr/Cannot determine leader from/, 'none leads');
unlike($r->{err}, qr/secret/, 'and no password is shown');
$r = client({}, '-U', 'foo://x', '-c', 'clusters');
like($r->{err}, qr/\A[^\n]*Cannot access [^\n]*foo[^\n]*\n\z/,
    'why nobody is reached is one line');

$r = client({ '/api/raft-state' => [ 200, '"Leader"' ],
    '/api/raft-yield-hint/n2' => ok_env('n2') }, @url,
    '-c', 'raft-elect-leader', '-H', 'n2');
is($r->{out}, "n2\n", 'raft-elect-leader');
$r = client({ '/api/raft-state' => [ 200, '"Follower"' ] }, @url,
    '-c', 'raft-elect-leader', '-H', 'n2');
like($r->{err}, qr/is not the raft leader/, 'asked of a follower');
is($r->{exit}, 1, 'asked of a follower: status');

done_testing();
