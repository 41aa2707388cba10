# quorate-probe v5
use strict;
use warnings;
use Errno qw(EADDRINUSE EINPROGRESS ECONNREFUSED);
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use Socket qw(AF_INET AF_INET6 SOCK_DGRAM SOCK_STREAM SOCK_RAW SOL_SOCKET SO_ERROR inet_ntop inet_pton
    pack_sockaddr_in pack_sockaddr_in6 unpack_sockaddr_in unpack_sockaddr_in6);
use Time::HiRes qw(time);

$| = 1;
my $COUNT   = 5;       # datagrams for every peer
my $RESEND  = 0.25;    # seconds between two tries of a datagram without echo
my $MAXIMUM = 64;      # bytes of a datagram that is echoed; an answer is never longer than its question
my $ECHOES  = 20;      # echo requests for every peer, spread over the probe's time but its last tenth
my $WHOLE   = 3;       # echo requests of the whole packet size
my $PAYLOAD = 56;      # bytes behind the header of a usual echo request, as ping has them
my $PACKET  = 65536;   # the longest packet that is read, in bytes
my $STAMP   = 0x8906;  # SIOCGSTAMP, asm-generic/sockios.h: when the kernel got what was read last
my $WORDS   = 4;       # different refusals of the network that are told of one peer
my $TRIES   = 2;       # echo requests of each size while the largest one is searched

my (undef, $seconds, @lists) = @ARGV;
my %items = (listen => [], udp => [], tcp => [], echo => []);
for my $list (@lists) {
    my ($name, $values) = split /=/, $list, 2;
    die "unknown list $name\n" unless $items{$name};
    $items{$name} = [split /,/, $values];
}
my $start = time();
my $end = $start + $seconds;
my %traffic = traffic();

# Bytes in, bytes out, errors and dropped outgoing packets of every interface so far.
sub traffic {
    my %found;
    open(my $file, "<", "/proc/net/dev") or return;
    while (my $line = <$file>) {
        my ($name, $rest) = $line =~ /^\s*([^\s:]+):\s*(.+)$/ or next;
        my @number = split / +/, $rest;
        $found{$name} = [$number[0], $number[8], $number[2] + $number[10], $number[11]] if @number >= 12;
    }
    return %found;
}

sub address {
    my ($text) = @_;
    my ($host, $port) = $text =~ /^\[?([0-9a-fA-F.:]+?)\]?:(\d+)$/ or die "no address: $text\n";
    if ($host =~ /:/) {
        my $raw = inet_pton(AF_INET6, $host) or die "no address: $text\n";
        return (AF_INET6, pack_sockaddr_in6($port, $raw), $port);
    }
    my $raw = inet_pton(AF_INET, $host) or die "no address: $text\n";
    return (AF_INET, pack_sockaddr_in($port, $raw), $port);
}

sub open_socket {
    my ($family, $type) = @_;
    socket(my $socket, $family, $type, 0) or return;
    fcntl($socket, F_SETFL, fcntl($socket, F_GETFL, 0) | O_NONBLOCK);
    return $socket;
}

# Echo on every own address; the same sockets ask, because corosync sends from its own port too.
my (@udp_sockets, %by_port);
for my $item (@{ $items{listen} }) {
    my ($family, $address, $port) = address($item);
    my $socket = open_socket($family, SOCK_DGRAM);
    if ($socket && bind($socket, $address)) {
        push @udp_sockets, $socket;
        $by_port{"$family $port"} //= $socket;
        print "listen $item ok\n";
    } elsif ($! == EADDRINUSE) {
        print "listen $item busy\n";
    } else {
        print "listen $item fail $!\n";
    }
}

# A token that nobody else can know: only an echo of our own question counts.
my $token = join "", map { sprintf "%02x", int rand 256 } 1 .. 8;
my (%peers, $number);
for my $item (@{ $items{udp} }) {
    my ($family, $address, $port) = address($item);
    my $socket = $by_port{"$family $port"};
    if (!$socket) {
        $socket = open_socket($family, SOCK_DGRAM);
        push @udp_sockets, $socket if $socket;
    }
    $peers{ ++$number } = { item => $item, socket => $socket, address => $address, echoed => {} };
}

# Echo requests by a raw socket of each own address: one process measures all peers. Open before anything is asked, since
# refusals of what the others try come here too.
my (%echo_sockets, %echoes, $series);
for my $item (@{ $items{echo} }) {
    my ($own, $peer, $mtu) = split m{/}, $item;
    my ($family, $to) = host($peer);
    my $socket = $echo_sockets{$own} //= raw($family, $own);
    $echoes{ ++$series } = { peer => $peer, family => $family, to => $to, socket => $socket, mtu => $mtu,
        raw => inet_pton($family, $peer), unreachable => {}, sent => {}, took => {},
        whole_sent => 0, whole_back => {}, largest => 0, refused => $mtu + 1 };
}

my @waiting;
for my $item (@{ $items{tcp} }) {
    my ($family, $address) = address($item);
    my $socket = open_socket($family, SOCK_STREAM);
    my $try = { item => $item, socket => $socket, started => time() };
    if (!$socket) {
        print "tcp $item fail $!\n";
    } elsif (connect($socket, $address)) {
        tcp_done($try, 0);
    } elsif ($! == EINPROGRESS) {
        push @waiting, $try;
    } else {
        tcp_done($try, $! + 0);
    }
}

sub tcp_done {
    my ($try, $error) = @_;
    my $millis = int((time() - $try->{started}) * 1000 + 0.5);
    if (!$error) {
        print "tcp $try->{item} open $millis\n";
    } elsif ($error == ECONNREFUSED) {
        print "tcp $try->{item} refused\n";
    } else {
        local $! = $error;
        print "tcp $try->{item} fail $!\n";
    }
    close $try->{socket};
}

sub ask {
    for my $key (keys %peers) {
        my $peer = $peers{$key};
        next unless $peer->{socket};
        for my $tag (1 .. $COUNT) {
            send($peer->{socket}, "quorate? $token $key $tag", 0, $peer->{address})
                unless $peer->{echoed}{$tag};
        }
    }
}

sub hear {
    my ($socket) = @_;
    while (defined(my $from = recv($socket, my $text, $MAXIMUM, 0))) {
        if ($text =~ s/^quorate\? /quorate! /) {
            send($socket, $text, 0, $from);
        } elsif ($text =~ /^quorate! $token (\d+) (\d+)$/ && $peers{$1}) {
            $peers{$1}{echoed}{$2} = 1 if $from eq $peers{$1}{address} && $2 >= 1 && $2 <= $COUNT;
        }
    }
}

sub host {
    my ($text) = @_;
    my $family = $text =~ /:/ ? AF_INET6 : AF_INET;
    my $raw = inet_pton($family, $text) or die "no address: $text\n";
    return ($family, $family == AF_INET ? pack_sockaddr_in(0, $raw) : pack_sockaddr_in6(0, $raw));
}

sub raw {
    my ($family, $own) = @_;
    my $six = $family == AF_INET6;
    socket(my $socket, $family, SOCK_RAW, $six ? 58 : 1) or return 0;
    fcntl($socket, F_SETFL, fcntl($socket, F_GETFL, 0) | O_NONBLOCK);
    my (undef, $address) = host($own);
    bind($socket, $address) or return 0;
    # IP_MTU_DISCOVER and IPV6_MTU_DISCOVER, PROBE: packets are never cut up, and no remembered path counts.
    setsockopt($socket, $six ? 41 : 0, $six ? 23 : 10, pack("i", 3)) or return 0;
    # The first question makes the kernel keep these times; it has none yet.
    ioctl($socket, $STAMP, my $none = "\0" x 16);
    return $socket;
}

# When the kernel got the packet: how long this process waited for its turn says nothing about the network. Where the
# kernel tells nothing, or another clock's time, it is now.
sub received {
    my ($socket, $sent, $now) = @_;
    my $stamp = "\0" x 16;
    ioctl($socket, $STAMP, $stamp) or return $now;
    my ($seconds, $micros) = unpack "l! l!", $stamp;
    my $at = $seconds + $micros / 1e6;
    return $at >= $sent && $at <= $now ? $at : $now;
}

sub request {
    my ($number, $tag, $bytes) = @_;
    my $echo = $echoes{$number};
    my $six = $echo->{family} == AF_INET6;
    my $text = "quorate $token $number $tag ";
    $text .= "." x ($bytes - length $text) if length $text < $bytes;
    my $head = sub { pack("C2 n3", $six ? 128 : 8, 0, $_[0], $$ & 0xffff, 1) };
    # The kernel writes the checksum of ICMPv6 itself.
    my $packet = $head->($six ? 0 : checksum($head->(0) . $text)) . $text;
    my $at = time();
    send($echo->{socket}, $packet, 0, $echo->{to});
    return $at;
}

sub checksum {
    my ($data) = @_;
    my $sum = 0;
    $sum += $_ for unpack("n*", length($data) % 2 ? "$data\0" : $data);
    $sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
    return ~$sum & 0xffff;
}

sub ping {
    my ($tag) = @_;
    for my $number (keys %echoes) {
        my $echo = $echoes{$number};
        next unless $echo->{socket};
        $echo->{sent}{$tag} = request($number, $tag, $PAYLOAD);
        my $overhead = $echo->{family} == AF_INET6 ? 48 : 28;
        if ($tag <= $WHOLE) {
            $echo->{whole_sent}++;
            request($number, "w$tag", $echo->{mtu} - $overhead);
        } else {
            search($number, $overhead);
        }
    }
}

# The largest packet by halving, one size between two echo requests of the usual size: what did not come back until the
# next one does not pass. Their number bounds the search, and 16 halvings are enough for every size that there is.
sub search {
    my ($number, $overhead) = @_;
    my $echo = $echoes{$number};
    $echo->{refused} = $echo->{asked} if $echo->{asked} && $echo->{asked} > $echo->{largest};
    my $size = int(($echo->{largest} + $echo->{refused}) / 2);
    # Nothing comes back at all, or it is known.
    return if !$echo->{largest} || $size <= $echo->{largest};
    $echo->{asked} = $size;
    request($number, "m$size", $size - $overhead) for 1 .. $TRIES;
}

# Somebody on the way, or the peer itself, says that a packet to it was not taken: destination unreachable, with the packet
# behind it. Of any program's packets, so of the connections that are tried here too.
sub unreachable {
    my ($packet, $from) = @_;
    my $six = length($from) > 16;
    my $offset = $six ? 0 : (ord(substr($packet, 0, 1)) & 15) * 4;
    my $to = $six ? 8 + 24 : $offset + 8 + 16;
    return if length($packet) < $to + ($six ? 16 : 4);
    my ($type, $code) = unpack("C2", substr($packet, $offset, 2));
    return unless $type == ($six ? 1 : 3);
    my $wanted = substr($packet, $to, $six ? 16 : 4);
    my (undef, $by) = $six ? unpack_sockaddr_in6($from) : unpack_sockaddr_in($from);
    for my $echo (grep { $_->{raw} eq $wanted } values %echoes) {
        my $told = $echo->{unreachable};
        $told->{"$code " . inet_ntop($six ? AF_INET6 : AF_INET, $by)} = 1 if keys %$told < $WORDS;
    }
}

sub reply {
    my ($socket) = @_;
    while (defined(my $from = recv($socket, my $packet, $PACKET, 0))) {
        my $now = time();
        unreachable($packet, $from);
        my ($number, $tag) = $packet =~ /quorate $token (\d+) ([wm]?\d+) / or next;
        my $echo = $echoes{$number} or next;
        my $six = $echo->{family} == AF_INET6;
        my $offset = $six ? 0 : (ord(substr($packet, 0, 1)) & 15) * 4;
        # Our own request comes back too where the peer is this machine.
        next unless ord(substr($packet, $offset, 1)) == ($six ? 129 : 0);
        my $overhead = $six ? 48 : 28;
        my $size = $tag =~ /^w/ ? $echo->{mtu} : $tag =~ /^m(\d+)/ ? $1 : $PAYLOAD + $overhead;
        $echo->{largest} = $size if $size > $echo->{largest} && $size <= $echo->{mtu};
        if ($tag =~ /^w/) {
            $echo->{whole_back}{$tag} = 1;
        } elsif (defined(my $sent = $echo->{sent}{$tag})) {
            $echo->{took}{$tag} //= (received($socket, $sent, $now) - $sent) * 1e6;
        }
    }
}

my ($next, $tag) = (0, 0);
my $gap = $seconds * 0.9 / $ECHOES;
while ((my $now = time()) < $end) {
    if ($now >= $next) {
        ask();
        $next = $now + $RESEND;
    }
    if ($tag < $ECHOES && $now >= $start + $tag * $gap) {
        ping(++$tag);
    }
    my ($read, $write) = ("", "");
    vec($read, fileno($_), 1) = 1 for @udp_sockets, grep { $_ } values %echo_sockets;
    vec($write, fileno($_->{socket}), 1) = 1 for @waiting;
    my $until = $next < $end ? $next : $end;
    my $echo_at = $start + $tag * $gap;
    $until = $echo_at if $tag < $ECHOES && $echo_at < $until;
    my $pause = $until - time();
    select($read, $write, undef, $pause > 0 ? $pause : 0);
    for my $socket (grep { $_ } values %echo_sockets) {
        reply($socket) if vec($read, fileno($socket), 1);
    }
    for my $socket (@udp_sockets) {
        hear($socket) if vec($read, fileno($socket), 1);
    }
    my @left;
    for my $try (@waiting) {
        if (vec($write, fileno($try->{socket}), 1)) {
            tcp_done($try, unpack("i", getsockopt($try->{socket}, SOL_SOCKET, SO_ERROR)));
        } else {
            push @left, $try;
        }
    }
    @waiting = @left;
}

print "tcp $_->{item} timeout\n" for @waiting;
for my $key (sort { $a <=> $b } keys %peers) {
    my $echoed = keys %{ $peers{$key}{echoed} };
    print "udp $peers{$key}{item} $echoed/$COUNT\n";
}
for my $number (sort { $a <=> $b } keys %echoes) {
    my $echo = $echoes{$number};
    my @took = values %{ $echo->{took} };
    my ($sum, $squares, $min, $max) = (0, 0, $took[0] // 0, 0);
    for (@took) {
        $sum += $_;
        $squares += $_ * $_;
        $min = $_ if $_ < $min;
        $max = $_ if $_ > $max;
    }
    my $mean = @took ? $sum / @took : 0;
    my $spread = @took ? $squares / @took - $mean * $mean : 0;
    my @numbers = map { int($_ + 0.5) } $min, $mean, $max, $spread > 0 ? sqrt $spread : 0;
    print join(" ", "ping", $echo->{peer}, scalar keys %{ $echo->{sent} }, scalar @took, @numbers), "\n";
    print join(" ", "whole", $echo->{peer}, $echo->{mtu}, $echo->{whole_sent}, scalar keys %{ $echo->{whole_back} }), "\n";
    print join(" ", "mtu", $echo->{peer}, $echo->{largest}), "\n";
    print "unreachable $echo->{peer} $_\n" for sort keys %{ $echo->{unreachable} };
}
my $millis = int((time() - $start) * 1000);
my %later = traffic();
for my $name (sort keys %later) {
    my ($old, $new) = ($traffic{$name} // next, $later{$name});
    my ($in, $out, $errors, $drops) = map { my $grown = $new->[$_] - $old->[$_]; $grown > 0 ? $grown : 0 } 0 .. 3;
    print join(" ", "traffic", $name, $millis, $in > $out ? $in : $out, $errors, $drops), "\n";
}
if (open(my $file, "<", "/proc/net/arp")) {
    while (my $line = <$file>) {
        my ($address, undef, $flags, $mac) = split / +/, $line;
        # 2: somebody has answered.
        print "neighbour $address $mac\n" if ($flags // "") =~ /^0x/ && hex($flags) & 2;
    }
}
