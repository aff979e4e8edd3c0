# SPDX-License-Identifier: Apache-2.0
#
# Fake: a server that does to each connection whatever a test wants.
#
#	my $f = Fake->new(sub { my ($c, $n) = @_; $c->say_bytes(...); });
#	$f->port
#
# The sub runs in a process of its own for each connection, in order of arrival
# ($n from 0); at its end the connection is closed.  Everything ends with the
# object.
package Fake;

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Time::HiRes ();

our $SALT = 'abcdefgh' . 'ijklmnopqrst';

sub new {
	my ($class, $serve) = @_;
	my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
	    Listen => 64, ReuseAddr => 1) or die "listen: $!";
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		$SIG{TERM} = sub { kill 'KILL', 0 };
		$SIG{CHLD} = 'IGNORE';
		setpgrp 0, 0;
		for (my $n = 0;; $n++) {
			my $c = $listen->accept or next;
			my $child = fork;
			if (defined $child && $child == 0) {
				eval { $serve->(bless({ s => $c }, $class), $n) };
				POSIX::_exit(0);
			}
			close $c;
		}
	}
	my $self = bless { port => $listen->sockport, pid => $pid }, $class;
	close $listen;
	return $self;
}

sub port { return $_[0]{port} }

sub DESTROY {
	my ($self) = @_;
	return if !$self->{pid};
	kill 'TERM', $self->{pid};
	local $?;
	waitpid $self->{pid}, 0;
}

# ---- what a server does ----

sub say_bytes {
	my ($self, $bytes) = @_;
	local $SIG{PIPE} = 'IGNORE';
	while (length $bytes) {
		my $n = syswrite $self->{s}, $bytes;
		return 0 if !defined $n;
		substr($bytes, 0, $n) = '';
	}
	return 1;
}

# One byte at a time.
sub drip {
	my ($self, $bytes, $every) = @_;
	for my $byte (split //, $bytes) {
		return if !$self->say_bytes($byte);
		Time::HiRes::sleep($every);
	}
}

# Until the other side closes; nothing is sent.
sub stall {
	my ($self) = @_;
	1 while sysread $self->{s}, my $buf, 65536;
}

sub read_packet {
	my ($self) = @_;
	my $head = $self->read_bytes(4);
	return if !defined $head;
	return $self->read_bytes(unpack('V', substr($head, 0, 3) . "\0"));
}

sub read_bytes {
	my ($self, $n) = @_;
	my $all = '';
	while (length $all < $n) {
		my $got = sysread $self->{s}, my $buf, $n - length $all;
		return if !$got;
		$all .= $buf;
	}
	return $all;
}

# ---- what it says ----

sub packet {
	my ($seq, $body) = @_;
	return substr(pack('V', length $body), 0, 3) . chr($seq & 255) . $body;
}

# capabilities: 4.1 protocol, long password, transactions, secure connection,
# multi statements and results, plugin auth; optionally TLS
sub greeting {
	my (%o) = @_;
	my $caps = 0x000fa201 | 1 << 16 | 1 << 17 | ($o{tls} ? 0x800 : 0);
	return packet(0, "\x0a" . ($o{version} || '8.0.36') . "\0" .
	    pack('V', 7) . substr($SALT, 0, 8) . "\0" .
	    pack('v', $caps & 0xffff) . "\x2d" . pack('v', 2) .
	    pack('v', $caps >> 16) . "\x15" . "\0" x 10 .
	    substr($SALT, 8) . "\0" . "mysql_native_password\0");
}

sub ok { return packet($_[0], "\0\0\0" . pack('v', $_[1] || 2) . "\0\0") }

sub error {
	my ($seq, $errno, $text) = @_;
	return packet($seq, "\xff" . pack('v', $errno) . "#HY000$text");
}

sub end_packet { return packet($_[0], "\xfe\0\0" . pack('v', $_[1] || 2)) }

sub text { return chr(length $_[0]) . $_[0] }

sub column {
	my ($seq, $name) = @_;
	return packet($seq, join('', map { text($_) } 'def', '', '', '', $name,
	    '') . "\x0c" . pack('v', 45) . pack('V', 255) . "\xfd" .
	    pack('v', 0) . "\0\0\0");
}

# A result of one column; more: another one follows.
sub result {
	my ($name, $rows, $more) = @_;
	my $seq = 1;
	my $out = packet($seq++, "\1") . column($seq++, $name) . end_packet($seq++);
	$out .= packet($seq++, text($_)) for @$rows;
	return $out . end_packet($seq, $more ? 10 : 2);
}

# The whole of a good handshake.
sub login {
	my ($self) = @_;
	$self->say_bytes(greeting());
	my $login = $self->read_packet;
	die 'gone' if !defined $login;
	$self->say_bytes(ok(2));
	return $login;
}

# A query's text; dies at the end of the connection.
sub query {
	my ($self) = @_;
	my $q = $self->read_packet;
	die 'gone' if !defined $q || substr($q, 0, 1) ne "\3";
	return substr $q, 1;
}

1;
