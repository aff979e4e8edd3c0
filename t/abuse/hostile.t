#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
#
# Servers that send garbage, stop anywhere, drip, flood or lie: each request to
# them ends with a clear error within its limit; nothing hangs, crashes or grows.
use strict;
use warnings;
use lib "$ENV{top_srcdir}/t/abuse", "$ENV{top_srcdir}/t/lib";
use Fake;
use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(time);

my $one = "$ENV{top_builddir}/t/abuse/session_one";
my $slow = 2500;       # a loaded machine may be that late, in ms
my $memory = 200_000;  # kB; a sanitizer build takes more
$memory *= 6 if qx(nm $one 2>/dev/null) =~ /__asan_init/;

# Runs session_one: its lines as [port, code, errno, {rows..}, text].
sub run {
	my @arg = @_;
	my @line;
	my $began = time;
	open my $out, '-|', 'timeout', '60', $one, @arg or die "$one: $!";
	while (<$out>) {
		push @line, [ $1, $2, $3, $4, $5, $6, $7 ]
		    if /^(\d+) ([a-z ]+) (\d+) rows=(\d+) bytes=(\d+) ms=(\d+) (.*)$/;
		push @line, [ 'end', $1, $2 ] if /^end (.*) kB=(\d+)/;
	}
	close $out;
	my $end = pop @line || [ 'end', 'crashed', 0 ];
	return { status => $?, end => $end->[1], kb => $end->[2],
	    line => \@line, ms => (time() - $began) * 1000 };
}

# One request after the other; every answer has this code, in time.
sub hostile {
	my ($what, $code, $text, $serve, @arg) = @_;
	my $fake = Fake->new($serve);
	my %o = (limit_ms => 1500, runs => 1,
	    map { split /=/, $_, 2 } @arg);
	my $r = run((map { "$_=$o{$_}" } sort keys %o), $fake->port);
	my @bad = grep { $_->[1] !~ /^(?:$code)$/ || $_->[6] !~ $text ||
	    $_->[5] > $o{limit_ms} + $slow } @{ $r->{line} };
	ok($r->{status} == 0 && $r->{end} eq 'good' && !@bad &&
	    @{ $r->{line} } == $o{runs} && $r->{kb} < $memory, $what)
	    or diag(explain({ %$r, bad => \@bad,
		line => scalar @{ $r->{line} } }));
	return $r;
}

my $hello = Fake::greeting();
my $rows = Fake::result('a', [ 'one', 'two', 'x' x 200 ]);

# ---- the handshake ----

hostile('garbage instead of a greeting', 'unreachable|server error', qr/./, sub {
	$_[0]->say_bytes(join '', map { chr int rand 256 } 1 .. 3000);
}, 'runs=20');
hostile('a web server', 'unreachable|server error', qr/./, sub {
	$_[0]->say_bytes("HTTP/1.1 400 Bad Request\r\n\r\n");
});
hostile('closed at once', 'unreachable', qr/./, sub { }, 'runs=5');
hostile('a greeting cut at every byte', 'unreachable|server error', qr/./, sub {
	my ($c, $n) = @_;
	$c->say_bytes(substr $hello, 0, $n);
}, 'runs=' . (length($hello) - 1));
hostile('a greeting with any byte changed', 'unreachable|server error|denied|none',
    qr/^/, sub {
	my ($c, $n) = @_;
	my $bent = $hello;
	substr($bent, $n % length $hello, 1) ^= "\x55";
	$c->say_bytes($bent);
	$c->{s}->shutdown(1);
	$c->read_packet;
}, 'runs=' . length $hello);
hostile('nothing is ever sent', 'timeout', qr/time over/,
    sub { $_[0]->stall }, 'limit_ms=700');
hostile('a greeting that drips', 'timeout', qr/time over/,
    sub { $_[0]->drip($hello, 0.1) }, 'limit_ms=700');
hostile('too many connections', 'server error', qr/many/, sub {
	$_[0]->say_bytes(Fake::packet(0, "\xff" . pack('v', 1040) .
	    'Too many connections'));
});
hostile('an answer to the login cut at every byte', 'unreachable|server error',
    qr/./, sub {
	my ($c, $n) = @_;
	$c->say_bytes($hello);
	$c->read_packet;
	$c->say_bytes(substr Fake::ok(2), 0, $n);
}, 'runs=11');
hostile('access denied', 'denied', qr/go away/, sub {
	my ($c) = @_;
	$c->say_bytes($hello);
	$c->read_packet;
	$c->say_bytes(Fake::error(2, 1045, 'go away'));
});

# ---- what must not be given away ----

my $dir = tempdir(CLEANUP => 1);
sub heard {
	my ($c, $name) = @_;
	open my $f, '>>', "$dir/$name" or die $!;
	while (defined(my $p = $c->read_packet)) {
		syswrite $f, $p;
	}
}
sub read_heard {
	open my $f, '<', "$dir/$_[0]" or return '';
	local $/;
	return <$f> // '';
}
hostile('asks for the password in clear', 'unreachable|server error|denied', qr/./,
    sub {
	my ($c) = @_;
	$c->say_bytes($hello);
	$c->read_packet;
	$c->say_bytes(Fake::packet(2, "\xfemysql_clear_password\0"));
	heard($c, 'clear');
});
unlike(read_heard('clear'), qr/secret-password/, 'and does not get it');
hostile('asks for a file', 'unreachable|server error|timeout', qr/./, sub {
	my ($c) = @_;
	$c->login;
	$c->query;
	$c->say_bytes(Fake::packet(1, "\xfb/etc/passwd"));
	heard($c, 'file');
});
unlike(read_heard('file'), qr/root:/, 'and does not get it');

# ---- TLS ----

sub tls_begins {
	my ($c) = @_;
	$c->say_bytes(Fake::greeting(tls => 1));
	$c->read_packet; # the request for TLS
}
hostile('stalls in TLS', 'timeout', qr/time over/, sub {
	tls_begins($_[0]);
	$_[0]->stall;
}, 'tls=2', 'limit_ms=1000');
hostile('drips into TLS', 'timeout', qr/time over/, sub {
	tls_begins($_[0]);
	$_[0]->drip("\x16\x03\x03\x40\x00\x02" . "\0" x 16000, 0.05);
}, 'tls=2', 'limit_ms=1000');
hostile('garbage in TLS', 'server error', qr/TLS|SSL/i, sub {
	tls_begins($_[0]);
	$_[0]->say_bytes(join '', map { chr int rand 256 } 1 .. 1000);
}, 'tls=2', 'runs=5');
hostile('no TLS where it is asked for', 'denied|server error', qr/TLS|SSL/i, sub {
	$_[0]->login;
	$_[0]->stall;
}, 'tls=2');

# ---- replies ----

sub answering {
	my ($answer) = @_;
	return sub {
		my ($c, $n) = @_;
		$c->login;
		$c->query;
		$answer->($c, $n);
	};
}
my $good = hostile('a good reply', 'none', qr/^$/, sub {
	my ($c) = @_;
	$c->login;
	while (1) { $c->query; $c->say_bytes($rows) }
}, 'runs=3');
is($good->{line}[0][4], 224, 'of so many bytes');

# A broken reply costs the connection.  The session opens another one at once
# and says so (stale), which these servers break again.
hostile('a reply cut at every byte', 'stale', qr/^$/, sub {
	my ($c, $n) = @_;
	$c->login;
	my $q = eval { $c->query };
	$c->say_bytes(substr $rows, 0, $n % length $rows);
}, 'runs=' . int(length($rows) / 2));
hostile('closes in the middle of a row', 'stale', qr/^$/, answering(
    sub { $_[0]->say_bytes(substr $rows, 0, 100) }), 'runs=3');
hostile('a reply with any byte changed',
    'none|stale|server error|malformed|timeout', qr/^/, answering(sub {
	my ($c, $n) = @_;
	my $bent = $rows;
	substr($bent, $n % length $rows, 1) ^= "\x81";
	$c->say_bytes($bent);
}), 'runs=' . length($rows), 'limit_ms=400');
hostile('a reply that drips', 'timeout', qr/does not answer/, answering(
    sub { $_[0]->drip($rows, 0.1) }), 'limit_ms=700');
hostile('no reply', 'timeout', qr/does not answer/, answering(
    sub { $_[0]->stall }), 'limit_ms=500', 'runs=2');
hostile('a huge packet is announced', 'timeout|malformed', qr/./,
    answering(sub {
	my ($c) = @_;
	$c->say_bytes("\xff\xff\xff\x01" . 'x' x 100);
	$c->stall;
    }), 'limit_ms=700');
hostile('a huge value is announced', 'malformed|stale', qr/^/,
    answering(sub {
	my ($c) = @_;
	$c->say_bytes(Fake::packet(1, "\1") . Fake::column(2, 'a') . Fake::end_packet(3) .
	    Fake::packet(4, "\xfe" . "\xff" x 6 . "\x7f\0" . 'abc'));
	$c->stall;
    }), 'limit_ms=700');
hostile('packets without end', 'malformed|stale|timeout', qr/^/,
    answering(sub {
	my ($c) = @_;
	my $piece = 'x' x 0xffffff;
	for my $seq (1 .. 40) {
		last if !$c->say_bytes("\xff\xff\xff" . chr($seq) . $piece);
	}
    }), 'limit_ms=6000');
hostile('rows without end', 'malformed', qr/more than a reply may hold/,
    answering(sub {
	my ($c) = @_;
	my $seq = 4;
	$c->say_bytes(Fake::packet(1, "\1") . Fake::column(2, 'a') . Fake::end_packet(3));
	while (1) {
		my $some = join '', map { Fake::packet($seq++, Fake::text('y'
		    x 200)) } 1 .. 100;
		last if !$c->say_bytes($some);
	}
    }), 'limit_ms=20000');
hostile('results without end', 'malformed', qr/more results/, answering(sub {
	my ($c) = @_;
	my $more = Fake::result('a', [], 1);
	1 while $c->say_bytes($more);
}), 'limit_ms=20000');
hostile('too many columns', 'malformed|stale', qr/^/, answering(sub {
	my ($c) = @_;
	$c->say_bytes(Fake::packet(1, "\xfc" . pack('v', 1000)));
	$c->say_bytes(Fake::column(2 + $_, "c$_")) for 0 .. 999;
	$c->say_bytes(Fake::end_packet(1002 & 255));
	$c->stall;
}), 'limit_ms=3000');
hostile('an error in the middle of rows', 'server error', qr/killed/, answering(sub {
	my ($c) = @_;
	$c->say_bytes(Fake::packet(1, "\1") . Fake::column(2, 'a') . Fake::end_packet(3) .
	    Fake::packet(4, Fake::text('v')) .
	    Fake::error(5, 1317, 'killed'));
	$c->stall;
}));
my $second = hostile('an error for the second statement', 'server error', qr/no such/,
    answering(sub {
	my ($c) = @_;
	$c->say_bytes(Fake::result('a', ['v'], 1) .
	    Fake::error(1, 1146, 'no such table'));
	$c->stall;
}));
is($second->{line}[0][3], 1, 'leaves the first result');
hostile('a connection lost between requests', 'none', qr/^$/, sub {
	my ($c) = @_;
	$c->login;
	$c->query;
	$c->say_bytes($rows);
}, 'runs=4');

# ---- the age of a connection ----

hostile('a connection that is old enough is replaced', 'none', qr/^$/, sub {
	my ($c, $n) = @_;
	open my $f, '>', "$dir/connection-$n" or die $!;
	$c->login;
	while (1) { $c->query; select undef, undef, undef, 0.3;
		$c->say_bytes($rows) }
}, 'runs=5', 'lifetime_s=1');
is(scalar(my @c = glob "$dir/connection-*"), 2, 'once in a while');

# ---- a server that hangs costs no other one's time ----

my @hang = map { Fake->new(sub { $_[0]->stall }) } 1 .. 6;
my $fine = Fake->new(sub {
	my ($c) = @_;
	$c->login;
	while (1) { $c->query; $c->say_bytes($rows) }
});
# A connection may wait for two rounds of hung ones; then it is kept.
my $r = run('connectors=4', 'limit_ms=1200', 'runs=6',
    (map { $_->port } @hang), $fine->port);
my @late = grep { $_->[1] !~ /^(?:timeout|busy)$/ } grep { $_->[0] != $fine->port }
    @{ $r->{line} };
is(scalar @late, 0, 'servers that hang: time over');
my @fine = grep { $_->[0] == $fine->port } @{ $r->{line} };
is(join(' ', map { $_->[1] } @fine[4, 5]), 'none none',
    'the good one beside them is served') or diag(explain($r));
is($r->{status}, 0, 'and it ends well');

done_testing();
