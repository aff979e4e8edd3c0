#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Requests a second and CPU time a request of src/http, one HTTP thread, over
# the operations of t/http/fake.c: a small JSON made at once ("echo"), the same
# answered by another thread ("later/0"), a page, a reply of 100 kB.
#
#	top_srcdir=. top_builddir=. t/bench/http.pl [SECONDS]
#
# Needs wrk and h2load (Debian: wrk, nghttp2-client).  Both share the machine
# with the server, so CPU time a request says more than requests a second.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../http";
use Served;

my $seconds = shift // 3;
my @case = (
	[ 'wrk, HTTP/1.1, 32 connections', "wrk -t1 -c32 -d${seconds}s" ],
	[ 'wrk, HTTP/1.1, 1 connection', "wrk -t1 -c1 -d${seconds}s" ],
	[ 'h2load, HTTP/2, 8 x 16 streams',
		"h2load -t1 -c8 -m16 -D$seconds --warm-up-time=0" ],
);
my @path = ('/api/echo/a', '/api/later/0', '/web/', '/api/big/100000');

sub cpu_us {
	my ($pid) = @_;
	open my $file, '<', "/proc/$pid/stat" or die $!;
	my @field = split ' ', <$file> =~ s/^.*\)//r;
	return ($field[11] + $field[12]) * 10_000;
}

sub requests {
	my ($text) = @_;
	return $1 if $text =~ /(\d+) requests in/;
	return $1 if $text =~ /requests: (\d+) total/;
	die $text;
}

printf "%-34s %-18s %10s %8s\n", '', '', 'requests/s', 'us CPU';
for my $case (@case) {
	for my $path (@path) {
		my $s = Served->new;
		my $before = cpu_us($s->{pid});
		my $text = qx($case->[1] $s->{url}$path 2>&1);
		my $n = requests($text);
		my $us = (cpu_us($s->{pid}) - $before) / $n;
		my $bad = $text =~ /Non-2xx.*: (\d+)/ ? $1 :
		    $text =~ /(\d+) failed/ ? $1 : 0;
		printf "%-34s %-18s %10d %8.2f%s\n", $case->[0], $path,
		    $n / $seconds, $us, $bad ? " ($bad failed)" : '';
	}
}
