#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
#
# orchestrator -c replication-analysis -snapshot: answers of /api/all-instances
# as real servers gave them, changed here and there, and broken ones.  A
# primary db1 has replicas db2 and db3, db4 is below db3.
use strict;
use warnings;

use File::Temp qw(tempdir);
use IPC::Open3;
use JSON::PP ();
use Symbol qw(gensym);
use Test::More;

my $binary = ($ENV{top_builddir} || '.') . '/orchestrator';
-x $binary or plan skip_all => "$binary is not built";
my $saved = ($ENV{top_srcdir} || '.') . '/t/cli/snapshots';
my $dir = tempdir(CLEANUP => 1);
my $json = JSON::PP->new->canonical;

sub put {
	my ($path, $text) = @_;
	open my $f, '>', $path or die "$path: $!";
	print $f $text;
	close $f or die;
	return $path;
}

my $config = put("$dir/config.json", '{}');

# status, stdout, stderr; $input goes to standard input
sub run {
	my ($input, @args) = @_;
	my $pid = open3(my $in, my $out, my $err = gensym, $binary, '-config',
	    $config, '-c', @args);
	local $SIG{PIPE} = 'IGNORE';
	print $in $input;
	close $in;
	my @text = map { local $/; scalar(<$_>) // '' } $out, $err;
	waitpid $pid, 0;
	return ($? >> 8, @text);
}

sub analysed { return run('', 'replication-analysis', '-snapshot', $_[0]) }

sub says {
	my ($what, $file, @want) = @_;
	my ($status, $out, $err) = analysed($file);
	is("$status $out", join('', '0 ', map { "$_\n" } @want), $what)
	    or diag($err);
}

sub line { return "$_[0]:3306 (cluster db1:3306): $_[1]" }
my @lost = map { line($_, 'FirstTierReplicaFailingToConnectToMaster') }
    qw(db3 db2);

# ---- recorded -------------------------------------------------------------

for my $flavour (qw(mariadb mysql)) {
	says("$flavour: all is well", "$saved/$flavour-well.json");
	says("$flavour: a dead primary", "$saved/$flavour-dead.json",
	    line('db1', 'DeadMaster'), @lost);
}

# ---- changed --------------------------------------------------------------

sub recorded {
	open my $f, '<', "$saved/$_[0].json" or die "$_[0]: $!";
	local $/;
	return $json->decode(<$f>);
}

# With the changes of $change, which gets the servers by name.
sub changed {
	my ($name, $change) = @_;
	my $list = recorded($name);
	$change->({ map { $_->{Key}{Hostname} => $_ } @$list }, $list);
	return put("$dir/changed.json", $json->encode($list));
}

my ($true, $false) = (JSON::PP::true, JSON::PP::false);
says('a replica that replicates', changed('mysql-dead', sub {
	my ($at) = @_;
	$at->{db2}{ReplicationIOThreadRuning} = $true;
}), line('db1', 'UnreachableMaster'),
    line('db3', 'FirstTierReplicaFailingToConnectToMaster'));
says('a replica that is gone as well', changed('mysql-dead', sub {
	my ($at) = @_;
	$at->{db2}{IsLastCheckValid} = $false;
}), line('db1', 'DeadMasterAndSomeReplicas'), @lost);
says('a primary never seen', changed('mysql-dead', sub {
	my ($at) = @_;
	$at->{db1}{LastSeenTimestamp} = '';
}), line('db1', 'UnseenMaster'), @lost);
says('a downtimed one is left out', changed('mysql-dead', sub {
	my ($at) = @_;
	$at->{db1}{IsDowntimed} = $true;
}), @lost);
says('names of older versions are read', changed('mysql-well', sub {
	my ($at) = @_;
	for (qw(db2 db3)) {
		delete $at->{$_}{ReplicationIOThreadRuning};
		$at->{$_}{Slave_IO_Running} = $false;
	}
}), line('db1', 'AllMasterReplicasNotReplicating'));
says('oddities', changed('mysql-well', sub {
	my ($at) = @_;
	$at->{db1}{ReadOnly} = $true;
	$at->{db2}{Binlog_format} = 'STATEMENT';
}), line('db1', 'StatementAndRowLoggingReplicasStructureWarning, '
	. 'NoWriteableMasterStructureWarning'));
says('two clusters', changed('mysql-dead', sub {
	my ($at, $list) = @_;
	for (@{ recorded('mysql-well') }) {
		$_->{Key}{Hostname} =~ s/db/x/;
		$_->{MasterKey}{Hostname} =~ s/db/x/;
		$_->{ClusterName} = 'x1:3306';
		$_->{ReadOnly} = $true;
		push @$list, $_;
	}
}), line('db1', 'DeadMaster'),
    'x1:3306 (cluster x1:3306): NoWriteableMasterStructureWarning', @lost);
put($config, '{"RecoveryIgnoreHostnameFilters": ["db[23]"]}');
says('the configuration counts', "$saved/mysql-dead.json",
    line('db1', 'DeadMaster'));
put($config, '{}');

# ---- forms ----------------------------------------------------------------

my $dead = $json->encode(recorded('mysql-dead'));
my ($status, $out, $err) = run($dead, 'replication-analysis', '--snapshot',
    '-');
is("$status $out", join('', '0 ', map { "$_\n" }
    line('db1', 'DeadMaster'), @lost), 'standard input');
says('an answer with Details', put("$dir/envelope.json",
    qq({"Code":"OK","Message":"","Details":$dead})),
    line('db1', 'DeadMaster'), @lost);
says('no server', put("$dir/empty.json", '[]'));
my %unused = map { $_ => 1 } glob "$dir/*";
analysed("$saved/mysql-well.json");
is_deeply({ map { $_ => 1 } glob "$dir/*" }, \%unused, 'no store is made');

# ---- what cannot be read --------------------------------------------------

sub fails {
	my ($what, $file, $want) = @_;
	my ($status, $out, $err) = analysed($file);
	is("$status $out", '1 ', $what);
	like($err, $want, 'and why');
}

sub broken { return put("$dir/broken.json", $_[0]) }

fails('no such file', "$dir/none.json", qr/none\.json: No such file/);
fails('a folder', $dir, qr/\Q$dir\E: Is a directory/);
fails('an empty one', broken(''), qr/broken\.json: line 1, column \d+: /);
fails('no JSON', broken("[\n{]"), qr/broken\.json: line 2, column \d+: /);
fails('cut off', broken(substr $dead, 0, 3000), qr/line 1, column 3000: /);
fails('no list', broken('{"Code":"OK"}'), qr/a list of servers/);
fails('no servers', broken('[1]'),
    qr/broken\.json: row 1: Key: a server is expected, not a whole number/);
fails('no key', broken('[{"Port":1}]'),
    qr/row 1: Key: an object with Hostname and Port is expected, not nothing/);
for (
	[ ReadOnly => 'yes', 'true or false is expected, not a text' ],
	[ ReplicationDepth => '1', 'a whole number is expected, not a text' ],
	[ ServerID => -1, 'a number that is not negative is expected' ],
	[ MasterKey => 'db1:3306', 'an object with Hostname and Port' ],
	[ Replicas => { }, 'a list of servers is expected, not an object' ],
	[ SecondsBehindMaster => 3, 'an object with Int64 and Valid' ],
	[ SelfBinlogCoordinates => { LogFile => 1 },
	    'a text is expected, not a whole number' ],
	[ Key => { Hostname => 'db3', Port => 70000 },
	    'a host name and a port' ],
	[ Version => undef, 'a text is expected, not null' ],
    ) {
	my ($name, $value, $why) = @$_;
	my $file = changed('mysql-dead', sub {
		my ($at, $list) = @_;
		$list->[2]{$name} = $value;
	});
	fails("$name cannot be read", $file, qr/changed\.json: row 3(?:, db\d:3306)?: $name: \Q$why/);
}
fails('the same server twice', changed('mysql-dead', sub {
	my ($at, $list) = @_;
	push @$list, $list->[0];
}), qr/db\d:3306 is there twice/);
fails('nested without end', broken('[' x 100_000), qr/broken\.json: line 1/);

($status, $out, $err) = run('', 'topology', '-snapshot', "$saved/mysql-dead.json");
is($status, 1, 'another command has no use for it');
like($err, qr/-snapshot is for -c replication-analysis, not for topology/,
    'which is said');

done_testing();
