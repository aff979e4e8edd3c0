# SPDX-License-Identifier: Apache-2.0
# Frames of HTTP/2, written as a hostile client wants them (RFC 9113, 7541).
package H2;
use strict;
use warnings;

use constant {
	DATA => 0, HEADERS => 1, RST_STREAM => 3, SETTINGS => 4, PING => 6,
	GOAWAY => 7, WINDOW_UPDATE => 8, CONTINUATION => 9,
	END_STREAM => 1, END_HEADERS => 4, ACK => 1,
};

sub frame {
	my ($type, $flags, $stream, $payload) = @_;
	my $n = length $payload;
	return pack('CnCCN', $n >> 16, $n & 0xffff, $type, $flags, $stream)
	    . $payload;
}

sub preface {
	return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . frame(SETTINGS, 0, 0, @_ ? $_[0] : '');
}

# GET path; nothing is put into the compression table
sub get {
	my ($stream, $path, $flags) = @_;
	return frame(HEADERS, $flags // (END_STREAM | END_HEADERS), $stream,
		"\x82\x86\x04" . chr(length $path) . $path . "\x01\x01h");
}

# Frames in a piece of text: [type, flags, stream, payload]...; what is not
# whole stays in $$text.
sub frames {
	my ($text) = @_;
	my @frame;
	while (length $$text >= 9) {
		my ($high, $low, $type, $flags, $stream) =
		    unpack 'CnCCN', $$text;
		my $n = $high << 16 | $low;
		last if length $$text < 9 + $n;
		push @frame, [ $type, $flags, $stream, substr $$text, 9, $n ];
		substr $$text, 0, 9 + $n, '';
	}
	return @frame;
}

1;
