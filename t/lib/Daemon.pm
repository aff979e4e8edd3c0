# SPDX-License-Identifier: Apache-2.0
#
# Daemon: the orchestrator that was built, running for one test.
#
#	my $d = Daemon->new(InstancePollSeconds => 1);
#	$d->get('/api/clusters');		# decoded JSON
#	$d->client('-c', 'topology', '-i', $addr);	# what the client prints
#	$d->kill; $d->start;			# same files, same port
#
# Arguments are configuration keys beside the defaults below, flags => [...] for
# each start, and on_pid => sub { my ($pid) = @_ ... }, called as soon as it runs.  The process is
# ended with the object, or with the test, by its process id.
package Daemon;

use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP ();
use Topology;

sub binary { return ($ENV{top_builddir} || '.') . '/orchestrator' }

# Why there can be no daemon; undef when there can.
sub missing { return -x binary() ? undef : binary() . ' is not built' }

sub new {
	my ($class, %key) = @_;
	my $home = Topology->folder;
	my $port = Topology::free_port('127.0.0.1', {});
	my $self = bless { home => $home, dir => $home->dir, port => $port,
	    url => "http://127.0.0.1:$port", flags => delete $key{flags} || [],
	    on_pid => delete $key{on_pid} || sub { },
	    http => HTTP::Tiny->new(timeout => 20) }, $class;
	my %config = (
		ListenAddress => "127.0.0.1:$port",
		BackendDB => 'sqlite',
		SQLite3DataFile => "$self->{dir}/store.sqlite3",
		MySQLTopologyUser => $Topology::USER,
		MySQLTopologyPassword => $Topology::PASSWORD,
		DiscoverByShowSlaveHosts => JSON::PP::true,
		HostnameResolveMethod => 'none',
		MySQLHostnameResolveMethod => 'none',
		InstancePollSeconds => 1, %key);
	$self->configure(%config);
	$self->start;
	return $self;
}

sub configure {
	my ($self, %key) = @_;
	%{ $self->{config} } = (%{ $self->{config} || {} }, %key);
	Topology::write_file("$self->{dir}/config.json",
	    JSON::PP->new->canonical->pretty->encode($self->{config}));
}

sub dir { return $_[0]{dir} }
sub url { return $_[0]{url} }
sub log { return Topology::read_file("$_[0]{dir}/log") }

sub pid {
	my ($self) = @_;
	waitpid $self->{child}, POSIX::WNOHANG() if $self->{child};
	return Topology::recorded_pid("$self->{dir}/daemon.pid");
}

# Start it and wait until it answers; flags stand before "http".
sub start {
	my ($self, @flags) = @_;
	my $file = "$self->{dir}/daemon.pid";
	unlink $file;
	my $pid = fork;
	die "daemon: fork: $!\n" if !defined $pid;
	if ($pid == 0) {
		POSIX::setsid();
		Topology::detach_stdio("$self->{dir}/log");
		Topology::record_pid($file, $$);
		exec binary(), '--config', "$self->{dir}/config.json",
		    @{ $self->{flags} }, @flags, 'http' or POSIX::_exit(127);
	}
	$self->{child} = $pid;
	Topology::wait_for('the daemon to be recorded', sub { -s $file });
	$self->{on_pid}->($pid);
	Topology::wait_for('the daemon to answer', sub {
		die "daemon: it ended:\n", Topology::tail("$self->{dir}/log", 20)
		    if !$self->pid;
		return $self->{http}->get("$self->{url}/api/lb-check")
		    ->{success};
	});
}

sub signal {
	my ($self, $name) = @_;
	my $pid = $self->pid or die "daemon: it does not run\n";
	CORE::kill($name, $pid);
}

sub ended_by {
	my ($self, $name) = @_;
	$self->signal($name);
	Topology::wait_for("the daemon to end by $name", sub { !$self->pid });
}

sub stop { $_[0]->ended_by('TERM') }
sub kill { $_[0]->ended_by('KILL') }

# get(PATH): the answer's JSON, decoded; in list use the HTTP status before it.
sub get {
	my ($self, $path) = @_;
	my $r = $self->{http}->get("$self->{url}$path");
	my $value = eval { JSON::PP->new->allow_nonref->decode($r->{content}) };
	return wantarray ? ($r->{status}, $value, $r->{content}) : $value;
}

# client(ARGS): what orchestrator-client prints, errors included.
sub client {
	my ($self, @args) = @_;
	my $program = ($ENV{top_srcdir} || '.')
	    . '/src/client/orchestrator-client';
	return Topology::output('bash', $program, '-U', $self->{url}, @args);
}

# command(ARGS): what "orchestrator ARGS" prints with this configuration.
sub command {
	my ($self, @args) = @_;
	return Topology::output(binary(), '--config', "$self->{dir}/config.json", @args);
}

1;
