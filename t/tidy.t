#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
#
# What a compiler cannot check: that the layers call downwards only, that the
# pure ones stay pure, that the words and sizes of the house are kept.
use strict;
use warnings;
use File::Find;
use Test::More;

my $src = $ENV{top_srcdir} || '.';
my $build = $ENV{top_builddir} || $src;

sub slurp {
	my ($path) = @_;
	open my $f, '<', $path or die "$path: $!";
	local $/;
	return scalar <$f>;
}

# Every file of ours, relative to the top; from git where there is git.
sub files {
	my @f = -e "$src/.git" ? split /\n/, qx{git -C "$src" ls-files} : ();
	return grep { -f "$src/$_" } @f if @f;
	find({ no_chdir => 1, wanted => sub {
		push @f, substr $_, 1 + length $src if -f && !/\.(o|a|trs|log)$/;
	} }, grep { -d } map { "$src/$_" } qw(src t doc contrib));
	return @f;
}

my @file = files();
my @code = grep { m{^src/.*\.[ch]$} } @file;
cmp_ok(scalar @code, '>', 20, 'the sources are found');

# Passes when the list is empty, and shows it when not.
sub none {
	my ($what, @found) = @_;
	ok(!@found, $what) or diag(join "\n", @found);
}

# Comments and the insides of literals replaced by blanks, lines kept.
sub bare {
	my ($text) = @_;
	$text =~ s{(/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')}
	    { my $t = $1; $t =~ s/[^\n]/ /g; $t }gsex;
	return $text;
}

# ---- layers -------------------------------------------------------------

my %rank = (base => 0, topology => 1, raft => 1, runtime => 1, config => 2,
    store => 2, mysql => 2, plan => 3, actors => 4, ops => 5, http => 6,
    cli => 6);
my %apart = map { $_ => 1 } qw(topology raft runtime);    # from each other
# Pure, though it lies higher: all that it may use.
my %of_plan = map { $_ => 1 } qw(base topology mysql);

sub layer_of {
	my ($path) = @_;
	return $path =~ m{^src/(\w+)/} ? $1 : '';
}

sub includes {
	my ($path) = @_;
	my @line = split /\n/, slurp("$src/$path");
	return map { $line[$_] =~ /^\s*#\s*include\s*([<"])([^>"]+)[>"]/
	    ? [ $_ + 1, $1, $2 ] : () } 0 .. $#line;
}

my (@upwards, @first, %user);
for my $path (grep { m{^src/.*\.(c|h|def)$} } @file) {
	my $layer = layer_of($path);
	my @inc = includes($path);
	push @upwards, "$path: folder $layer has no place among the layers"
	    if !defined $rank{$layer};
	for (@inc) {
		my ($line, $kind, $name) = @$_;
		$user{$name}{$path} = 1;
		my ($to) = $name =~ m{^(\w+)/};
		next if $kind ne '"' || !defined $to || $to eq $layer;
		next if !defined $rank{$to} || !defined $rank{$layer};
		push @upwards, "$path:$line: $layer includes $name"
		    if $rank{$to} > $rank{$layer}
		    || $apart{$to} && $apart{$layer}
		    || $layer eq 'plan' && !$of_plan{$to};
	}
	push @first, $path if $path =~ /\.c$/
	    && (!@inc || $inc[0][2] ne 'config.h');
}
none('includes go down only', @upwards);
none('every .c file begins with config.h', @first);

# Whose headers stay in which folder; at most so many files.
for (
	[ qr{^h2o(\.h|/)}, qr{^src/http/}, 2 ],
	[ qr{^(mysql|errmsg|mysqld_error)\.h$|^mysql/(mysql|errmsg)},
	  qr{^src/(mysql|store)/} ],
	[ qr{^sqlite3\.h$}, qr{^src/(store|base)/} ],
	[ qr{^curl/}, qr{^src/(actors|http|cli|mysql|store|runtime)/} ],
	[ qr{^ck_}, qr{^src/(runtime|http)/} ],
	[ qr{^pthread\.h$|^stdatomic\.h$},
	  qr{^src/((runtime|http|mysql|store|cli|base)/|ops/route\.c)} ],
    ) {
	my ($header, $home, $most) = @$_;
	my %who = map { %{ $user{$_} } }
	    grep { $_ =~ $header && $_ !~ /^mysql\/rows/ } keys %user;
	none("$header is included at home only",
	    grep { $_ !~ $home } sort keys %who);
	cmp_ok(scalar keys %who, '<=', $most, "$header: by $most files")
	    if $most;
}

# ---- pure libraries -----------------------------------------------------

# Of libc nothing that does I/O, reads a clock, or keeps state.
my $pure_libc = qr{^(?:mem\w+|str(?!error|tok$)\w+|str?n?casecmp|snprintf
    |vsnprintf|sscanf|qsort|bsearch|abort|inet_(?:pton|ntop)|to(?:lower|upper)
    |is(?:digit|alpha|alnum|space|xdigit|print|upper|lower|punct)
    |ll?(?:abs|round)|l?div|floor|ceil|f?m(?:in|ax|od)|round|log|log2|exp|pow
    |__(?:ctype_(?:b|tolower|toupper)_loc|assert_fail|stack_chk_fail|isoc\w+
	|(?:v?snprintf|mem\w+|str\w+)_chk)
    |_GLOBAL_OFFSET_TABLE_|pcre2_\w+|msgpack_\w+)$}x;

# [name, type] of every symbol of an archive.
sub symbols {
	my ($archive) = @_;
	return map { /^(?:[0-9a-f]+)?\s+([A-Za-z])\s+(\S+)$/ ? [ $2, $1 ] : () }
	    split /\n/, qx{nm "$archive" 2>/dev/null};
}

my $base = "$build/src/base/libbase.a";
for my $name (grep { my @c = glob "$src/src/$_/*.c"; @c } qw(topology raft)) {
	my $archive = "$build/src/$name/lib$name.a";
	SKIP: {
		skip("no lib$name.a here", 2) if !-e $archive || !-e $base;
		my @all = symbols($archive);
		skip('built with sanitizers', 2)
		    if grep { $_->[0] =~ /^__(asan|ubsan|tsan|sanitizer)/ } @all;
		my %defined = map { $_->[0] => 1 } grep { $_->[1] ne 'U' }
		    @all, symbols($base);
		# Base's own log and clock are not for pure code either.
		my $impure = qr/^(log_(line|vline|set\w*)|\w+_now|mem_stats)$/;
		none("lib$name.a calls base and pure functions of libc only",
		    sort grep { !$defined{$_} && !/$pure_libc/
			|| $_ =~ $impure }
		    map { $_->[1] eq 'U' ? $_->[0] : () } @all);
		none("lib$name.a keeps no state",
		    map { $_->[0] } grep { $_->[1] =~ /^[bBC]$/
			&& $_->[0] !~ /^(__gcov|\.L)/ } @all);
	}
}

# ---- the actor graph ----------------------------------------------------

# Whoever sends or handles a message is named in its row, and nobody else.
my (@graph, %speaks);
my %role = (ops => 'http', http => 'http', cli => 'main');
for my $path (grep { m{^src/(actors|ops|http|cli)/\w+\.c$} } @file) {
	my ($folder, $actor) = $path =~ m{^src/(\w+)/([a-z]+)};
	my $text = bare(slurp("$src/$path"));
	$speaks{$role{$folder} || $actor} .= $text if $path !~ /messages\.c$/;
}
my @row = slurp("$src/src/actors/messages.def") =~
    /^MSG\((\w+),\s*\w+,\s*"([a-z ]+)",\s*"([a-z ]+)"/mg;
cmp_ok(scalar @row, '>', 150, 'the messages are found');
while (my ($name, $from, $to) = splice @row, 0, 3) {
	my $used = qr/\b(?:as_|MSG_|msg_pack_)$name\b|[\s(]$name(?=[,)])/;
	my %want = map { $_ => 1 } split / /, "$from $to";
	my %has = map { $_ => 1 } grep { $speaks{$_} =~ $used } keys %speaks;
	push @graph, map { "$name: $_" . ($has{$_} ? ' is not in its row'
	    : ' does not know it') }
	    grep { !$has{$_} || !$want{$_} } sort keys %{ { %has, %want } };
}
none('messages.def tells who sends what to whom', @graph);

# ---- words, sizes, leftovers --------------------------------------------

my @legacy;
for my $path (grep { m{^src/.*\.(c|h|def)$} } @file) {
	my @bare = split /\n/, bare(slurp("$src/$path"));
	# Names of others: a variable of MariaDB, a branch of h2o.
	s/\b((gtid|mariadb)_slave_pos|H2O_IS_MASTER)\b//g for @bare;
	push @legacy, map { $bare[$_] =~ /(\w*(?:master|slave)\w*)/i
	    ? sprintf('%s:%d: %s', $path, $_ + 1, $1) : () } 0 .. $#bare;
}
none('master and slave are only quoted wire names', @legacy);

none('every source begins with what it is', grep {
	slurp("$src/$_") !~ m{\A/\* SPDX[^\n]*\n/\*}
    } grep { m{^(src|t)/.*\.(c|h|def)$} } @file);

none('no source file above 900 lines', map {
	my $n = () = slurp("$src/$_") =~ /\n/g;
	$n > 900 ? "$_: $n lines" : ();
} @code);

my $manual = slurp("$src/doc/orchestrator.1");
none('every flag is in the manual', grep { $manual !~ /\bFl \Q$_\E\b/ }
    slurp("$src/src/cli/flags.def") =~ /^FLAG\("([\w-]+)"/mg);

my (@license, @path, @left);
my $machine = join '|', map { quotemeta } '/wo' . 'rk/', '/fa' . 'rm/',
    '/tmp/' . 'wt/', '/tmp/' . 'b-';
my $unfinished = join '|', 'TO' . 'DO', 'FIX' . 'ME', 'XX' . 'X', 'HA' . 'CK';
for my $path (@file) {
	next if $path eq 'COPYING';
	my $text = slurp("$src/$path");
	next if $text =~ /\0/;    # corpus files
	push @license, $path if $text !~ /SPDX-License-Identifier/
	    && $path =~ /\.([chtm]|mk|def|m4|pm|sql|sh|css|js)$/;
	my $n = 0;
	for (split /\n/, $text) {
		$n++;
		push @path, "$path:$n" if m{(^|[^A-Za-z0-9_.])(?:$machine)};
		push @left, "$path:$n" if /\b(?:$unfinished)\b/
		    && $path =~ /^(src|t|contrib)\//;
	}
}
none('every source names its licence', @license);
none('no path of one machine in any file', @path);
none('nothing is left for later', @left);

done_testing();
