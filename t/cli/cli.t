#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
#
# The program from outside, without any server: flags, manuals, and commands on
# a store of its own.
use strict;
use warnings;

use Fcntl qw(:flock);
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use IPC::Open3;
use JSON::PP ();
use POSIX ();
use Symbol qw(gensym);
use Test::More;

my $binary = ($ENV{top_builddir} || '.') . '/orchestrator';
-x $binary or plan skip_all => "$binary is not built";
my $dir = tempdir(CLEANUP => 1);
my $config = "$dir/config.json";

sub write_config {
	my (%key) = @_;
	open my $f, '>', $config or die "$config: $!";
	print $f JSON::PP->new->canonical->encode({
		SQLite3DataFile => "$dir/store.db",
		MySQLTopologyUser => 'nobody',
		MySQLTopologyPassword => 'very secret',
		MySQLConnectTimeoutSeconds => 1,
		HostnameResolveMethod => 'none',
		MySQLHostnameResolveMethod => 'none', %key });
	close $f or die;
}
write_config();

# status, stdout, stderr
sub run {
	my $pid = open3(my $in, my $out, my $err = gensym, $binary, @_);
	close $in;
	my @text = map { local $/; scalar(<$_>) // '' } $out, $err;
	waitpid $pid, 0;
	return ($? >> 8, @text);
}

sub command { return run('-config', $config, '-c', @_) }

sub gives {
	my ($what, $want, @args) = @_;
	my ($status, $out, $err) = command(@args);
	is("$status $out", $want, $what) or diag($err);
}

# ---- flags and words ----------------------------------------------------

my ($status, $out, $err) = run('-version');
like("$status $out", qr{\A0 \d+\.\d+\.\d+\n(?:[0-9a-f]{40}|release)\n\z},
    'version and commit on two lines');
($status, $out, $err) = run('--help');
is("$status $out", '0 ', 'help goes to stderr');
like($err, qr/-promotion-rule VALUE/, 'and shows the flags');
($status, $out, $err) = run('-nosuchflag');
is($status, 2, 'an unknown flag');
like($err, qr/no such flag: -nosuchflag/, 'is named');
($status, $out, $err) = run('bananas');
is($status, 1, 'an unknown word');
($status, $out, $err) = run();
is("$status", 0, 'nothing at all');
like($out, qr/orchestrator -h/, 'tells how to go on');
($status) = run('-promotion-rule', 'must', '-c', 'clusters');
is($status, 1, 'a promotion rule that nobody may register');
($status) = run('-s', 'a', '-d', 'b', '-c', 'clusters');
is($status, 1, '-s and -d together');
($status, $out, $err) = run('-config', "$dir/none.json", '-c', 'clusters');
is($status, 1, 'a configuration file that is not there');
like($err, qr/none\.json/, 'is named');

# ---- manuals ------------------------------------------------------------

for (['messages', qr/^probe_tick|server_probe/m],
    ['ops', qr{^    /api/clusters-info$}m],
    ['config', qr/InstancePollSeconds/],
    ['commands', qr/^    which-cluster /m],
    ['analysis', qr/^DeadMaster acts recorded\n    the primary/m]) {
	($status, $out) = run('-x', $_->[0]);
	is($status, 0, "-x $_->[0]");
	like($out, $_->[1], 'prints its manual');
}
($status) = run('-x', 'poems');
is($status, 2, '-x of something else');

($status, $out, $err) = run('help');
is("$status $out", '0 ', 'the list of commands goes to stderr');
like($err, qr/^Information:\n    find /m, 'by section');
unlike($err, qr/graceful/, 'without what this version cannot do');
is((run('-c', 'help'))[2], $err, '-c help is the same');
($status, $out) = run('help', 'begin-downtime');
like($out, qr/\Abegin-downtime:\n.*-reason VALUE \[-owner VALUE\]/s,
    'help on one command');
($status, $out) = run('help', 'enslave-siblings');
like($out, qr/\Atake-siblings:\n.*Also: enslave-siblings\n/s,
    'help on one by an older name');
($status, $out) = run('help', 'relocate-replicas');
like($out, qr/-d VALUE \[-pattern VALUE\]\n/, 'what is constant is not shown');

# ---- commands on an empty store -----------------------------------------

gives('no clusters', '0 ', 'clusters');
gives('no servers', '0 ', 'all-instances');
($status, $out, $err) = command('recover', '-i', 'a:1');
is("$status $out", '1 ', 'a command of a later version');
like($err, qr/recover is not available in this version yet/, 'says so');
($status, $out, $err) = command('dance');
is("$status $out", '1 ', 'an unknown command');
like($err, qr/Unknown command.*^Information:/ms, 'shows the list');
($status, $out, $err) = command('which-cluster', '-i', 'nobody:3306');
is("$status $out", '0 ', 'the cluster of an unknown server is no failure');
like($err, qr/nobody/, 'but it is mentioned');
($status, $out, $err) = command('which-instance', '-i', 'nobody:3306');
is("$status $out", '1 ', 'an unknown server');
($status, $out, $err) = command('find');
is($status, 1, 'a command that lacks its argument');
like($err, qr/-pattern must be given/, 'names it');
($status, $out, $err) = command('forget');
like("$status $err", qr/\A1 .*-i must be given/s, 'forget wants a name');
($status, $out, $err) = command('clusters', '-stack');
like("$status $err", qr/\A0 .*-stack has no effect/s,
    'a flag without effect is named');

# ---- commands that change servers, when there is none --------------------

my @to = ('-i', '127.0.0.1:1', '-d', '127.0.0.1:2');
($status, $out, $err) = command('relocate', @to);
is("$status $out", '1 ', 'a server that is not there does not move');
like($err, qr/Cannot read instance: 127\.0\.0\.1:1: /, 'it is named');
($status, $out, $err) = command('relocate', '-i', '127.0.0.1:1');
like("$status $err", qr/\A1 .*relocate: -d must be given/s,
    'nor without a destination');
($status, $out, $err) = command('relocate', '-i', '127.0.0.1:1', '-s', 'b:x');
is($status, 1, 'nor to one that is no server');
for my $flag (qw(-n -dry-run --dry-run)) {
	($status, $out, $err) = command('clusters', $flag);
	like("$status $out$err", qr/\A1 .*clusters has no dry run/s,
	    "$flag of a command that has none");
}
for (qw(relocate-below enslave-siblings enslave-master regroup-slaves
    move-up-slaves repoint-slaves move-slaves-gtid regroup-slaves-gtid
    match-slaves match-up-slaves regroup-slaves-pgtid detach-slave
    reattach-slave-master-host start-slave stop-slave restart-slave
    reset-slave relocate-slaves stop-slave-nice move-below-gtid)) {
	($status, $out, $err) = command($_, @to);
	like("$status $err", qr/\A1 .*Cannot read instance/s,
	    "$_ is known");
}
gives('and nothing is kept of them', '0 ', 'all-instances');

like((run('-config', $config, 'http', 'extra'))[2], qr/what is "extra"\?/,
    'the word that is too many is named');
write_config(SQLite3DataFile => $dir);
is(() = (run('-config', $config, 'http'))[2] =~ /is a directory/gi, 1,
    'a store that cannot be opened is named once');
write_config();

# ---- what is kept -------------------------------------------------------

gives('a tag', "0 db1:3306\n", 'tag', '-i', 'db1:3306', '-tag', 'role=main');
gives('a list of servers', "0 db2:3306\ndb3:3307\n", 'tag', '-i',
    'db2 db3:3307', '-tag', 'old');
gives('is there for the next process', "0 role=main\n", 'tags', '-i', 'db1');
gives('its value', "0 main\n", 'tag-value', '-i', 'db1', '-tag', 'role');
gives('whose', "0 db2:3306\ndb3:3307\n", 'tagged', '-tag', 'old');
gives('taken away', "0 db2:3306\n", 'untag', '-i', 'db2', '-tag', 'old');
gives('everywhere', "0 db1:3306\n", 'untag-all', '-tag', 'role=main');
gives('maintenance', "0 db1:3306\n", 'begin-maintenance', '-i', 'db1',
    '-reason', 'disk', '-owner', 'ann');
gives('is locked', "0 db1:3306\n", 'in-maintenance', '-i', 'db1');
($status, $out, $err) = command('begin-maintenance', '-i', 'db1', '-reason',
    'x');
is("$status $out", '1 ', 'a second lock');
like($err, qr/ann/, 'says who has it');
gives('released', "0 db1:3306\n", 'end-maintenance', '-i', 'db1');
gives('not locked', '0 ', 'in-maintenance', '-i', 'db1');
gives('downtime', "0 db1:3306\n", 'begin-downtime', '-i', 'db1', '-reason',
    'a/b', '-duration', '2h');
gives('its end', "0 db1:3306\n", 'end-downtime', '-i', 'db1');
gives('a candidate', "0 db1:3306\n", 'register-candidate', '-i', 'db1');
gives('all rules', "0 db1:3306 prefer\n", 'bulk-promotion-rules');
gives('a virtual name', "0 db1:3306\n", 'register-hostname-unresolve', '-i',
    'db1', '-hostname', 'vip1');
gives('all of them', "0 db1 vip1\n", 'show-unresolve-hosts');
gives('recoveries off', "0 OK: Orchestrator recoveries DISABLED globally\n",
    'disable-global-recoveries');
gives('are off', "0 OK: Global recoveries disabled: true\n",
    'check-global-recoveries');
gives('recoveries on', "0 OK: Orchestrator recoveries ENABLED globally\n",
    'enable-global-recoveries');
gives('a pool', '0 ', 'submit-pool-instances', '-pool', 'p', '-i',
    'db1:3306,db2:3306');
is((command('submit-pool-instances', '-pool', 'p'))[0], 1,
    'a pool is not emptied by mistake');
gives('members that nobody knows', '0 ', 'cluster-pool-instances');
gives('history', '0 ', 'snapshot-topologies');
gives('the schema', "0 Redeployed internal db\n", 'redeploy-internal-db');
gives('the resolve cache', "0 hostname resolve cache cleared\n",
    'reset-hostname-resolve-cache');
like((command('access-token'))[1], qr/\A[0-9a-f]{64}\n\z/, 'an access token');

# ---- what is left to a daemon --------------------------------------------

# In the place of one: it holds the lock and answers one request.
open my $lock, '>>', "$dir/store.db-daemon" or die "lock: $!";
flock $lock, LOCK_EX or die "flock: $!";
my $fake = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5)
    or die "listen: $!";
write_config(ListenAddress => '127.0.0.1:' . $fake->sockport,
    AuthenticationMethod => 'basic', HTTPAuthUser => 'u',
    HTTPAuthPassword => 'p');

# What the command asks for, and what it makes of the answer.
sub asks {
	my ($answer, @args) = @_;
	my $pid = open(my $seen, '-|') // die "fork: $!";
	if ($pid == 0) {
		my ($text, $c) = ('', $fake->accept);
		while ($text !~ /\r\n\r\n/) {
			last if !sysread $c, $text, 4096, length $text;
		}
		syswrite $c, "HTTP/1.1 200 OK\r\nConnection: close\r\n"
		    . 'Content-Length: ' . length($answer)
		    . "\r\n\r\n$answer";
		close $c;
		print $text;
		close STDOUT;
		POSIX::_exit(0);
	}
	my @got = command(@args);
	my $request = do { local $/; <$seen> };
	close $seen;
	return ($request, @got);
}

my $some = JSON::PP->new->encode({ Code => 'OK', Message =>
    '1 replicas of a:1 relocated below b:2; 1 errors: [c:3: busy]',
    Details => [ { Key => { Hostname => 'd', Port => 4 } } ] });
(my $asked, $status, $out, $err) = asks($some, 'relocate-replicas', '-i',
    'a:1', '-d', 'b', '-pattern', 'x&y');
like($asked, qr{\AGET /api/relocate-replicas/a/1/b/3306\?pattern=x%26y&details=moved HTTP},
    'what changes servers is left to the daemon');
like($asked, qr/^Authorization: Basic dTpw\r$/m, 'with the credentials');
is("$status $out", "0 d:4\n", 'its answer is printed');
like($err, qr/1 errors: \[c:3: busy\]/, 'and who was not moved');
($asked, $status, $out) = asks('{"Code":"OK","Message":"","Details":"plan"}',
    'repoint', '-i', 'a:1', '-n');
like($asked, qr{\AGET /api/repoint/a/1\?dry-run=words HTTP}, 'a dry run, too');
is("$status $out", "0 plan\n", 'its plan is printed');
($asked, $status, $out, $err) = asks('{"Code":"ERROR","Message":"no, ann",'
    . '"Details":null}', 'stop-replica', '-i', 'a:1');
like("$status $err", qr/\A1 .*no, ann/s, 'a refusal ends with status 1');
close $fake;
($status, $out, $err) = command('stop-replica', '-i', '127.0.0.1:1');
like("$status $err", qr/\A1 .*done without it.*Cannot read instance/s,
    'one that cannot be reached is done without');
close $lock;
write_config();

# ---- servers that do not answer -----------------------------------------

($status, $out, $err) = command('discover', '-i', '127.0.0.1:1');
is("$status $out", '1 ', 'a server that is not there');
like($err, qr/127\.0\.0\.1:1\b/, 'is named');
gives('and not kept', '0 ', 'all-instances');

# ---- running on, and being watched ---------------------------------------

my $bell = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "$dir/notify")
    or die "$dir/notify: $!";

# What it says to systemd next, within ten seconds.
sub rung {
	my $text = '';
	return 'nothing' if !IO::Select->new($bell)->can_read(10);
	$bell->recv($text, 100);
	return $text;
}

my $pid = fork // die "fork: $!";
if ($pid == 0) {
	$ENV{NOTIFY_SOCKET} = "$dir/notify";
	open STDERR, '>', "$dir/log" or die;
	exec $binary, '-config', $config, '-c', 'continuous' or die;
}
is(rung(), 'READY=1', 'continuous: systemd hears that it is ready');
my ($second, undef, $refusal) = command('continuous');
is($second, 1, 'a second daemon on the same store is refused');
like($refusal, qr/another daemon serves .*: stop it/, 'and told why');
kill 'TERM', $pid;
is(rung(), 'STOPPING=1', 'and that it stops');
waitpid $pid, 0;
is($?, 0, 'which it does in peace');
gives('it is in the way of no command', '0 ', 'clusters');

# ---- configuration ------------------------------------------------------

($status, $out) = command('dump-config');
is($status, 0, 'dump-config');
my $dump = JSON::PP->new->decode($out);
is($dump->{MySQLTopologyUser}, 'nobody', 'shows the values');
unlike($out, qr/very secret/, 'but no secrets');
like($out, qr/\}\n\z/, 'on a line of its own');
write_config(RaftEnabled => JSON::PP::true, RaftDataDir => $dir);
($status, $out, $err) = command('clusters');
is($status, 1, 'with raft commands go to the leader');
like($err, qr/RaftEnabled/, 'which is said');
is((command('clusters', '-ignore-raft-setup'))[0], 0, 'unless insisted on');

done_testing();
