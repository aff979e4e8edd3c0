#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# HTTP/1.1: what is asked for and what comes back.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Served;
use Test::More;

my $s = Served->new(tuning => { threads => 2 });

# ---- paths ----
for (
	[ '/api/echo/a/b', 200, qr/"a":"a","b":"b"/, 'an operation' ],
	[ '/api/echo/a/b/', 200, qr/"a":"a","b":"b"/, 'a slash at the end' ],
	[ '/api/echo/x%2Fy%20z', 200, qr{"a":"x/y z"}, '%2F within a value' ],
	[ '/api/echo/..%2f..%2fetc', 200, qr{"a":"../../etc"}, 'encoded dots' ],
	[ '/api/echo/a?x=1&y=%20', 200, qr/"query":"x=1&y=%20"|x=1\\u0026y/,
		'a query' ],
	[ '/api/later/20', 200, qr/"op":"later"/, 'an answer from elsewhere' ],
	[ '/api/stuck', 500, qr/^timed out$/, 'an actor that does not answer' ],
	[ '/api/text', 200, qr/^plain\n$/, 'text' ],
	[ '/api/fail', 500, qr/ERROR/, 'an error' ],
	[ '/api/code/418', 418, qr/^$/, 'a status of its own' ],
	[ '/api/code/99999', 500, qr/^$/, 'no status' ],
	[ '/api/code/100', 500, qr/^$/, 'not a final one' ],
	[ '/api/nosuch', 404, qr/^404 page not found\n$/, 'unknown' ],
	[ '/nosuch', 404, qr/^404 page not found\n$/, 'unknown, elsewhere' ],
	[ '/api/echo/', 404, qr/^404 page not found\n$/, 'too few words' ],
	[ '/', 302, qr/^$/, 'the root leads to the pages' ],
	[ '/web', 302, qr/^$/, 'so does /web' ],
	[ '/web/', 200, qr/<script type="module"/, 'the page' ],
	[ '/web/app.js', 200, qr/import\.meta\.url/, 'its program' ],
	[ '/web/style.css', 200, qr/:root/, 'its style' ],
	[ '/web/../config.json', 404, qr/not found/, 'no way out of the pages' ],
	[ '/web/%2e%2e/config.json', 404, qr/not found/, 'encoded neither' ],
) {
	my ($path, $status, $body, $what) = @$_;
	my $r = $s->curl($path);
	ok $r->{status} == $status && $r->{body} =~ $body,
	    "$what: $path gives $status"
	    or diag $r->{text};
}

# ---- types and headers ----
my $json = $s->curl('/api/echo/a');
is Served::header($json, 'content-type'), 'application/json; charset=UTF-8',
    'type of JSON';
is Served::header($s->curl('/api/text'), 'content-type'),
    'text/plain; charset=utf-8', 'type of text';
is Served::header($s->curl('/web/app.js'), 'content-type'),
    'text/javascript; charset=utf-8', 'type of a module';
for (
	[ 'x-content-type-options', qr/^nosniff$/ ],
	[ 'x-frame-options', qr/^DENY$/ ],
	[ 'cache-control', qr/^no-store$/ ],
	[ 'content-security-policy', qr/default-src 'none'/ ],
) {
	like Served::header($json, $_->[0]), $_->[1], "reply has $_->[0]";
}
my $page = $s->curl('/web/');
like Served::header($page, 'content-security-policy'), qr/script-src 'self'/,
    'the page may run its own script';
unlike $page->{head}, qr/unsafe-inline/, 'and no other';
my $etag = Served::header($page, 'etag');
is $s->curl('-H', "If-None-Match: $etag", '/web/')->{status}, 304,
    'a page that is known already';
like $s->curl('/api/headers')->{body}, qr/^user-agent=curl/m,
    'an operation can see the headers';
is $s->curl('-H', 'Sec-Fetch-Site: cross-site', '/api/write')->{status}, 403,
    'another site cannot make a browser change things';
is $s->curl('-H', 'Sec-Fetch-Site: cross-site', '/api/text')->{status}, 200,
    'reading is left to the browser';
is $s->curl('-H', 'Sec-Fetch-Site: same-origin', '/api/write')->{status}, 200,
    'our own page may change things';

# ---- methods ----
my $head = $s->curl('--head', '/api/echo/a');
is $head->{status}, 200, 'HEAD';
is $head->{body}, '', 'HEAD has no body';
is Served::header($head, $_), Served::header($json, $_), "HEAD has GET's $_"
    for qw(content-length content-type);
is $s->curl('--head', '/web/')->{status}, 200, 'HEAD of a page';
my $late = $s->curl('--head', '/api/later/5');
is $late->{status} . $late->{body}, 200, 'HEAD of a late answer';
my $unsafe = $s->curl('--head', '/api/write');
is $unsafe->{status}, 405, 'HEAD of what changes things';
is Served::header($unsafe, 'allow'), 'GET', 'which allows GET';
is $s->curl('/api/count')->{body} =~ /"runs":(\d+)/ && $1, 1,
    'and did not run it';
for my $method (qw(POST PUT DELETE OPTIONS)) {
	my $r = $s->curl('-X', $method, '/api/echo/a');
	is $r->{status}, 405, "$method is not allowed";
	is Served::header($r, 'allow'), 'GET, HEAD', "$method: what is";
}
is $s->curl('-X', 'POST', '/nosuch')->{status}, 404, 'POST to nothing';

# ---- bodies ----
is $s->curl('-X', 'GET', '-d', 'x' x 1000, '/api/text')->{status}, 200,
    'GET with a body';
is $s->curl('-X', 'GET', '-H', 'Expect:', '-d', 'x' x 70000, '/api/text')
    ->{status}, 413, 'a body above the limit';

# ---- size ----
for my $n (10, 1023, 1024, 70_000, 8_000_000) {
	my $plain = $s->curl("/api/big/$n");
	is length $plain->{body}, $n, "$n bytes";
	my $gzip = $s->curl('--compressed', "/api/big/$n");
	ok $gzip->{body} eq $plain->{body}, "$n bytes, gzip accepted";
	is Served::header($gzip, 'content-encoding'), $n < 1024 ? '' : 'gzip',
	    "$n bytes are compressed or not";
}

# ---- connections ----
my $sock = $s->connect;
my @answer;
for my $i (1 .. 3) {
	print $sock "GET /api/echo/k$i HTTP/1.1\r\nHost: h\r\n\r\n";
	push @answer, Served::until_text($sock, qr/\}$/) =~ /"a":"(\w+)"/;
}
is "@answer", 'k1 k2 k3', 'keep-alive';
print $sock join '', map {
	"GET /api/" . ($_ % 2 ? 'later/30' : "echo/p$_")
	    . " HTTP/1.1\r\nHost: h\r\n\r\n"
} 1 .. 6;
my $all = Served::until_text($sock, qr/"a":"p6"/);
is join(' ', $all =~ /"a":"(\w+)"/g), '30 p2 30 p4 30 p6',
    'pipelined requests are answered in order';
print $sock "GET /api/text HTTP/1.0\r\n\r\n";
like Served::until_text($sock, qr/plain\n$/), qr/^HTTP\/1\.1 200/, 'HTTP/1.0';
ok Served::closed($sock), 'is closed after it';

# ---- what is no HTTP ----
for (
	[ "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" . 'x' x 400, 'TLS' ],
	[ "\0" x 3000, 'zeros' ],
	[ "GET / HTTP/1.1\r\nX: \x01\x02\r\n\r\n", 'bytes in a header' ],
	[ "GET /\r\n\r\n", 'HTTP/0.9' ],
	[ 'GET /' . 'a' x 500_000 . " HTTP/1.1\r\n\r\n", 'a long path' ],
	[ "GET / HTTP/1.1\r\n" . join('', map { "h$_: v\r\n" } 1 .. 200)
	    . "\r\n", 'many headers' ],
	[ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . "\xff" x 2000, 'bad frames' ],
) {
	my $c = $s->connect;
	local $SIG{PIPE} = 'IGNORE';
	print $c $_->[0];
	ok Served::closed($c), "$_->[1]: closed";
}
is $s->curl('/api/text')->{status}, 200, 'and the next one is served';
is $s->stop, 0, 'stops cleanly' or diag $s->log;

# ---- a prefix, another status path ----
$s = Served->new(config =>
	{ URLPrefix => '/o', StatusEndpoint => '/lb/status' });
for (
	[ '/o/api/text', 200 ],
	[ '/api/text', 404 ],
	[ '/oo/api/text', 404 ],
	[ '/o', 302 ],
	[ '/o/', 302 ],
	[ '/', 404 ],
	[ '/o/web/', 200 ],
	[ '/lb/status', 200 ],
	[ '/lb/status/', 200 ],
	[ '/lb/statusx', 404 ],
) {
	is $s->curl($_->[0])->{status}, $_->[1], "URLPrefix /o: $_->[0]";
}
is Served::header($s->curl('/o'), 'location'), '/o/web/', 'where it leads';
is $s->stop, 0, 'stops cleanly' or diag $s->log;

# ---- addresses ----
for my $address ('localhost:0', ':0', '[::1]:0') {
	my $t = eval { Served->new(config => { ListenAddress => $address }) };
	SKIP: {
		skip 'no IPv6 here', 1
		    if !$t && $address =~ /::1/ && $@ =~ /Cannot assign|family/;
		ok $t && $t->{url} =~ /:\d+$/, "listens on $address" or diag $@;
	}
}
$s = Served->new;
ok !eval { Served->new(config => { ListenAddress => "127.0.0.1:$s->{port}" }) },
    'a port that is taken';
like $@, qr/error: exists: listen on 127\.0\.0\.1:\d+: Address already in use/,
    'is named';
ok !eval { Served->new(config => { ListenAddress => $_ }) },
    "listen address $_ is refused"
    for 'nocolon', '127.0.0.1:', '300.1.1.1:80', '127.0.0.1:99999';

# ---- access log ----
my $log = $s->{dir} . '/access';
my $t = Served->new(tuning => { access_log => $log });
$t->curl('/api/echo/a?secret=1');
is $t->stop, 0, 'stops with a log';
open my $file, '<', $log or die $!;
my $line = <$file>;
like $line, qr/^127\.0\.0\.1 .*"GET \/api\/echo\/a HTTP\/1\.1" 200 \d+$/,
    'access log';
unlike $line, qr/secret/, 'without the query';

done_testing;
