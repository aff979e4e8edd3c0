#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Answers that are made while they are sent: whole for everyone who takes them,
# and made no further than a client takes them.
use strict;
use warnings;
use FindBin;
use IO::Select;
use lib $FindBin::Bin;
use Served;
use Test::More;
use Time::HiRes qw(time);

$SIG{PIPE} = 'IGNORE';

sub pieces {
	my ($s) = @_;
	return $s->curl('/api/count')->{body} =~ /"pieces":(\d+)/ ? $1 : -1;
}

my $s = Served->new;
for my $n (1, 9999, 10_000, 10_001, 500_000) {
	my $want = '[' . join(',', 0 .. $n - 1) . ']';
	for my $how ([], ['--compressed'], ['--http1.0'],
		['--http2-prior-knowledge'],
		['--http2-prior-knowledge', '--compressed'])
	{
		my $r = $s->curl(@$how, "/api/pieces/$n");
		is $r->{status}, 200, "$n numbers @$how";
		ok $r->{body} eq $want, 'all of them, in order' or
		    diag length $r->{body}, ' of ', length $want;
	}
}
my $r = $s->curl('/api/pieces/500000');
is Served::header($r, 'content-length'), '', 'the length is not known before';
like Served::header($r, 'transfer-encoding'), qr/chunked/, 'hence chunks';
is Served::header($s->curl('--compressed', '/api/pieces/500000'),
    'content-encoding'), 'gzip', 'compressed when asked for';
my $before = pieces($s);
$r = $s->curl('--head', '/api/pieces/500000');
is "$r->{status}$r->{body}", '200', 'HEAD has no body';
is pieces($s), $before + 1, 'and little is made for it';

# Several on one connection, one after the other.
my $sock = $s->connect;
print $sock "GET /api/pieces/30000 HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET /api/text HTTP/1.1\r\nHost: h\r\n\r\n";
like Served::until_text($sock, qr/plain\n$/), qr/,29999\].*plain\n$/s,
    'the next reply comes after it';
close $sock;

# ---- a client that does not take it ----
$before = pieces($s);
my $deaf = $s->connect;
print $deaf "GET /api/pieces/1000000000 HTTP/1.1\r\nHost: h\r\n\r\n";
like Served::until_text($deaf, qr/,9999/), qr/^HTTP\/1.1 200/, 'it begins';
my $made = 0;
ok $s->wait_for(sub {
	my $now = pieces($s);
	my $same = $now == $made;
	$made = $now;
	return $same;
}), 'no more is made when nobody takes it';
cmp_ok $made - $before, '<', 1000, 'of 100,000 pieces';
is $s->curl('/api/text')->{status}, 200, 'others are served';
my $open = $s->descriptors;
close $deaf;
ok $s->wait_for(sub { $s->descriptors < $open }), 'it went away';
$made = pieces($s);
is $s->curl('/api/text')->{status}, 200, 'others are served still';
is pieces($s), $made, 'and nothing more is made';

# ---- the end, while one is under way ----
$deaf = $s->connect;
print $deaf "GET /api/pieces/1000000000 HTTP/1.1\r\nHost: h\r\n\r\n";
Served::until_text($deaf, qr/,9999/);
is $s->stop, 0, 'stops cleanly' or diag $s->log;

# It counts as what waits for its client.
$s = Served->new(tuning => { held_max => 1_000_000 });
$deaf = $s->connect;
print $deaf "GET /api/pieces/1000000000 HTTP/1.1\r\nHost: h\r\n\r\n";
Served::until_text($deaf, qr/,9999/);
$r = $s->curl('/api/text');
is $r->{status}, 503, 'above the limit of what is held: busy';
like $r->{body}, qr/too many replies wait/, 'and told why';
close $deaf;
ok $s->wait_for(sub { $s->curl('/api/text')->{status} == 200 }),
    'served again when it is gone';
is $s->stop, 0, 'stops cleanly' or diag $s->log;

done_testing;
