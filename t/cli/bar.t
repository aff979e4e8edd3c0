#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
#
# How far the discovery is: a bar for people in front of a terminal, counters for
# everyone, nothing where nobody looks.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Daemon;
use Fcntl;
use Fleet;
use HTTP::Tiny;
use IO::Select;
use JSON::PP ();
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

plan skip_all => Daemon::missing() if Daemon::missing();
plan skip_all => Fleet::binary() . ' is not built' if !-x Fleet::binary();

use constant { TIOCSWINSZ => 0x5414, TIOCGPTN => 0x80045430,
    TIOCSPTLCK => 0x40045431 };
my $limit = 60;
my $clear = qr/\r\e\[K/;

# Both ends of a terminal of that width; nothing where there are none.
sub terminal {
	my ($width) = @_;
	sysopen my $master, '/dev/ptmx', O_RDWR | O_NOCTTY or return;
	my ($number, $no) = (pack('i', 0), pack 'i', 0);
	ioctl $master, TIOCSPTLCK, $no or return;
	ioctl $master, TIOCGPTN, $number or return;
	ioctl $master, TIOCSWINSZ, pack 'SSSS', 24, $width, 0, 0 or return;
	return ($master, '/dev/pts/' . unpack 'i', $number);
}

# The program with that terminal as its own; its pid.
sub run_on {
	my ($tty, @words) = @_;
	my $pid = fork // die "fork: $!";
	return $pid if $pid;
	POSIX::setsid();
	$ENV{TERM} = 'xterm';
	$ENV{LSAN_OPTIONS} //= 'print_suppressions=0:suppressions='
	    . ($ENV{top_srcdir} // '.') . '/t/http/lsan.supp';
	open STDIN, '<', $tty or POSIX::_exit(126);
	open STDOUT, '>', $tty or POSIX::_exit(126);
	open STDERR, '>', $tty or POSIX::_exit(126);
	exec @words or POSIX::_exit(127);
}

# What appears on it until the pattern does, or for $limit seconds.
sub appears {
	my ($master, $pattern) = @_;
	my ($text, $end) = ('', time + $limit);
	while ($text !~ $pattern && time < $end) {
		next if !IO::Select->new($master)->can_read(0.5);
		next if sysread $master, $text, 1 << 16, length $text;
		last if $text ne ''; # nobody has it open any more
	}
	return $text;
}

my ($master, $tty) = terminal(70);
plan skip_all => 'no terminals here' if !$master;

# Slow ones, so that it takes longer than the half second without a bar.
my $fleet = Fleet->new(clusters => 10, size => 4);
$fleet->send('fault', 'all', 'slow', 300);
my @seed = map { $fleet->address(4 * $_) . ':' . $fleet->port } 0 .. 9;
my $daemon = Daemon->new(DiscoverySeeds => []);
is_deeply scalar $daemon->get('/api/discovery-progress'),
    { Known => 0, Probed => 0, Reached => 0, Failing => 0, Clusters => 0,
	Connecting => 0, WaitingToConnect => 0, Complete => JSON::PP::true },
    'counters of a daemon that knows nobody';
$daemon->stop;
unlike $daemon->log, qr/\e/, 'no bar where stderr is a file';

my @command = (Daemon::binary(), '--config', $daemon->dir . '/config.json');
$daemon->configure(DiscoverySeeds => \@seed);
my $pid = run_on($tty, @command, 'http');
my $text = appears($master, qr/servers in \d+ clusters were probed.*\n/);
like $text, qr/${clear}\d+ of \d+ servers probed .*\d+%/, 'a bar is drawn';
like $text, qr/${clear}[\d: -]+NOTICE 40 servers in 10 clusters were probed, /,
    'and makes room for a line when it is over';
my @drawn = grep { /^\d+ of / } split /[\r\n]|$clear/, $text;
is scalar(grep { length >= 70 } @drawn), 0,
    'it fits the terminal' or diag explain \@drawn;
my $now = JSON::PP->new->decode(
    HTTP::Tiny->new->get("$daemon->{url}/api/discovery-progress")->{content});
is $now->{Known}, 40, 'known';
is $now->{Probed}, 40, 'probed';
is $now->{Reached}, 40, 'reached';
is $now->{Failing}, 0, 'none fails';
is $now->{Clusters}, 10, 'in clusters';
ok $now->{Complete}, 'complete';
my $counter = JSON::PP->new->decode(
    HTTP::Tiny->new->get("$daemon->{url}/debug/metrics")->{content});
is $counter->{'instance.known'}, 40, 'counters say so, too';
is $counter->{'instance.probed'}, 40, 'of all of them';
kill 'INT', $pid;
waitpid $pid, 0;
is $?, 0, 'Ctrl-C ends it as ever';

# A command that has a list to do.
($master, $tty) = terminal(70);
$pid = run_on($tty, @command, '-c', 'discover', '-i',
    join ',', map { $fleet->address($_) . ':' . $fleet->port } 0 .. 3);
$text = appears($master, qr/@{[ $fleet->address(3) ]}:\d+\r\n/);
waitpid $pid, 0;
is $?, 0, 'discover of a list' or diag $text;
like $text, qr/${clear}3 of 4 servers .*75%/, 'has a bar';
like $text, qr/$clear\Q@{[ $fleet->address($_) ]}\E:\d+\r\n/,
    'each answer has its own line' for 0 .. 3;

my $piped = Topology::output(@command, '-c', 'discover', '-i',
    join ',', map { $fleet->address($_) . ':' . $fleet->port } 0 .. 1);
unlike $piped, qr/\e/, 'no bar in a pipe';

done_testing;
