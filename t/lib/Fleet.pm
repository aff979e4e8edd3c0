# SPDX-License-Identifier: Apache-2.0
#
# Fleet: simulated MySQL servers (t/fleet), running for one test.
#
#	my $f = Fleet->new(clusters => 2, size => 4, writes => 10);
#	$f->address(5);				# of server 5, counted from 0
#	$f->send('fault', '30%', 'hang');	# the answer's JSON, decoded
#	$f->stats->{gap_ms}{p99};
#
# Arguments are options of the fleet.  It ends with the object.
package Fleet;

use strict;
use warnings;

use IO::Socket::UNIX;
use JSON::PP ();
use Socket qw(inet_aton inet_ntoa);
use Topology;

sub binary { return ($ENV{top_builddir} || '.') . '/t/fleet/fleet' }

sub new {
	my ($class, %option) = @_;
	my $home = Topology->folder;
	my $base = $option{base} || sprintf '127.%d.0.1', 16 + $$ % 200;
	my $port = $option{port} || Topology::free_port($base, {});
	my $self = bless { home => $home, base => $base, port => $port,
	    control => $home->dir . '/control' }, $class;
	my @argument = map { ("--$_", $option{$_}) } sort keys %option;
	my $pid = fork;
	die "fleet: fork: $!\n" if !defined $pid;
	if ($pid == 0) {
		Topology::detach_stdio($home->dir . '/log');
		exec binary(), @argument, '--base', $base, '--port', $port,
		    '--control', $self->{control} or POSIX::_exit(127);
	}
	$self->{pid} = $pid;
	$self->{owner} = $$;
	Topology::wait_for('the fleet to listen', sub {
		die 'fleet: it ended: ', $self->log
		    if waitpid($pid, POSIX::WNOHANG()) == $pid;
		return $self->log =~ /servers from/;
	});
	return $self;
}

sub pid { return $_[0]{pid} }
sub port { return $_[0]{port} }
sub log { return Topology::read_file($_[0]{home}->dir . '/log') }

sub address {
	my ($self, $n) = @_;
	return inet_ntoa(pack 'N', $n + unpack 'N', inet_aton($self->{base}));
}

sub send {
	my ($self, @word) = @_;
	my $s = IO::Socket::UNIX->new(Peer => $self->{control})
	    or die "fleet: $self->{control}: $!\n";
	print $s "@word\n";
	$s->flush;
	return JSON::PP->new->decode(scalar <$s>);
}

sub stats { return $_[0]->send('stats')->{stats} }

# CPU time that it has used, in seconds.
sub cpu { return $_[0]->stats->{own_cpu_us} / 1e6 }

sub DESTROY {
	my ($self) = @_;
	return if !$self->{pid} || $self->{owner} != $$;
	# At the end of a test this runs after its exit status was set.
	local ($?, $!, $@);
	kill 'TERM', $self->{pid};
	waitpid $self->{pid}, 0;
}

1;
