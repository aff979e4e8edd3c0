#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Limits: what is above them is refused at once and politely, memory stays
# where it is, and afterwards everything works.
use strict;
use warnings;
use FindBin;
use IO::Select;
use lib $FindBin::Bin;
use H2;
use Served;
use Test::More;
use Time::HiRes qw(time);

$SIG{PIPE} = 'IGNORE';

sub pending {
	my ($s) = @_;
	my $text = $s->curl('/api/count')->{body};
	return $text =~ /"pending":(\d+)/ ? $1 : -1;
}

# Send while reading what comes back; the frames that did.
sub exchange {
	my ($sock, $out, $enough) = @_;
	my ($in, @frame) = ('');
	my $end = time + $Served::LIMIT;
	$sock->blocking(0);
	while (time < $end && !$enough->(\@frame, length $out)) {
		my $r = IO::Select->new($sock);
		my $w = IO::Select->new(length $out ? $sock : ());
		my ($can_read, $can_write) =
		    IO::Select->select($r, $w, undef, 1);
		if ($can_write && @$can_write) {
			my $n = syswrite $sock, $out, 1 << 20;
			last if !defined $n && !$!{EAGAIN};
			substr $out, 0, $n, '' if $n;
		}
		next if !$can_read || !@$can_read;
		my $n = sysread $sock, $in, 1 << 16, length $in;
		last if defined $n ? $n == 0 : !$!{EAGAIN};
		push @frame, H2::frames(\$in);
	}
	$sock->blocking(1);
	return @frame;
}

# ---- outstanding calls ----
my $s = Served->new(tuning => { conn_calls_max => 5, calls_max => 12 });
my @conn;
for (1 .. 2) {
	my $c = $s->connect;
	push @conn, $c;
	# Stream 11 and 13 are above this connection's limit.
	my @frame = exchange($c, H2::preface()
		. join('', map { H2::get(2 * $_ - 1, '/api/hold') } 1 .. 7),
		sub {
			my ($frame) = @_;
			return 2 == grep {
				$_->[0] == H2::DATA && $_->[1] & H2::END_STREAM
			} @$frame;
		});
	is join(' ', map { $_->[2] } grep { $_->[0] == H2::HEADERS } @frame),
	    '11 13', 'the ones above the limit are answered';
	like join('', map { $_->[3] } grep { $_->[0] == H2::DATA } @frame),
	    qr/Busy: too many requests of this connection/, 'and told why';
}
is pending($s), 10, 'the others wait';
my @held;
for (1 .. 2) {
	my $c = $s->connect;
	print $c "GET /api/hold HTTP/1.1\r\nHost: h\r\n\r\n";
	push @held, $c;
}
my $r;
ok $s->wait_for(sub {
	$r = $s->curl('/api/hold');
	return $r->{status} == 503;
}), 'above the limit of all: 503';
like $r->{body}, qr/^\{"Code":"ERROR","Message":"Busy: .*","Details":null\}$/,
    'as JSON';
is Served::header($r, 'retry-after'), 1, 'with Retry-After';
is $s->curl('/web/')->{status}, 200, 'pages cost nothing';

# Clients that go away do not make room: their calls are still under way.
print { $conn[0] } join '',
    map { H2::frame(H2::RST_STREAM, 0, 2 * $_ - 1, pack 'N', 8) } 1 .. 5;
my @frame = exchange($conn[0], H2::get(15, '/api/hold'), sub {
	return grep { $_->[2] == 15 && $_->[0] == H2::HEADERS } @{ $_[0] };
});
ok scalar(grep { $_->[2] == 15 } @frame), 'reset streams still count';
close $conn[0];
is $s->curl('/api/hold')->{status}, 503, 'so do closed connections';

close $_ for @held, @conn;
is $s->stop, 0, 'stops with orphans' or diag $s->log;

$s = Served->new(tuning => { conn_calls_max => 3 });
my $c = $s->connect;
exchange($c, H2::preface() . join('', map {
	H2::get(2 * $_ - 1, '/api/hold')
	    . H2::frame(H2::RST_STREAM, 0, 2 * $_ - 1, pack 'N', 8)
} 1 .. 3) . H2::get(7, '/api/text'), sub {
	return grep { $_->[2] == 7 && $_->[0] == H2::DATA } @{ $_[0] };
});
is $s->curl('/api/release')->{status}, 200, 'the calls are answered';
ok $s->wait_for(sub { pending($s) == 0 }), 'none is left';
@frame = exchange($c, H2::get(9, '/api/text'), sub {
	return grep { $_->[2] == 9 && $_->[0] == H2::DATA } @{ $_[0] };
});
is join('', map { $_->[3] } grep { $_->[0] == H2::DATA } @frame), "plain\n",
    'orphans that were answered count no more';
is $s->stop, 0, 'stops cleanly' or diag $s->log;

# ---- connections ----
$s = Served->new(tuning => { connections_max => 5 });
@conn = map { $s->connect } 1 .. 5;
print $_ "GET /api/hold HTTP/1.1\r\nHost: h\r\n\r\n" for @conn;
$r = undef;
ok $s->wait_for(sub {
	$r = $s->curl('/api/text');
	return $r->{status} == 503;
}), 'a connection too many';
is Served::header($r, 'retry-after'), 1, 'is told to come again';
like $s->log, qr/WARNING http: [45] connections, more are refused/, 'logged';
is scalar(() = $s->log =~ /are refused/g), 1, 'once';
@conn = ();
is $s->stop, 0, 'stops cleanly' or diag $s->log;

$s = Served->new(tuning => { connections_max => 5 });
@conn = map { $s->connect } 1 .. 5;
print $_ H2::preface() for @conn;
ok $s->wait_for(sub {
	print $_ H2::frame(H2::PING, 0, 0, 'stillher') for @conn;
	return $s->curl('/api/text')->{status} == 200;
}), 'idle connections make room, pings or not';
ok $s->wait_for(sub {
	return grep { Served::is_closed($_) } @conn;
}), 'one of them was closed';
@conn = ();
is $s->stop, 0, 'stops cleanly' or diag $s->log;

# ---- no descriptors left ----
$s = Served->new(wrap => [ 'sh', '-c', 'ulimit -n 30; exec "$@"', 'sh' ]);
@conn = map { $s->connect } 1 .. 40;
ok $s->wait_for(sub { $s->log =~ /ERROR http: accept: Too many open files/ }),
    'no descriptor left: told';
close $_ for @conn;
is $s->curl('/api/text')->{status}, 200, 'served again when there are';
is scalar(() = $s->log =~ /Too many open/g), 1, 'told once';
is $s->stop, 0, 'stops cleanly' or diag $s->log;

# ---- slow clients ----
$s = Served->new(tuning => { request_ms => 300, reply_ms => 500 });
my $quiet = $s->descriptors;
my $loris = $s->connect;
print $loris "GET /api/text HTTP/1.1\r\nHost: h\r\n";
my $drip = 0;
while (!IO::Select->new($loris)->can_read(0.05)) {
	print $loris "X-$drip: y\r\n";
	last if $drip++ > 400;
}
ok Served::closed($loris), 'a header that comes by the drop ends';
ok $drip > 3 && $drip < 100, 'at the limit, whatever is sent';
my $body = $s->connect;
print $body "GET /api/text HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\n\r\n";
$drip = 0;
while (!IO::Select->new($body)->can_read(0.05)) {
	print $body 'x';
	last if $drip++ > 400;
}
ok Served::closed($body) && $drip < 100, 'so does a body';
ok Served::closed($_), 'and idle connections' for $s->connect;
my $h2 = $s->connect;
print $h2 H2::preface(), H2::get(1, '/api/text', H2::END_STREAM);
ok Served::closed($h2), 'HTTP/2: a header that does not end';
$h2 = $s->connect;
print $h2 H2::preface(), H2::get(1, '/api/text', H2::END_HEADERS);
ok Served::closed($h2), 'HTTP/2: a body that does not come';
my $deaf = $s->connect;
print $deaf "GET /api/big/30000000 HTTP/1.1\r\nHost: h\r\n\r\n";
is Served::until_text($deaf, qr/^HTTP/) =~ /^HTTP.1.1 (\d+)/ && $1, 200,
    'a large reply begins';
ok $s->wait_for(sub { $s->descriptors == $quiet }),
    'it ends when nobody takes it';
my $n = 0;
while (my $got = sysread $deaf, my $text, 1 << 16) {
	$n += $got;
}
ok $n < 30_000_000, 'cut off' or diag $n;
is $s->stop, 0, 'stops cleanly' or diag $s->log;

# ---- replies that are not taken ----
$s = Served->new(tuning => { conn_held_max => 5_000_000 });
$h2 = $s->connect;
# No window at all: SETTINGS_INITIAL_WINDOW_SIZE is 0.
@frame = exchange($h2, H2::preface(pack 'nN', 4, 0)
	. join('', map { H2::get(2 * $_ - 1, '/api/big/1000000') } 1 .. 20),
	sub {
		return 20 == grep { $_->[0] == H2::HEADERS } @{ $_[0] };
	});
my $kb = $s->rss;
is scalar(grep { $_->[0] == H2::HEADERS } @frame), 20, 'all are answered';
diag "RSS with replies held: $kb kB";
ok $kb < 60_000, 'without their replies piling up';
close $h2;
is $s->curl('/api/text')->{status}, 200, 'others are served';
is $s->stop, 0, 'stops cleanly' or diag $s->log;

# ---- floods of HTTP/2 ----
my $room = Served::sanitized() ? 80_000 : 20_000;    # kB

sub flood {
	my ($what, $count, $calls, $each) = @_;
	my $t = Served->new;
	$t->curl('--http2-prior-knowledge', '/api/later/1') for 1 .. 3;
	my $before = $t->rss;
	my $most = $before;
	my $sock = $t->connect;
	my $out = H2::preface();
	my $stream = 1;
	for (1 .. $count) {
		$out .= $each->($stream);
		$stream += 2;
	}
	my $started = time;
	exchange($sock, $out, sub {
		my ($frame, $left) = @_;
		@$frame = grep { $_->[0] == H2::GOAWAY } @$frame;
		my $now = $t->rss;
		$most = $now if $now > $most;
		return $left == 0 || @$frame;
	});
	is $t->curl('/api/text')->{status}, 200, "$what: others are served";
	my $now = $t->rss;
	$most = $now if $now > $most;
	diag sprintf '%s: %d in %.2f s, RSS %d kB before, %d at most', $what,
	    $count, time - $started, $before, $most;
	ok $most - $before < $room, "$what: memory stays";
	is pending($t), $calls, "$what: calls that got through";
	close $sock;
	is $t->stop, 0, "$what: stops cleanly" or diag $t->log;
}

flood('rapid reset', 200_000, 128, sub {
	return H2::get($_[0], '/api/hold')
	    . H2::frame(H2::RST_STREAM, 0, $_[0], pack 'N', 8);
});
flood('MadeYouReset', 100_000, 128, sub {
	return H2::get($_[0], '/api/hold')
	    . H2::frame(H2::WINDOW_UPDATE, 0, $_[0], pack 'N', 0);
});
flood('pings', 200_000, 0, sub {
	return H2::frame(H2::PING, 0, 0, 'abcdefgh');
});
flood('settings', 200_000, 0, sub {
	return H2::frame(H2::SETTINGS, 0, 0, pack 'nN', 4, 65535);
});
flood('continuation', 1, 0, sub {
	return H2::get($_[0], '/api/text', H2::END_STREAM)
	    . H2::frame(H2::CONTINUATION, 0, $_[0], "\x00\x01a\x7f\x00" . 'b' x 127)
	    x 100_000;
});

done_testing;
