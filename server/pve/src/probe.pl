# quorate-probe v1
use strict;
use warnings;
use Errno qw(EADDRINUSE EINPROGRESS ECONNREFUSED);
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use Socket qw(AF_INET AF_INET6 SOCK_DGRAM SOCK_STREAM SOL_SOCKET SO_ERROR inet_pton
    pack_sockaddr_in pack_sockaddr_in6);
use Time::HiRes qw(time);

$| = 1;
my $COUNT   = 5;       # datagrams for every peer
my $RESEND  = 0.25;    # seconds between two tries of a datagram without echo
my $MAXIMUM = 64;      # bytes of a datagram that is echoed; an answer is never longer than its question

my (undef, $seconds, @lists) = @ARGV;
my %items = (listen => [], udp => [], tcp => []);
for my $list (@lists) {
    my ($name, $values) = split /=/, $list, 2;
    die "unknown list $name\n" unless $items{$name};
    $items{$name} = [split /,/, $values];
}
my $end = time() + $seconds;

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

my $next = 0;
while ((my $now = time()) < $end) {
    if ($now >= $next) {
        ask();
        $next = $now + $RESEND;
    }
    my ($read, $write) = ("", "");
    vec($read, fileno($_), 1) = 1 for @udp_sockets;
    vec($write, fileno($_->{socket}), 1) = 1 for @waiting;
    my $until = $next < $end ? $next : $end;
    my $pause = $until - time();
    select($read, $write, undef, $pause > 0 ? $pause : 0);
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
