#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# ListenSocket: the file's mode, what is in the way, what is left behind.
use strict;
use warnings;
use File::Temp ();
use FindBin;
use IO::Socket::UNIX;
use lib $FindBin::Bin;
use Served;
use Test::More;

my $dir = File::Temp->newdir;
my $path = "$dir/http.sock";
my @curl = ('--unix-socket', $path);

my $s = Served->new(config => { ListenSocket => $path },
	tuning => { threads => 2 });
is $s->{url}, "unix:$path", 'address';
is sprintf('%o', (stat $path)[2] & 07777), '660', 'mode';
is $s->curl(@curl, '/api/echo/a')->{status}, 200, 'HTTP/1.1';
is $s->curl(@curl, '--http2-prior-knowledge', '/api/later/5')->{version}, 2,
    'HTTP/2';
like $s->curl(@curl, '/api/write')->{body}, qr/"client":"unix"/,
    'the client has no address';
ok !eval { Served->new(config => { ListenSocket => $path }) },
    'a socket that is in use';
like $@, qr/somebody listens on socket \Q$path\E/, 'is named';
is $s->curl(@curl, '/api/text')->{status}, 200, 'and goes on working';
is $s->stop, 0, 'stops cleanly' or diag $s->log;
ok !-e $path, 'takes its socket away';

# One that a dead process left.
my $stale = IO::Socket::UNIX->new(Local => $path, Listen => 1) or die $!;
close $stale;
ok -S $path, 'a stale socket';
$s = Served->new(config => { ListenSocket => $path },
	tuning => { socket_mode => 0600 });
is $s->curl(@curl, '/api/text')->{status}, 200, 'is replaced';
is sprintf('%o', (stat $path)[2] & 07777), '600', 'mode as told';
$s->stop;

open my $file, '>', $path or die $!;
print $file "precious\n";
close $file;
ok !eval { Served->new(config => { ListenSocket => $path }) },
    'a file in the way';
like $@, qr/is there and not a socket/, 'is named';
ok -s $path, 'and left alone';
ok !eval { Served->new(config => { ListenSocket => "$dir/no/such/dir" }) },
    'no such folder';
ok !eval { Served->new(config => { ListenSocket => '/' . 'x' x 200 }) },
    'a path that is too long';
like $@, qr/longer than 107 bytes/, 'is named';

done_testing;
