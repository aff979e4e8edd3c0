# SPDX-License-Identifier: Apache-2.0
# Starts t/http/http_test_server and speaks to it, without modules from outside
# of Perl's core.  Waits for conditions, never for time.
package Served;
use strict;
use warnings;
use File::Temp ();
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use Time::HiRes qw(time);

our $LIMIT = 30;    # seconds until a wait is given up

# new(config => {...}, tuning => {...}, before => sub {...} in the child,
# wrap => [command that runs it]); dies with what the
# server said when it does not start.
sub new {
	my ($class, %arg) = @_;
	my $self = bless { dir => File::Temp->newdir }, $class;
	my $build = $ENV{top_builddir} // '.';
	my $source = $ENV{top_srcdir} // '.';
	my %config = (ListenAddress => '127.0.0.1:0',
		HTTPThreads => 1, %{ $arg{config} // {} });
	open my $file, '>', "$self->{dir}/config.json" or die $!;
	print $file JSON::PP->new->encode(\%config);
	close $file or die $!;
	my @tuning =
	    map { "$_=$arg{tuning}{$_}" } sort keys %{ $arg{tuning} // {} };
	pipe my $out, my $in or die $!;
	my $pid = fork // die $!;
	if ($pid == 0) {
		# Freed memory shall not look like a leak in the RSS checks.
		$ENV{ASAN_OPTIONS} //= 'quarantine_size_mb=1';
		$ENV{LSAN_OPTIONS} //=
		    "suppressions=$source/t/http/lsan.supp:print_suppressions=0";
		open STDOUT, '>&', $in or die $!;
		open STDERR, '>', "$self->{dir}/log" or die $!;
		open STDIN, '<', '/dev/null' or die $!;
		$arg{before}->() if $arg{before};
		exec @{ $arg{wrap} // [] }, "$build/t/http/http_test_server",
		    "$self->{dir}/config.json", @tuning;
		die "http_test_server: $!";
	}
	close $in;
	$self->{pid} = $pid;
	$self->{out} = $out;
	my $line = $self->said // '';
	if ($line !~ /^listening (\S+)$/) {
		waitpid $pid, 0;
		delete $self->{pid};
		die "$line\n" . $self->log;
	}
	$self->{url} = $1;
	$self->{port} = $1 if $self->{url} =~ /:(\d+)$/;
	return $self;
}

# The next line that the server prints.
sub said {
	my ($self) = @_;
	my $out = $self->{out};
	my $end = time + $LIMIT;
	$self->{text} //= '';
	while ($self->{text} !~ /\n/) {
		IO::Select->new($out)->can_read($end - time) or return;
		sysread $out, $self->{text}, 4096, length $self->{text}
		    or return;
	}
	$self->{text} =~ s/^(.*)\n//;
	return $1;
}

sub log {
	my ($self) = @_;
	open my $file, '<', "$self->{dir}/log" or return '';
	local $/;
	return <$file> // '';
}

# Sanitizers keep shadows of what is used: memory grows by more.
sub sanitized {
	my $build = $ENV{top_builddir} // '.';
	open my $file, '<:raw', "$build/t/http/http_test_server" or die $!;
	local $/;
	return <$file> =~ /__[at]san_init/ ? 1 : 0;
}

# Resident memory in kB.
sub rss {
	my ($self) = @_;
	open my $file, '<', "/proc/$self->{pid}/status" or die $!;
	my ($kb) = map { /^VmRSS:\s+(\d+)/ } <$file>;
	return $kb;
}

# How many it has open.
sub descriptors {
	my ($self) = @_;
	my @fd = glob "/proc/$self->{pid}/fd/*";
	return scalar @fd;
}

# A connection; reads and writes are plain.
sub connect {
	my ($self) = @_;
	return IO::Socket::INET->new(
		PeerAddr => '127.0.0.1',
		PeerPort => $self->{port},
		Timeout => $LIMIT,
	) // die "connect: $@";
}

# Bytes from a socket until the pattern is there, or its end.
sub until_text {
	my ($sock, $pattern) = @_;
	my $text = '';
	my $end = time + $LIMIT;
	while ($text !~ $pattern) {
		IO::Select->new($sock)->can_read($end - time)
		    or return "$text(no more within $LIMIT s)";
		my $n = sysread $sock, $text, 65536, length $text;
		last if !$n;
	}
	return $text;
}

# Has the other side closed it?
sub is_closed {
	my ($sock) = @_;
	while (IO::Select->new($sock)->can_read(0)) {
		my $n = sysread $sock, my $text, 65536;
		return 1 if !$n;
	}
	return 0;
}

# true when the other side closes within the limit
sub closed {
	my ($sock) = @_;
	my $end = time + $LIMIT;
	while (IO::Select->new($sock)->can_read($end - time)) {
		my $n = sysread $sock, my $text, 65536;
		return 1 if !$n;
	}
	return 0;
}

# curl(options..., path): { status, head, body, text }
sub curl {
	my ($self, @arg) = @_;
	my $path = pop @arg;
	my $url = $self->{url} =~ /^unix/ ? 'http://localhost' : $self->{url};
	my @words = ('curl', '-sS', '-i', '-m', $LIMIT, '--path-as-is', @arg,
		"$url$path");
	my $pid = open(my $out, '-|') // die $!;
	if ($pid == 0) {
		open STDERR, '>&', \*STDOUT or die $!;
		exec @words or die $!;
	}
	binmode $out;
	local $/;
	my $text = <$out> // '';
	close $out;
	my %reply = (text => $text, exit => $? >> 8);
	# 100 and 101 come before the reply proper.
	$text =~ s/^HTTP\S+ 10\d.*?\r\n\r\n//s;
	($reply{head}, $reply{body}) = split /\r\n\r\n/, $text, 2;
	($reply{version}, $reply{status}) =
	    ($reply{head} // '') =~ m{^HTTP/(\S+) (\d+)};
	$reply{status} //= 0;
	$reply{body} //= '';
	return \%reply;
}

# nghttp(options..., path): the body; undef when there is no nghttp.
sub nghttp {
	my ($self, @arg) = @_;
	my $path = pop @arg;
	return undef if !grep { -x "$_/nghttp" } split /:/, $ENV{PATH};
	open(my $out, '-|', 'nghttp', @arg, "$self->{url}$path") or die $!;
	binmode $out;
	local $/;
	my $body = <$out> // '';
	close $out;
	return $body;
}

# A header's value, or ''
sub header {
	my ($reply, $name) = @_;
	return $reply->{head} =~ /^\Q$name\E: (.*?)\r?$/mi ? $1 : '';
}

# Ask until the answer satisfies; its last value.
sub wait_for {
	my ($self, $test) = @_;
	my $end = time + $LIMIT;
	while (1) {
		my $value = $test->();
		return $value if $value || time > $end;
		select undef, undef, undef, 0.02;
	}
}

# Ends it; exit status (256 for a signal).
sub stop {
	my ($self) = @_;
	my $pid = delete $self->{pid} // return;
	kill 'TERM', $pid;
	local $SIG{ALRM} = sub { kill 'KILL', $pid };
	alarm $LIMIT;
	waitpid $pid, 0;
	alarm 0;
	return $? & 127 ? 256 : $? >> 8;
}

sub DESTROY {
	my ($self) = @_;
	local ($?, $@);
	$self->stop;
}

1;
