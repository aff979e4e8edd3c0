# SPDX-License-Identifier: Apache-2.0
#
# Topology: real MariaDB and MySQL servers in any shape, for one test.
#
#	my $t = Topology->new('a > b c; c > d', flavour => 'mariadb');
#	$t->addr('a'); $t->sql('b', 'stop slave'); $t->kill('c');
#
# A drawing is a list of statements parted by ";" or newlines:
#	a > b c		b and c replicate from a
#	a > b > c	c replicates from b, b from a
#	a = b		both replicate from each other
#	a		a server alone
# A name may be followed by options in brackets, a comma between them:
#	mariadb, mysql	flavour
#	nogtid		replicates by file and position (MySQL's gtid_mode
#			stays on; gtid_mode=OFF is an option of the server)
#	semisync	semi-sync on, both ends
#	tls		certificates of a test authority; replicas use TLS
#	host=127.0.0.2	address to listen on; default 127.0.0.1
#	port=N		default: a free one
#	anything=value	given to the server as --anything=value
#	report_host=	(empty) leaves report_host and report_port out
#
# Every server is ended, by its process id, when the object goes, and also
# when the test is killed: a guard waits for the end of the owner.
package Topology;

use strict;
use warnings;

use Cwd qw(abs_path);
use Digest::MD5 qw(md5_hex);
use Fcntl qw(:flock);
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP ();
use POSIX qw(:sys_wait_h setsid);
use Time::HiRes qw(time sleep);

our $USER = 'orchestrator';      # may do everything, from anywhere
our $PASSWORD = 'orc-topology';
our $REPL_USER = 'repl';
our $REPL_PASSWORD = 'repl-password';
our $DEADLINE = $ENV{ORCHESTRATOR_TEST_DEADLINE} || 120;    # seconds
my $TICK = 0.02;                 # seconds between two looks at a condition
my $lib = dirname(abs_path(__FILE__));

my @SMALL = qw(--skip-name-resolve --innodb-buffer-pool-size=16M
    --innodb-flush-log-at-trx-commit=0 --sync-binlog=0
    --innodb-use-native-aio=0 --key-buffer-size=1M --max-connections=100
    --table-open-cache=200 --innodb-buffer-pool-load-at-startup=0
    --innodb-buffer-pool-dump-at-shutdown=0);

# What differs between the two.  "options" and "change" get the node.
my %FLAVOUR = (
	mariadb => {
		binary => \&mariadb_binary,
		template => \&mariadb_template,
		options => \&mariadb_options,
		change => \&mariadb_change,
		stop => 'STOP SLAVE',
		reset => 'RESET SLAVE ALL',
		start => 'START SLAVE',
		status => 'SHOW ALL SLAVES STATUS',
		running => [ 'Slave_IO_Running', 'Slave_SQL_Running' ],
	},
	mysql => {
		binary => \&mysql_binary,
		template => \&mysql_template,
		options => \&mysql_options,
		change => \&mysql_change,
		stop => 'STOP REPLICA',
		reset => 'RESET REPLICA ALL',
		start => 'START REPLICA',
		status => 'SHOW REPLICA STATUS',
		running => [ 'Replica_IO_Running', 'Replica_SQL_Running' ],
	},
);

# ---- drawings -----------------------------------------------------------

# parse(TEXT): ({ name => { options } }, [ [source, replica], ... ], [names]).
sub parse {
	my ($text) = @_;
	my (%node, @edge, @order);
	my $list = sub {
		my ($words) = @_;
		my @names;
		while ($words =~ s/^\s*(\w+)(?:\[([^\]]*)\])?//) {
			my ($name, $options) = ($1, $2);
			push @order, $name if !$node{$name};
			$node{$name} ||= {};
			push @names, $name;
			for (split /\s*,\s*/, defined $options ? $options : '') {
				my ($key, $value) = /^(\w[\w-]*)(?:=(.*))?$/
				    or die "topology: bad option \"$_\"\n";
				$node{$name}{$key} = defined $value ? $value : 1;
			}
		}
		die "topology: cannot read \"$words\"\n" if $words =~ /\S/;
		die "topology: a name is missing in \"$text\"\n" if !@names;
		return @names;
	};
	for my $statement (grep { /\S/ } split /[;\n]/, $text) {
		my @part = split /([>=])(?![^\[]*\])/, $statement;
		my @left = $list->(shift @part);
		while (my ($op, $words) = splice @part, 0, 2) {
			my @right = $list->(defined $words ? $words : '');
			die "topology: one name on the left of \"$op\"\n"
			    if @left != 1;
			for my $r (@right) {
				push @edge, [ $left[0], $r ];
				push @edge, [ $r, $left[0] ] if $op eq '=';
			}
			@left = @right;
		}
	}
	return (\%node, \@edge, \@order);
}

# ---- flavours -----------------------------------------------------------

sub run_quiet {
	my ($log, @command) = @_;
	my $pid = fork;
	die "topology: fork: $!\n" if !defined $pid;
	if ($pid == 0) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', $log;
		open STDERR, '>&', \*STDOUT;
		exec @command or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	return $? == 0;
}

sub find_program {
	for my $name (@_) {
		for (split(/:/, $ENV{PATH} || ''), '/usr/sbin', '/usr/bin',
		    '/usr/libexec') {
			return "$_/$name" if -x "$_/$name" && !-d _;
		}
	}
	return undef;
}

sub mariadb_binary {
	return $ENV{ORCHESTRATOR_TEST_MARIADBD} || find_program('mariadbd');
}

sub mysql_binary {
	return $ENV{ORCHESTRATOR_TEST_MYSQLD} if $ENV{ORCHESTRATOR_TEST_MYSQLD};
	my $root = qx{"$lib/mysql-root" --present 2>/dev/null};
	chomp $root;
	return $root ne '' ? "$root/bin/mysqld" : undef;
}

# Why servers of this flavour cannot be had here; undef when they can.
sub missing {
	my ($class, $flavour) = @_;
	return 'switched off by ORCHESTRATOR_TEST_NO_SERVERS'
	    if $ENV{ORCHESTRATOR_TEST_NO_SERVERS};
	return "no client program (Debian: mariadb-client-core)"
	    if !find_program('mariadb', 'mysql');
	return undef if $FLAVOUR{$flavour}{binary}->();
	return $flavour eq 'mysql'
	    ? 'no MySQL server (t/lib/mysql-root fetches one)'
	    : 'no mariadbd (Debian: mariadb-server-core)';
}

sub as_user {
	return $> == 0 ? ('--user=root') : ();
}

# Accounts made in the template, so that no server has them in its binary log.
sub accounts {
	my ($with) = @_;
	return join '', map { "$_;\n" }
	    "CREATE USER '$USER'\@'%' IDENTIFIED $with BY '$PASSWORD'",
	    "GRANT ALL PRIVILEGES ON *.* TO '$USER'\@'%' WITH GRANT OPTION",
	    "CREATE USER '$REPL_USER'\@'%' IDENTIFIED $with BY '$REPL_PASSWORD'",
	    "GRANT REPLICATION SLAVE ON *.* TO '$REPL_USER'\@'%'";
}

sub write_file {
	my ($path, $text) = @_;
	open my $f, '>', $path or die "topology: $path: $!\n";
	print $f $text;
	close $f or die "topology: $path: $!\n";
}

sub read_file {
	my ($path) = @_;
	open my $f, '<', $path or return '';
	local $/;
	my $text = <$f>;
	return defined $text ? $text : '';
}

sub mariadb_template {
	my ($dir, $log) = @_;
	my $install = find_program('mariadb-install-db', 'mysql_install_db')
	    or die "topology: no mariadb-install-db (mariadb-server-core)\n";
	my $sql = "USE mysql;\nFLUSH PRIVILEGES;\n" . accounts('');
	$sql =~ s/IDENTIFIED  BY/IDENTIFIED BY/g;
	write_file("$dir.sql", $sql);
	my $ok = run_quiet($log, $install, '--no-defaults',
	    "--datadir=$dir", '--auth-root-authentication-method=normal',
	    '--skip-test-db', '--skip-name-resolve', '--force',
	    '--innodb-log-file-size=8M', as_user())
	    && run_quiet($log, 'sh', '-c', 'exec "$@" < "$0"', "$dir.sql",
		mariadb_binary(), '--no-defaults', '--bootstrap',
		"--datadir=$dir", '--innodb-log-file-size=8M', as_user());
	unlink "$dir.sql";
	unlink "$dir/ibtmp1";
	return $ok;
}

sub mysql_template {
	my ($dir, $log) = @_;
	write_file("$dir.sql", accounts('WITH caching_sha2_password'));
	my $ok = run_quiet($log, mysql_binary(), '--no-defaults',
	    '--initialize-insecure', "--datadir=$dir",
	    "--init-file=$dir.sql", '--innodb-redo-log-capacity=8M',
	    '--skip-log-bin', as_user());
	unlink "$dir.sql";
	unlink "$dir/auto.cnf";    # each copy makes a server_uuid of its own
	return $ok;
}

sub mariadb_options {
	my ($n) = @_;
	my @o = ('--performance-schema=OFF', '--innodb-log-file-size=8M',
	    '--aria-pagecache-buffer-size=1M', '--innodb-doublewrite=0',
	    '--log-slave-updates=ON', '--slave-net-timeout=10',
	    '--binlog-format=ROW');
	push @o, '--rpl-semi-sync-master-enabled=ON',
	    '--rpl-semi-sync-slave-enabled=ON' if $n->{semisync};
	return @o;
}

sub mysql_options {
	my ($n) = @_;
	my @o = ('--mysqlx=OFF', '--secure-file-priv=NULL', '--innodb-redo-log-capacity=8M',
	    '--table-definition-cache=400', '--log-replica-updates=ON',
	    '--innodb-doublewrite=OFF', '--replica-net-timeout=10',
	    '--gtid-mode=ON', '--enforce-gtid-consistency=ON');
	push @o, '--plugin-load-add=semisync_source.so',
	    '--plugin-load-add=semisync_replica.so',
	    '--rpl-semi-sync-source-enabled=ON',
	    '--rpl-semi-sync-replica-enabled=ON' if $n->{semisync};
	return @o;
}

sub mariadb_change {
	my ($n, $source, $ca) = @_;
	my $gtid = $n->{nogtid} ? 'no' : 'slave_pos';
	return "CHANGE MASTER TO MASTER_HOST='$source->{host}', "
	    . "MASTER_PORT=$source->{port}, MASTER_USER='$REPL_USER', "
	    . "MASTER_PASSWORD='$REPL_PASSWORD', MASTER_CONNECT_RETRY=1, "
	    . ($ca ? "MASTER_SSL=1, MASTER_SSL_CA='$ca', " : '')
	    . "MASTER_USE_GTID=$gtid";
}

sub mysql_change {
	my ($n, $source, $ca) = @_;
	my $auto = $n->{nogtid} ? 0 : 1;
	return "CHANGE REPLICATION SOURCE TO SOURCE_HOST='$source->{host}', "
	    . "SOURCE_PORT=$source->{port}, SOURCE_USER='$REPL_USER', "
	    . "SOURCE_PASSWORD='$REPL_PASSWORD', SOURCE_CONNECT_RETRY=1, "
	    . ($ca ? "SOURCE_SSL=1, SOURCE_SSL_CA='$ca', " : '')
	    . "GET_SOURCE_PUBLIC_KEY=1, SOURCE_AUTO_POSITION=$auto";
}

# ---- templates ----------------------------------------------------------

sub cache_dir {
	my $home = $ENV{HOME} || (getpwuid $>)[7];
	return ($ENV{XDG_CACHE_HOME} || "$home/.cache") . '/orchestrator-tests';
}

# An initialised data directory, made once for each binary and recipe.
sub template {
	my ($flavour) = @_;
	my $f = $FLAVOUR{$flavour};
	my $binary = $f->{binary}->();
	my $recipe = md5_hex(join "\n", $binary, (stat $binary)[7, 9],
	    read_file(__FILE__), $>);
	my $cache = cache_dir();
	my $dir = "$cache/template-$flavour-" . substr($recipe, 0, 12);
	return $dir if -e "$dir/.complete";
	make_path($cache);
	open my $lock, '>', "$cache/template-$flavour.lock"
	    or die "topology: $cache: $!\n";
	flock $lock, LOCK_EX or die "topology: flock: $!\n";
	return $dir if -e "$dir/.complete";
	remove_tree($_) for glob "$cache/template-$flavour-*";
	unlink "$dir.log";
	if (!$f->{template}->($dir, "$dir.log")) {
		my $log = read_file("$dir.log");
		remove_tree($dir);
		die "topology: cannot initialise $flavour:\n$log\n";
	}
	unlink "$dir.log";
	write_file("$dir/.complete", '');
	return $dir;
}

# ---- life of a topology -------------------------------------------------

# new(DRAWING, flavour => ..., nogtid => 1, ..., owner => PID, dir => DIR):
# options given here are every node's defaults.  Dies when a server does not
# start; what had been started is ended then too.
sub new {
	my ($class, $drawing, %option) = @_;
	my $owner = delete $option{owner} || $$;
	my $dir = delete $option{dir};
	my $flavour = delete $option{flavour} || 'mariadb';
	my ($node, $edge, $order) = parse($drawing);
	die "topology: nothing is drawn\n" if !@$order;
	$dir = tempdir('orc-XXXXXX', TMPDIR => 1) if !defined $dir;
	make_path($dir);
	chmod 0700, $dir;
	my $self = bless { dir => abs_path($dir), node => $node, edge => $edge,
	    order => $order, creator => $$ }, $class;
	$self->guard($owner);
	my $ok = eval {
		$self->prepare($flavour, \%option);
		$self->spawn($_) for @$order;
		$self->await_first($_) for @$order;
		$self->replicate($_->[1], $_->[0]) for @$edge;
		$self->wait_replicating($_->[1]) for @$edge;
		$self->save;
		1;
	};
	if (!$ok) {
		my $why = $@;
		$self->down;
		die $why;
	}
	return $self;
}

# A folder without servers, kept by a guard: every process that records its
# id in NAME.pid there is ended with it.  Daemon.pm stands on this.
sub folder {
	my ($class) = @_;
	my $self = bless { dir => tempdir('orc-XXXXXX', TMPDIR => 1),
	    node => {}, edge => [], order => [], creator => $$ }, $class;
	$self->guard($$);
	return $self;
}

# load(DIR): the topology that another process made.
sub load {
	my ($class, $dir) = @_;
	my $text = read_file("$dir/map.json");
	die "topology: no topology in $dir\n" if $text eq '';
	return bless JSON::PP->new->decode($text), $class;
}

sub save {
	my ($self) = @_;
	my %copy = map { $_ => $self->{$_} } qw(dir node edge order);
	write_file("$self->{dir}/map.json.new",
	    JSON::PP->new->canonical->encode(\%copy) . "\n");
	rename "$self->{dir}/map.json.new", "$self->{dir}/map.json"
	    or die "topology: $self->{dir}/map.json: $!\n";
}

sub prepare {
	my ($self, $flavour, $default) = @_;
	my $id = 1000 + int rand 1000000;
	my %taken;
	for my $name (@{ $self->{order} }) {
		my $n = $self->{node}{$name};
		%$n = (%$default, %$n);
		$n->{name} = $name;
		$n->{flavour} = delete $n->{mysql} ? 'mysql'
		    : delete $n->{mariadb} ? 'mariadb' : $flavour;
		my $why = Topology->missing($n->{flavour});
		die "topology: $why\n" if $why;
		$n->{host} ||= '127.0.0.1';
		$n->{port} ||= free_port($n->{host}, \%taken);
		$n->{server_id} ||= $id++;
		$n->{socket} = "$self->{dir}/$name.sock";
		$n->{log} = "$self->{dir}/$name.log";
		$self->certificates if $n->{tls};
		copy_tree(template($n->{flavour}), "$self->{dir}/$name");
	}
}

# A port nobody listens on.  Below the range that the kernel takes outgoing
# ports from, so that it stays free until the server binds it.
sub free_port {
	my ($host, $taken) = @_;
	for (1 .. 1000) {
		my $port = 11000 + int rand 20000;
		next if $taken->{$port}++;
		return $port if IO::Socket::INET->new(LocalAddr => $host,
		    LocalPort => $port, Listen => 1, ReuseAddr => 1);
	}
	die "topology: no free port on $host\n";
}

sub copy_tree {
	my ($from, $to) = @_;
	system('cp', '-a', '--reflink=auto', '--sparse=always', $from, $to) == 0
	    or die "topology: cannot copy $from\n";
	unlink "$to/.complete";
}

# An authority and one certificate for all servers, in the topology's folder.
sub certificates {
	my ($self) = @_;
	my $dir = "$self->{dir}/tls";
	return if -e "$dir/server.pem";
	my $openssl = find_program('openssl')
	    or die "topology: no openssl program (Debian: openssl)\n";
	make_path($dir);
	my $log = "$dir/log";
	write_file("$dir/ext", "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
	my @key = ('-newkey', 'rsa:2048', '-nodes', '-days', '30');
	(run_quiet($log, $openssl, 'req', '-x509', @key, '-keyout',
		"$dir/ca.key", '-out', "$dir/ca.pem", '-subj', '/CN=test CA')
	    && run_quiet($log, $openssl, 'req', @key[0 .. 2], '-keyout',
		"$dir/server.key", '-out', "$dir/server.csr", '-subj',
		'/CN=localhost')
	    && run_quiet($log, $openssl, 'x509', '-req', '-in',
		"$dir/server.csr", '-CA', "$dir/ca.pem", '-CAkey',
		"$dir/ca.key", '-CAcreateserial', '-days', '30', '-extfile',
		"$dir/ext", '-out', "$dir/server.pem"))
	    or die "topology: openssl failed:\n" . read_file($log);
}

# ---- processes ----------------------------------------------------------

# Everything in the node that is not ours is the server's option.
my %OURS = map { $_ => 1 } qw(name flavour host port server_id socket log
    semisync tls nogtid report_host report_port);

sub server_command {
	my ($self, $n) = @_;
	my $data = "$self->{dir}/$n->{name}";
	my @c = ($FLAVOUR{ $n->{flavour} }{binary}->(), '--no-defaults',
	    as_user(), @SMALL, "--datadir=$data", "--socket=$n->{socket}",
	    "--pid-file=$data.server-pid", "--port=$n->{port}",
	    "--bind-address=$n->{host}", "--server-id=$n->{server_id}",
	    '--log-bin=binlog', '--relay-log=relay');
	my $host = defined $n->{report_host} ? $n->{report_host} : $n->{host};
	push @c, "--report-host=$host", '--report-port='
	    . ($n->{report_port} || $n->{port}) if $host ne '';
	push @c, map { "--ssl-$_->[0]=$self->{dir}/tls/$_->[1]" }
	    [ 'ca', 'ca.pem' ], [ 'cert', 'server.pem' ], [ 'key', 'server.key' ]
	    if $n->{tls};
	push @c, $FLAVOUR{ $n->{flavour} }{options}->($n);
	push @c, map { "--$_=$n->{$_}" } sort grep { !$OURS{$_} } keys %$n;
	return @c;
}

# "PID START": the start time tells a process from a later one of its number.
sub proc_state {
	my ($pid) = @_;
	my $stat = read_file("/proc/$pid/stat");
	$stat =~ s/^.*\)\s+// or return ('', '');
	my @field = split / /, $stat;
	return ($field[0], $field[19]);
}

sub running {
	my ($state) = proc_state($_[0]);
	return $state ne '' && $state ne 'Z';
}

sub record_pid {
	my ($path, $pid) = @_;
	my (undef, $start) = proc_state($pid);
	write_file($path, "$pid $start\n");
}

# The process named by a pid file, when it is still that process; else 0.
sub recorded_pid {
	my ($path) = @_;
	my ($pid, $start) = split ' ', read_file($path);
	return 0 if !$pid;
	my ($state, $now) = proc_state($pid);
	return 0 if $state eq '' || $state eq 'Z' || $now ne $start;
	return $pid;
}

sub detach_stdio {
	my ($log) = @_;
	open STDIN, '<', '/dev/null';
	open STDOUT, '>>', $log;
	open STDERR, '>&', \*STDOUT;
	POSIX::close($_) for 3 .. 255;
}

sub spawn {
	my ($self, $name) = @_;
	my $n = $self->node($name);
	my @command = $self->server_command($n);
	# What a killed server leaves behind would stop the next one, as long as
	# nobody has asked for the status of the dead process.
	unlink "$self->{dir}/$name.pid", $n->{socket}, "$n->{socket}.lock";
	my $pid = fork;
	die "topology: fork: $!\n" if !defined $pid;
	if ($pid == 0) {
		setsid();
		detach_stdio($n->{log});
		record_pid("$self->{dir}/$name.pid", $$);
		exec @command or POSIX::_exit(127);
	}
	# The pid file is the child's to write: see it before going on.
	wait_for("$name to be recorded", sub {
		-s "$self->{dir}/$name.pid" || waitpid($pid, WNOHANG) != 0;
	});
}

sub wait_for {
	my ($what, $condition, $deadline) = @_;
	my $end = time + ($deadline || $DEADLINE);
	while (time < $end) {
		my $value = $condition->();
		return $value if $value;
		sleep $TICK;
	}
	die "topology: waited too long for $what\n";
}

sub ready {
	my ($self, $n) = @_;
	IO::Socket::UNIX->new(Peer => $n->{socket}) or return 0;
	return eval { $self->sql($n->{name}, 'SELECT 1'); 1 };
}

sub await {
	my ($self, $name) = @_;
	my $n = $self->node($name);
	wait_for("$name to answer", sub {
		return 1 if $self->ready($n);
		return 0 if $self->pid($name);
		die "topology: $name ended at its start:\n",
		    tail($n->{log}, 30);
	});
}

# Another process may have taken the port since it was chosen: try others.
sub await_first {
	my ($self, $name) = @_;
	my $n = $self->node($name);
	for my $try (1 .. 5) {
		return if eval { $self->await($name); 1 };
		die $@ if $try == 5 || read_file($n->{log}) !~
		    /Address already in use|bind on TCP\/IP port/i;
		unlink $n->{log};
		$n->{port} = free_port($n->{host}, {});
		$self->spawn($name);
	}
}

sub tail {
	my ($path, $lines) = @_;
	my @all = split /\n/, read_file($path);
	splice @all, 0, @all - $lines if @all > $lines;
	return join '', map { "    $_\n" } @all;
}

# The guard ends everything when its owner is gone, however it went.
sub guard {
	my ($self, $owner) = @_;
	my $file = "$self->{dir}/guard";
	my $pid = fork;
	die "topology: fork: $!\n" if !defined $pid;
	if ($pid == 0) {
		setsid();
		detach_stdio('/dev/null');
		$SIG{$_} = 'IGNORE' for qw(HUP INT);
		record_pid($file, $$);
		wait_process($owner);
		$self->end_all;
		POSIX::_exit(0);
	}
	wait_for('the guard', sub { -s $file });
	$self->{guard} = $pid;
}

# Returns when the process has ended; asks the kernel where it can be asked.
sub wait_process {
	my ($pid) = @_;
	my $pidfd_open = 434;
	my $fd = syscall $pidfd_open, $pid + 0, 0;
	if ($fd >= 0) {
		my $bits = '';
		vec($bits, $fd, 1) = 1;
		while (1) {
			my $got = select my $r = $bits, undef, undef, undef;
			return if $got > 0;
		}
	}
	my (undef, $start) = proc_state($pid);
	while (1) {
		my ($state, $now) = proc_state($pid);
		return if $state eq '' || $state eq 'Z' || $now ne $start;
		sleep 0.2;
	}
}

sub end_all {
	my ($self) = @_;
	for my $file (glob "$self->{dir}/*.pid") {
		my $pid = recorded_pid($file) or next;
		CORE::kill('KILL', $pid);
	}
	for my $file (glob "$self->{dir}/*.pid") {
		my $end = time + 10;
		while (recorded_pid($file) && time < $end) {
			1 while waitpid(-1, WNOHANG) > 0;
			sleep $TICK;
		}
	}
	remove_tree($self->{dir});
}

# End every server and remove its data.
sub down {
	my ($self) = @_;
	return if $self->{ended}++;
	my $guard = recorded_pid("$self->{dir}/guard");
	CORE::kill('KILL', $guard) if $guard;
	waitpid $self->{guard}, 0 if $self->{guard};
	local $?;
	$self->end_all;
}

sub DESTROY {
	my ($self) = @_;
	# At the end of a test this runs after its exit status was set.
	local ($?, $!, $@);
	$self->down if $self->{creator} && $self->{creator} == $$
	    && !$self->{stay};
}

# ---- what tests do with it ----------------------------------------------

sub node {
	my ($self, $name) = @_;
	return $self->{node}{$name} || die "topology: no node \"$name\"\n";
}

sub names { return @{ $_[0]{order} } }
sub dir { return $_[0]{dir} }
sub host { return $_[0]->node($_[1])->{host} }
sub port { return $_[0]->node($_[1])->{port} }
sub socket { return $_[0]->node($_[1])->{socket} }
sub flavour { return $_[0]->node($_[1])->{flavour} }
sub ca { return "$_[0]{dir}/tls/ca.pem" }

sub addr {
	my ($self, $name) = @_;
	my $n = $self->node($name);
	return "$n->{host}:$n->{port}";
}

# Process id, 0 when the server does not run.
sub pid {
	my ($self, $name) = @_;
	$self->node($name);
	my $file = "$self->{dir}/$name.pid";
	my ($pid) = split ' ', read_file($file);
	waitpid $pid, WNOHANG if $pid;
	return recorded_pid($file);
}

sub client_output {
	my ($self, $name, $sql, @option) = @_;
	my $n = $self->node($name);
	my $text = output(find_program('mariadb', 'mysql'), '--no-defaults',
	    "--socket=$n->{socket}", '--user=root', '--connect-timeout=10',
	    @option, '-e', $sql);
	die "topology: $name: $sql:\n$text" if $? != 0;
	return $text;
}

# What a command prints, errors included; its status is in $?.
sub output {
	my (@command) = @_;
	my $pid = open my $out, '-|';
	die "topology: fork: $!\n" if !defined $pid;
	if ($pid == 0) {
		open STDERR, '>&', \*STDOUT;
		exec @command or POSIX::_exit(127);
	}
	local $/;
	my $text = <$out>;
	close $out;
	return $text;
}

# The rows, each a reference to its columns; the first column in scalar use.
# Dies with the server's words.  NULL comes as the text NULL.
sub sql {
	my ($self, $name, $sql) = @_;
	my $text = $self->client_output($name, $sql, '-N', '-B', '-r');
	my @row = map { [ split /\t/, $_, -1 ] } split /\n/, $text;
	return wantarray ? @row : @row ? $row[0][0] : undef;
}

# Replication state: name => value, of the first channel; empty for none.
sub status {
	my ($self, $name) = @_;
	my $f = $FLAVOUR{ $self->flavour($name) };
	my $text = $self->client_output($name, $f->{status}, '-E');
	my %h;
	for (split /\n/, $text) {
		$h{$1} = $2 if /^\s*(\w+): (.*)$/ && !exists $h{$1};
	}
	return \%h;
}

sub is_replicating {
	my ($self, $name) = @_;
	my $s = $self->status($name);
	my $want = $FLAVOUR{ $self->flavour($name) }{running};
	return !grep { ($s->{$_} || '') ne 'Yes' } @$want;
}

sub wait_replicating {
	my ($self, $name) = @_;
	return if eval {
		wait_for("$name to replicate",
		    sub { $self->is_replicating($name) });
	};
	my $s = eval { $self->status($name) } || {};
	die "topology: $name does not replicate: ",
	    join(' ', grep { defined && $_ ne '' }
		@$s{qw(Last_IO_Error Last_SQL_Error)}), "\n";
}

# Put a server under another (both by name), replicating.
sub replicate {
	my ($self, $name, $source) = @_;
	my ($n, $s) = ($self->node($name), $self->node($source));
	my $f = $FLAVOUR{ $n->{flavour} };
	my $ca = $n->{tls} && $s->{tls} ? $self->ca : undef;
	$self->sql($name, "$f->{stop}; " . $f->{change}->($n, $s, $ca)
	    . "; $f->{start}");
}

# Make a server forget its source.
sub isolate {
	my ($self, $name) = @_;
	my $f = $FLAVOUR{ $self->flavour($name) };
	$self->sql($name, "$f->{stop}; $f->{reset}");
}

sub end_with {
	my ($self, $name, $signal) = @_;
	my $pid = $self->pid($name) or return;
	CORE::kill('CONT', $pid);
	CORE::kill($signal, $pid);
	wait_for("$name to end", sub { !$self->pid($name) });
}

sub stop { $_[0]->end_with($_[1], 'TERM') }
sub kill { $_[0]->end_with($_[1], 'KILL') }

sub start {
	my ($self, $name) = @_;
	return if $self->pid($name);
	$self->spawn($name);
	$self->await($name);
}

# A server that hangs: it accepts and answers nothing until it is thawed.
sub freeze {
	my ($self, $name) = @_;
	my $pid = $self->pid($name) or die "topology: $name does not run\n";
	CORE::kill('STOP', $pid);
	wait_for("$name to stop", sub { (proc_state($pid))[0] =~ /^[Tt]$/ });
}

sub thaw {
	my ($self, $name) = @_;
	my $pid = $self->pid($name) or die "topology: $name does not run\n";
	CORE::kill('CONT', $pid);
}

# A started server may be moved to another port (0: a free one).
sub move {
	my ($self, $name, $port) = @_;
	my $n = $self->node($name);
	$self->stop($name);
	$n->{port} = $port || free_port($n->{host}, { $n->{port} => 1 });
	$self->start($name);
	$self->save;
}

sub map_json {
	my ($self) = @_;
	my %map;
	for my $name ($self->names) {
		my $n = $self->node($name);
		$map{$name} = { host => $n->{host}, port => $n->{port} + 0,
		    pid => $self->pid($name) + 0, socket => $n->{socket},
		    flavour => $n->{flavour} };
	}
	return JSON::PP->new->canonical->pretty->encode(
	    { dir => $self->{dir}, user => $USER, password => $PASSWORD,
	      nodes => \%map });
}

sub map_shell {
	my ($self) = @_;
	my $text = "TOPOLOGY=$self->{dir}; export TOPOLOGY\n"
	    . "TOPOLOGY_USER=$USER\nTOPOLOGY_PASSWORD=$PASSWORD\n";
	for my $name ($self->names) {
		my $n = $self->node($name);
		$text .= "ADDR_$name=$n->{host}:$n->{port}\n"
		    . "PORT_$name=$n->{port}\nSOCKET_$name=$n->{socket}\n"
		    . "PID_$name=" . $self->pid($name) . "\n";
	}
	return $text;
}

1;
