#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# HTTP/2 without TLS: prior knowledge, Upgrade, many streams, switched off.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Served;
use Test::More;

sub have {
	my ($program) = @_;
	return grep { -x "$_/$program" } split /:/, $ENV{PATH};
}

my $s = Served->new(tuning => { threads => 2 });
for (
	[ '--http2-prior-knowledge', 'prior knowledge' ],
	[ '--http2', 'Upgrade' ],
) {
	my ($option, $what) = @$_;
	my $r = $s->curl($option, '/api/later/10');
	is $r->{version}, 2, "$what: HTTP/2";
	like $r->{body}, qr/"op":"later"/, "$what: answer";
	# curl 7.88 gives up when more than 32 kB follow a 101 at once.
	my $big = $option eq '--http2'
	    ? $s->nghttp('-u', '/api/big/3000000')
	    : $s->curl($option, '/api/big/3000000')->{body};
	SKIP: {
		skip 'no nghttp (Debian: nghttp2-client)', 1 if !defined $big;
		is length $big, 3_000_000, "$what: a large reply";
	}
	is $s->curl($option, '--compressed', '/api/big/50000')->{body} =~
	    tr/0-9//, $s->curl('/api/big/50000')->{body} =~ tr/0-9//,
	    "$what: gzip";
	my $head = $s->curl($option, '--head', '/api/echo/a');
	is "$head->{status}$head->{body}", '200', "$what: HEAD";
	is $s->curl($option, '/nosuch')->{status}, 404, "$what: 404";
	is $s->curl($option, '-X', 'POST', '/api/text')->{status}, 405,
	    "$what: 405";
	like $s->curl($option, '/api/echo/a%2Fb')->{body}, qr{"a":"a/b"},
	    "$what: %2F";
}
isnt $s->curl('--http2-prior-knowledge', '-X', 'GET', '-d', 'x' x 70000,
	'/api/text')->{status}, 200, 'a body above the limit is refused';
is $s->curl('--http2-prior-knowledge', '-X', 'GET', '-d', 'x' x 7000,
	'/api/text')->{status}, 200, 'a body below it is not';

SKIP: {
	skip 'no h2load (Debian: nghttp2-client)', 3 if !have('h2load');
	for my $path ('/api/echo/a', '/api/later/3', '/api/big/20000') {
		my $text = qx(h2load -n 2000 -c 4 -m 50 $s->{url}$path 2>&1);
		like $text, qr/2000 succeeded, 0 failed, 0 errored/,
		    "200 streams at once: $path" or diag $text;
	}
}
is $s->stop, 0, 'stops cleanly' or diag $s->log;

$s = Served->new(tuning => { http2 => 0 });
is $s->curl('--http2', '/api/text')->{version}, '1.1',
    'switched off: no Upgrade';
is $s->curl('--http2-prior-knowledge', '/api/text')->{status}, 0,
    'switched off: no prior knowledge';
is $s->curl('/api/text')->{status}, 200, 'switched off: HTTP/1.1 is left';

done_testing;
