#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# TLS: ALPN, versions, client certificates and their organisational unit, keys
# with a password, files that are not right.
use strict;
use warnings;
use File::Temp ();
use FindBin;
use lib $FindBin::Bin;
use POSIX ();
use Served;
use Test::More;

my $dir = File::Temp->newdir;

sub openssl {
	my @words = @_;
	my $text = do {
		open(my $out, '-|', "cd $dir && openssl @words 2>&1") or die $!;
		local $/;
		<$out>;
	};
	die "openssl @words: $text" if $?;
}

# A key and a certificate of that subject, signed by the CA called.
sub certificate {
	my ($name, $subject, $ca) = @_;
	openssl('ecparam -name prime256v1 -genkey -noout -out', "$name.key");
	openssl("req -new -key $name.key -subj '$subject' -out $name.csr");
	openssl("x509 -req -in $name.csr -CA $ca.crt -CAkey $ca.key "
		. "-CAcreateserial -days 2 -out $name.crt -extfile san");
}

open my $san, '>', "$dir/san" or die $!;
print $san "subjectAltName=IP:127.0.0.1\n";
close $san;
for my $ca (qw(ca other)) {
	openssl("ecparam -name prime256v1 -genkey -noout -out $ca.key");
	openssl("req -x509 -new -key $ca.key -days 2 -subj /CN=$ca "
		. "-out $ca.crt");
}
certificate('server', '/CN=127.0.0.1', 'ca');
certificate('good', '/O=x/OU=first/OU=dba/CN=me', 'ca');
certificate('wrong', '/O=x/OU=dba2/CN=me', 'ca');
certificate('none', '/O=dba/CN=dba', 'ca');
certificate('foreign', '/O=x/OU=dba/CN=me', 'other');
openssl('ec -in server.key -aes256 -passout pass:secret -out locked.key');

my %tls = (
	UseSSL => JSON::PP::true,
	SSLCertFile => "$dir/server.crt",
	SSLPrivateKeyFile => "$dir/server.key",
);

# ---- the server's certificate ----
my $s = Served->new(config => \%tls, tuning => { threads => 2 });
like $s->{url}, qr/^https:/, 'https';
my @ca = ('--cacert', "$dir/ca.crt");
my $r = $s->curl(@ca, '--http1.1', '/api/echo/a');
is "$r->{status} $r->{version}", '200 1.1', 'HTTP/1.1';
$r = $s->curl(@ca, '/api/later/5');
is "$r->{status} $r->{version}", '200 2', 'HTTP/2 by ALPN';
is length $s->curl(@ca, '/api/big/2000000')->{body}, 2_000_000, 'large reply';
# 77: where no authorities are installed at all.
like $s->curl('/api/text')->{exit}, qr/^(60|77)$/,
    'a client that does not know the CA';
isnt $s->curl(@ca, '--tls-max', '1.1', '/api/text')->{exit}, 0,
    'TLS 1.1 is refused';
is $s->curl(@ca, '--tls-max', '1.2', '/api/text')->{status}, 200,
    'TLS 1.2 is not';
my $c = $s->connect;
print $c "GET /api/text HTTP/1.1\r\nHost: h\r\n\r\n";
ok Served::closed($c), 'plain HTTP is closed';
is $s->stop, 0, 'stops cleanly' or diag $s->log;

$s = Served->new(config => \%tls, tuning => { http2 => 0 });
$r = $s->curl(@ca, '/api/text');
is "$r->{status} $r->{version}", '200 1.1', 'HTTP/2 switched off';
$s->stop;

# ---- the clients' certificates ----
sub with {
	my ($name, @more) = @_;
	return (@ca, '--cert', "$dir/$name.crt", '--key', "$dir/$name.key",
		@more);
}
my %mutual = (%tls, UseMutualTLS => JSON::PP::true,
	SSLCAFile => "$dir/ca.crt", SSLValidOUs => [ 'ops', 'dba' ]);
$s = Served->new(config => \%mutual);
for my $version ('--http1.1', '--http2') {
	my @row = (
		[ [ with('good') ], '/api/text', 200, 'a valid OU' ],
		[ [ with('wrong') ], '/api/text', 401, 'another OU' ],
		[ [ with('none') ], '/api/text', 401, 'no OU' ],
		[ [@ca], '/api/text', 401, 'no certificate' ],
		[ [@ca], '/web/', 401, 'no certificate: the page' ],
		[ [@ca], '/api/status', 200, 'no certificate: status' ],
		[ [@ca], '/api/status/', 200, 'no certificate: status/' ],
		[ [@ca], '/api/text?x=/api/status', 401,
			'the status path in a query' ],
		[ [@ca], '/api/text/api/status', 401,
			'the status path in a path' ],
		[ [@ca], '/api/%73tatus', 401, 'the status path in disguise' ],
	);
	for (@row) {
		my ($arg, $path, $status, $what) = @$_;
		is $s->curl(@$arg, $version, $path)->{status}, $status,
		    "$version $what: $status";
	}
}
is $s->curl(with('foreign'), '/api/text')->{status}, 0,
    'a certificate of another CA does not get in';
is $s->curl(with('good'), '--tls-max', '1.2', '/api/text')->{status}, 200,
    'TLS 1.2 with certificate';
# A resumed session still has its certificate.
my $text = qx(cd $dir && (printf 'GET /api/text HTTP/1.0\\r\\n\\r\\n'; cat) \\
    </dev/null | openssl s_client -connect 127.0.0.1:$s->{port} -tls1_2 \\
    -cert good.crt -key good.key -CAfile ca.crt -sess_out session \\
    -ign_eof 2>/dev/null
    (printf 'GET /api/text HTTP/1.0\\r\\n\\r\\n'; cat) </dev/null | \\
    openssl s_client -connect 127.0.0.1:$s->{port} -tls1_2 -cert good.crt \\
    -key good.key -CAfile ca.crt -sess_in session -ign_eof 2>/dev/null);
is scalar(() = $text =~ /200 OK/g), 2, 'a resumed session';
like $text, qr/^Reused, TLSv1\.2/m, 'which was one';
is $s->stop, 0, 'stops cleanly' or diag $s->log;

$s = Served->new(config => { %mutual, StatusOUVerify => JSON::PP::true });
is $s->curl(@ca, '/api/status')->{status}, 401, 'StatusOUVerify';
is $s->curl(with('good'), '/api/status')->{status}, 200,
    'StatusOUVerify with a certificate';
$s->stop;

# ---- files that are not right ----
open my $junk, '>', "$dir/junk" or die $!;
print $junk "this is no PEM\n";
close $junk;
for (
	[ { SSLPrivateKeyFile => "$dir/locked.key" },
		qr/locked\.key is encrypted and there is no terminal/,
		'an encrypted key without a terminal' ],
	[ { SSLPrivateKeyFile => "$dir/missing" },
		qr/SSLPrivateKeyFile .*missing/, 'no key' ],
	[ { SSLPrivateKeyFile => "$dir/junk" },
		qr/SSLPrivateKeyFile .*junk/, 'a key that is none' ],
	[ { SSLPrivateKeyFile => "$dir/good.key" },
		qr/SSLPrivateKeyFile|does not fit/, 'the key of another' ],
	[ { SSLCertFile => "$dir/junk" }, qr/SSLCertFile .*junk/,
		'a certificate that is none' ],
	[ { SSLCertFile => '' }, qr/SSLCertFile/, 'no certificate named' ],
	[ { %mutual, SSLCAFile => '' }, qr/UseMutualTLS needs SSLCAFile/,
		'mutual TLS without CA' ],
	[ { %mutual, SSLCAFile => "$dir/junk" }, qr/SSLCAFile .*junk/,
		'a CA that is none' ],
) {
	my ($change, $say, $what) = @$_;
	my $started = eval {
		Served->new(config => { %tls, %$change },
			before => sub { POSIX::setsid() });
	};
	ok !$started && $@ =~ $say, "refused: $what" or diag $@;
}

done_testing;
