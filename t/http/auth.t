#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Credentials over the wire; auth_check.t has the full table.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Served;
use Test::More;

my %pair = (HTTPAuthUser => 'boss', HTTPAuthPassword => 's3cret');

# config, curl options, path, status, what the body says, what
sub check {
	my ($config, @row) = @_;
	my $s = Served->new(config => $config);
	for (@row) {
		my ($option, $path, $status, $body, $what) = @$_;
		my $r = $s->curl(@$option, $path);
		ok $r->{status} == $status && $r->{body} =~ $body, $what
		    or diag $r->{text};
	}
	unlike $s->log, qr/s3cret|boss/, 'no credentials in the log';
	return $s;
}

my $s = check({ AuthenticationMethod => 'basic', %pair },
	[ [], '/api/text', 401, qr/Not Authorized/, 'basic: asks' ],
	[ [], '/nosuch', 401, qr/Not Authorized/, 'basic: for any path' ],
	[ [], '/api/status', 401, qr/Not Authorized/, 'basic: for status' ],
	[ [], '/web/', 401, qr/Not Authorized/, 'basic: for the page' ],
	[ [ '-u', 'boss:s3cret' ], '/api/write', 200, qr/"user":"boss"/,
		'basic: right' ],
	[ [ '-u', 'boss:wrong' ], '/api/write', 401, qr/Not/, 'basic: wrong' ],
	[ [ '-u', 'boss:s3cret' ], '/web/', 200, qr/html/, 'basic: the page' ],
);
is Served::header($s->curl('/api/text'), 'www-authenticate'),
    'Basic realm="Authorization Required", charset="UTF-8"', 'the realm';
is $s->curl('--http2-prior-knowledge', '/api/text')->{status}, 401,
    'basic: HTTP/2 too';

check({ AuthenticationMethod => 'multi', %pair },
	[ [], '/api/text', 401, qr/Not Authorized/, 'multi: asks' ],
	[ [ '-u', 'boss:s3cret' ], '/api/write', 200, qr/"authorized":true/,
		'multi: may' ],
	[ [ '-u', 'readonly:x' ], '/api/text', 200, qr/plain/,
		'multi: readonly reads' ],
	[ [ '-u', 'readonly:x' ], '/api/write', 500, qr/"authorized":false/,
		'multi: and no more' ],
);
ok !eval { Served->new(config => { AuthenticationMethod => 'multi' }) },
    'multi without a user';
like $@, qr/HTTPAuthUser/, 'is refused by name';

check({ AuthenticationMethod => 'proxy', AuthUserHeader => 'x-forwarded-USER',
		PowerAuthUsers => ['ann'] },
	[ [], '/api/write', 500, qr/"authorized":false/, 'proxy: nobody' ],
	[ [ '-H', 'X-Forwarded-User: ann' ], '/api/write', 200,
		qr/"authorized":true,"user":"ann"/, 'proxy: ann, any case' ],
	[ [ '-H', 'X-Forwarded-User: eve' ], '/api/write', 500,
		qr/"user":"eve"/, 'proxy: eve' ],
	[ [ '-H', 'X-Forwarded-User: eve' ], '/api/text', 200, qr/plain/,
		'proxy: eve reads' ],
);

$s = check({ AuthenticationMethod => 'token', URLPrefix => '/p' },
	[ [], '/p/web/access-token?publicToken=111', 302, qr/^$/,
		'token: a public part becomes a cookie' ],
	[ [], '/p/web/access-token?publicToken=112', 500, qr/ERROR/,
		'token: an unknown one does not' ],
	[ [], '/p/web/access-token', 500, qr/ERROR/, 'token: nor none' ],
	[ ['--head'], '/p/web/access-token?publicToken=111', 405, qr/^$/,
		'token: not by HEAD' ],
);
my $r = $s->curl('/p/web/access-token?publicToken=111');
is Served::header($r, 'set-cookie'), 'access-token=111:222; Path=/; '
    . 'Max-Age=86400; HttpOnly; SameSite=Lax', 'the cookie';
is Served::header($r, 'location'), '/p/web/', 'where it leads';
$r = $s->curl('/p/web/access-token?publicToken=odd');
is Served::header($r, 'set-cookie'), '', 'no header out of a strange token';

check({ AuthenticationMethod => 'token' },
	[ [], '/api/text', 200, qr/plain/, 'token: reading is open' ],
	[ [], '/api/write', 500, qr/"authorized":false/, 'token: none' ],
	[ [ '-b', 'access-token=111:222' ], '/api/write', 200,
		qr/"authorized":true/, 'token: holds' ],
	[ [ '-b', 'access-token=111' ], '/api/write', 500,
		qr/"authorized":false/, 'token: half of one' ],
);

check({ ReadOnly => JSON::PP::true },
	[ [], '/api/write', 500, qr/"authorized":false/, 'ReadOnly' ],
	[ [], '/api/text', 200, qr/plain/, 'ReadOnly: reads' ],
);

done_testing;
