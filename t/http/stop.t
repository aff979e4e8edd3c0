#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Stopping: what is under way is answered, nobody waits longer than stop_ms.
use strict;
use warnings;
use FindBin;
use IO::Select;
use lib $FindBin::Bin;
use Served;
use Test::More;
use Time::HiRes qw(time);

# ---- nothing under way ----
# The limits that must not be waited for are far beyond what a busy machine needs.
my $soon = 20;
my $s = Served->new(tuning => { threads => 2, stop_ms => 60000,
    request_ms => 60000 });
my $idle = $s->connect;
print $idle "GET /api/text HTTP/1.1\r\nHost: h\r\n\r\n";
Served::until_text($idle, qr/plain/);
my $half = $s->connect;
print $half "GET /api/te";
my $from = time;
kill 'TERM', $s->{pid};
is $s->said, 'stopped', 'an idle connection and half a request';
ok time - $from < $soon, 'do not hold it up';
ok Served::closed($_), 'both are closed' for $idle, $half;
is $s->stop, 0, 'exit status' or diag $s->log;

# ---- calls under way ----
for my $kind ('HTTP/1.1', 'HTTP/2') {
	$s = Served->new(tuning => { threads => 2 });
	my @out;
	for (1 .. 8) {
		my @words = ('curl', '-s', '-m', 30, '-w', '%{http_code}',
			$kind eq 'HTTP/2' ? '--http2-prior-knowledge' : (),
			"$s->{url}/api/later/700");
		open my $out, '-|', @words or die $!;
		push @out, $out;
	}
	# On every thread something is under way: eight connections of two.
	ok $s->wait_for(sub {
		my $n = 0;
		for (1 .. 8) {
			my $text = $s->curl('/api/count')->{body};
			$n = $1 if $text =~ /"pending":(\d+)/ && $1 > $n;
		}
		return $n > 0;
	}), "$kind: calls are under way";
	kill 'TERM', $s->{pid};
	my $good = 0;
	for my $out (@out) {
		local $/;
		my $text = <$out>;
		$good++ if $text =~ /"op":"later".*200$/;
		close $out;
	}
	is $good, 8, "$kind: all are answered";
	is $s->said, 'stopped', "$kind: then it stops";
	is $s->curl('/api/text')->{status}, 0, "$kind: nobody listens any more";
	is $s->stop, 0, "$kind: exit status" or diag $s->log;
}

# ---- calls that are never answered ----
for my $option ('--http1.1', '--http2-prior-knowledge') {
	$s = Served->new(tuning => { stop_ms => 300 });
	open my $out, '-|', 'curl', '-s', '-m', 30, '-w', '%{http_code}',
	    $option, "$s->{url}/api/hold" or die $!;
	ok $s->wait_for(sub {
		$s->curl('/api/count')->{body} =~ /"pending":1/;
	}), "$option: a call is under way";
	$from = time;
	kill 'TERM', $s->{pid};
	my $text = do { local $/; <$out> };
	like $text, qr/shutting down.*503$/s, "$option: gets 503";
	is $s->said, 'stopped', "$option: it stops";
	ok time - $from < $soon, "$option: in time";
	is $s->stop, 0, "$option: exit status" or diag $s->log;
}

# ---- a client that does not take its reply ----
$s = Served->new(tuning => { stop_ms => 300 });
my $deaf = $s->connect;
print $deaf "GET /api/big/50000000 HTTP/1.1\r\nHost: h\r\n\r\n";
IO::Select->new($deaf)->can_read(30);
$from = time;
kill 'TERM', $s->{pid};
is $s->said, 'stopped', 'a deaf client';
ok time - $from < $soon, 'does not hold it up';
is $s->stop, 0, 'exit status' or diag $s->log;

done_testing;
