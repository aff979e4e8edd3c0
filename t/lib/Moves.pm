# SPDX-License-Identifier: Apache-2.0
#
# Moves: a daemon over real servers whose topology a test changes.
#
#	my $m = Moves->new('a > b c; c > d', flavour => 'mysql');
#	$m->ok('relocate', '/api/relocate/{d}/{b}');	# {d}: host/port of d
#	$m->is_shape('a>b a>c b>d');			# asked of the servers
#	$m->flows;	# what is written on the primary arrives everywhere
package Moves;

use strict;
use warnings;

use Daemon;
use Test::More ();
use Topology;

# Why there can be none; undef when there can.
sub missing {
	my ($class, $flavour) = @_;
	return Daemon->missing || Topology->missing($flavour);
}

sub new {
	my ($class, $drawing, %option) = @_;
	my %config = %{ delete $option{config} || {} };
	my $t = Topology->new($drawing, %option);
	my $self = bless { t => $t, primary => ($t->names)[0], row => 0 },
	    $class;
	$self->{d} = Daemon->new(%config);
	$self->sql($self->{primary}, 'CREATE DATABASE shop; CREATE TABLE '
	    . 'shop.orders (id INT PRIMARY KEY, what VARCHAR(20))');
	$self->{d}->get('/api/discover/' . $self->path($_)) for $t->names;
	Topology::wait_for('all servers to be known', sub {
		my $all = $self->{d}->get('/api/all-instances') || [];
		return $t->names == grep { $_->{IsLastCheckValid} } @$all;
	});
	return $self;
}

sub daemon { return $_[0]{d} }
sub topology { return $_[0]{t} }
sub primary { $_[0]{primary} = $_[1] if @_ > 1; return $_[0]{primary} }
sub sql { my $self = shift; return $self->{t}->sql(@_) }
sub addr { return $_[0]{t}->addr($_[1]) }
sub path { return $_[0]->addr($_[1]) =~ tr{:}{/}r }

# "{b}" becomes host/port of b.
sub fill {
	my ($self, $text) = @_;
	$text =~ s/\{(\w+)\}/$self->path($1)/ge;
	return $text;
}

# The answer to a call, which must be good.
sub ok {
	my ($self, $what, $path) = @_;
	my ($status, $answer) = $self->{d}->get($self->fill($path));
	Test::More::is("$status " . ($answer->{Code} // ''), '200 OK', $what)
	    or Test::More::diag("$path: ", $answer->{Message} // '');
	return $answer;
}

# A refusal that says why.
sub refused {
	my ($self, $what, $path, $why) = @_;
	my ($status, $answer) = $self->{d}->get($self->fill($path));
	Test::More::is($status, 500, "$what is refused");
	Test::More::like($answer->{Message}, $why, 'and why');
	return $answer;
}

# "a>b a>c", as the servers themselves say it.
sub shape {
	my ($self) = @_;
	my $t = $self->{t};
	my %name = map { $t->addr($_) => $_ } $t->names;
	my @edge;
	for my $r ($t->names) {
		next if !$t->pid($r);
		my $s = $t->status($r);
		my $host = $s->{Source_Host} // $s->{Master_Host} // '';
		my $port = $s->{Source_Port} // $s->{Master_Port} // '';
		push @edge, ($name{"$host:$port"} // "($host:$port)") . ">$r"
		    if $host ne '';
	}
	return join ' ', sort @edge;
}

sub is_shape {
	my ($self, $want, $what) = @_;
	Test::More::is($self->shape, $want, $what || "it is $want now");
}

sub rows {
	my ($self, $name) = @_;
	return join ' ', map { join '=', @$_ } $self->sql($name,
	    'SELECT id, what FROM shop.orders ORDER BY id');
}

# A row on the primary, and then the same rows everywhere, replicating.
sub flows {
	my ($self, @names) = @_;
	my $t = $self->{t};
	@names = $t->names if !@names;
	my $n = ++$self->{row};
	$self->sql($self->{primary},
	    "INSERT INTO shop.orders VALUES ($n, 'row $n')");
	my $want = $self->rows($self->{primary});
	for my $name (@names) {
		my $same = eval {
			Topology::wait_for("row $n on $name", sub {
				return $self->rows($name) eq $want;
			}, 30);
		};
		Test::More::ok($same, "row $n is on $name, as all others") or
		    Test::More::diag(explain_status($t->status($name)));
	}
}

sub explain_status {
	my ($s) = @_;
	return join "\n", map { "$_: $s->{$_}" } grep { /Running|Error|Host|Port/
	    && $s->{$_} ne '' } sort keys %$s;
}

# What the daemon shows of a server, when it shows that.
sub seen {
	my ($self, $what, $name, $is) = @_;
	my $good = eval {
		Topology::wait_for($what, sub {
			my $i = $self->{d}->get('/api/instance/'
			    . $self->path($name));
			return ref $i eq 'HASH' && $is->($i);
		}, 30);
	};
	Test::More::ok($good, $what);
}

1;
